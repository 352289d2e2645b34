"""The line of a question: the rows above it, and what is chosen from them."""

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input

from tests.workbench.screen import Stand, answered, bench, drive, looked, until, workbench
from workbench.screen.help import Help
from workbench.screen.offers import Offers
from workbench.screen.prompt import Prompt


def test_the_rows_above_the_line_are_chosen_from() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        rows = app.query_one(Offers)
        assert not rows.display
        await pilot.press("w")
        assert rows.display
        assert rows.chosen == ""
        assert "lan>" in rows.entries[0].words
        await pilot.press("shift+tab")
        field = app.query_one("#why-to", Input)
        assert field.has_focus
        field.value = ""
        await pilot.press("c", "a")
        assert [row.words.split()[0] for row in rows.entries] == ["cache"]
        await pilot.press("down")
        assert rows.chosen == "cache"
        await pilot.press("enter")
        assert field.value == "cache"
        port = app.query_one("#why-port", Input)
        assert port.has_focus
        assert port.value == "6379"
        await pilot.press("escape")
        assert not rows.display

    drive(workbench(), play)


def test_a_whole_question_is_asked_by_two_keys() -> None:
    stand = Stand()

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await pilot.press("w", "down", "enter")
        await answered(pilot)
        assert stand.asked[-1].target == ":8080"
        await pilot.press("w")
        assert bench(pilot).query_one(Offers).entries[0].words.endswith("asked before")

    drive(workbench(stand), play)


@pytest.mark.parametrize(("keys", "field"), [("/drop", "filter-pattern"), ("w8081", "why-port")])
def test_keys_that_come_at_once_are_the_lines(keys: str, field: str) -> None:
    """As a terminal gives what was pasted: all of them are on their way before the first one has opened the line."""

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        await pilot.press("2")
        await until(pilot, lambda: app.panes.rules.has_focus)
        for char in keys:
            name = {"/": "slash"}.get(char, char)
            app.post_message(Key(name, char))
        await until(pilot, lambda: app.query_one(f"#{field}", Input).value == keys[1:])
        assert len(app.screen_stack) == 1

    drive(workbench(live=True), play)


@pytest.mark.parametrize(
    ("open_by", "line"),
    [("w", "8081"), ("slash", "drop")],
    ids=["question", "filter"],
)
def test_keys_that_come_at_once_behind_enter_are_the_panes(open_by: str, line: str) -> None:
    stand = Stand()

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        await pilot.press("2")
        await until(pilot, lambda: app.panes.rules.has_focus)
        await pilot.press(open_by)
        for key in (*line, "enter"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        app.post_message(Key("question_mark", "?"))
        await until(pilot, lambda: isinstance(app.screen, Help))
        assert not any(prompt.opened for prompt in app.screen_stack[0].query(Prompt))
        if open_by == "w":
            await until(pilot, lambda: bool(stand.asked))
            assert stand.asked[-1].target.endswith(":8081")
        else:
            assert app.panes.rules.pattern == line

    drive(workbench(stand), play)


def test_keys_behind_an_enter_that_goes_to_the_next_field_are_that_fields() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        await pilot.press("w", "shift+tab", "down")
        for key in ("enter", "9", "9"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: app.query_one("#why-port", Input).value == "99")

    drive(workbench(), play)
