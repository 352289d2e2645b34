"""Settings: where they are, what they may say, and that keys, theme and glyphs follow them."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from tests.workbench.screen import ASK, answered, bench, drive, until, workbench
from views.ascii import in_ascii
from views.text import cells
from workbench import settings
from workbench.actions import ACTIONS
from workbench.exits import Exit, Refusal
from workbench.screen.menu import Menu
from workbench.settings import Settings


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("LC_ALL", "LC_CTYPE", "LANG", settings.ASCII_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    (tmp_path / "config/portscope").mkdir(parents=True)
    return tmp_path


#: What a file that is looked at lacks.
LIVE = ("undo", "refresh", "freeze")


def write(text: str) -> Path:
    settings.config_file().write_text(text)
    return settings.config_file()


def test_without_a_file_everything_is_as_it_is() -> None:
    assert settings.load() == Settings(toured=False)


def test_the_template_is_a_file_that_sets_nothing_and_names_every_action() -> None:
    write(settings.template())
    assert settings.load() == Settings(toured=False)
    assert all(f'"{action.id}"' in settings.template() for action in ACTIONS)


def test_a_file_says_theme_glyphs_and_keys() -> None:
    write('theme = "nord"\nascii = true\n[keys]\nwhy = "W"\n"lab.down" = "ctrl+x"\n')
    assert settings.load() == Settings("nord", True, {"why": "W", "lab.down": "ctrl+x"}, toured=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("theme = ", "not TOML"),
        ("colour = 1", "colour is not a setting"),
        ('theme = "neon"', "no theme neon"),
        ('ascii = "yes"', "true or false"),
        ('[keys]\nwhi = "w"', "did you mean why"),
        ('[keys]\nwhy = "y"', "y would be why and copy"),
        ('[keys]\nwhy = "?"', "would be why and help"),
        ("[keys]\nwhy = 1", "table of texts"),
        ('[keys]\nwhy = "strg+w"', "no key .strg.w. for why"),
        ('[keys]\nwhy = "w, W"', "no key ' W' for why"),
    ],
)
def test_a_file_that_is_wrong_is_told_in_a_line(text: str, words: str) -> None:
    path = write(text)
    with pytest.raises(Refusal, match=words) as refusal:
        settings.load()
    assert str(path) in str(refusal.value)
    assert refusal.value.exit_code is Exit.USAGE


@pytest.mark.parametrize(
    "key", ["W", "é", "f2", "ctrl+x", "alt+f2", "exclamation_mark", "!", "minus", "ctrl+backslash", "backspace"]
)
def test_every_key_of_a_keyboard_can_be_taken(key: str) -> None:
    write(f'[keys]\nwhy = "{key}"\nlog = ""\n')
    assert settings.load().keys == {"why": key, "log": ""}
    assert all(settings.is_key(each) for action in ACTIONS for each in filter(None, action.keys.split(",")))


@pytest.mark.parametrize(
    ("environment", "plain"),
    [
        ({"LANG": "en_US.UTF-8"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, True),
        ({"LC_CTYPE": "C.UTF-8"}, False),
        ({"TERM": "linux"}, True),
        ({"LANG": "C", settings.ASCII_VARIABLE: "0"}, False),
        ({settings.ASCII_VARIABLE: "1"}, True),
    ],
)
def test_a_terminal_without_utf8_has_ascii(monkeypatch, environment: dict[str, str], plain: bool) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert settings.load().ascii is plain


def test_a_theme_that_was_chosen_is_there_the_next_time() -> None:
    async def play(pilot: Pilot[int]) -> None:
        pilot.app.theme = "nord"
        await until(pilot, lambda: settings.state_file().exists())

    drive(workbench(), play)
    assert settings.load().theme == "nord"


def test_keys_are_the_users_own_also_for_what_had_none_and_every_glyph_is_ascii() -> None:
    app = workbench(ask=ASK)
    app.settle(Settings(ascii=True, keys={"labs": "L", "lab.gallery": "ctrl+g"}))

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        picture = bench(pilot).export_screenshot()
        assert "=" in picture
        assert not set("●✗━─│╭▶•") & set(picture)
        await pilot.press("n")
        assert not isinstance(pilot.app.screen, Menu)
        await pilot.press("L")
        assert isinstance(pilot.app.screen, Menu)
        await pilot.press("escape", "ctrl+g")
        await until(pilot, lambda: isinstance(pilot.app.screen, Menu))

    drive(app, play)


def test_a_key_of_the_users_keeps_its_place_in_the_footer_and_the_old_one_does_nothing() -> None:
    app = workbench()
    app.settle(Settings(keys={"why": "W", "filter": "ctrl+f"}))

    async def play(pilot: Pilot[int]) -> None:
        await until(pilot, lambda: bool(pilot.app.query(FooterKey)))
        shown = [(key.key, key.description) for key in pilot.app.query(FooterKey)]
        assert [word for _, word in shown] == [
            action.short for action in ACTIONS if action.short and action.id not in LIVE
        ]
        assert {("W", "why"), ("ctrl+f", "filter")} <= set(shown)
        await pilot.press("w", "slash")
        assert pilot.app.query_one(Footer).display
        await pilot.press("W")
        assert not pilot.app.query_one(Footer).display  # the prompt stands in its place

    drive(app, play)


@pytest.mark.parametrize(("width", "last"), [(60, "zoom"), (80, "quit"), (98, "refresh"), (120, "freeze")])
def test_no_key_in_the_footer_is_cut(width: int, last: str) -> None:
    async def play(pilot: Pilot[int]) -> None:
        await pilot.resize_terminal(width, 30)
        await until(pilot, lambda: [key.description for key in pilot.app.query(FooterKey)][-1:] == [last])
        assert all(key.region.right <= width + 1 for key in pilot.app.query(FooterKey))

    drive(workbench(live=True), play)


def test_one_cell_stays_one_cell() -> None:
    text = "● ○ ✗ ━┫┠─ ╭╮ ▶ • → ⇐ … “x” 漢"
    assert len(in_ascii(text)) == cells(text)
    assert in_ascii(text).isascii()
