"""What is told is a line below the panes: it covers nothing, and all of it is kept."""

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from tests.workbench.screen import ASK, answered, bench, drive, line, looked, notices, text, until, workbench
from workbench.app import Workbench
from workbench.screen.dialogs import Dialog
from workbench.screen.help import Help
from workbench.screen.notice_line import NoticeLine
from workbench.settings import Settings


def shown(app: Workbench) -> str:
    notice = app.screen.query_one(NoticeLine)
    assert app.query_one("#detail", Static).display is not notice.display
    return str(notice.content) if notice.display else ""


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
def test_several_things_told_at_once_take_one_line_and_cover_no_pane(size: tuple[int, int]) -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        before = app.panes.region
        app.notify("one", title="first [b]")
        app.notify("two\nlines")
        await pilot.pause()
        assert shown(app) == "· two · lines"
        assert app.panes.region == before
        assert not app.screen.query("Toast")
        await pilot.press("N")
        assert isinstance(app.screen, Dialog)
        rows = "\n".join(str(entry) for entry in app.screen.listing.entries)
        assert rows.index("two") < rows.index("first [b] · one")

    drive(workbench(ask=ASK), play, size=size)


def test_the_hint_of_a_prompt_takes_its_place() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        app.notify("one")
        assert shown(app) == "· one"
        await pilot.press("w")
        assert shown(app) == ""
        assert "enter asks" in line(app, "detail")

    drive(workbench(), play)


def test_texts_name_the_keys_that_the_user_has() -> None:
    app = workbench()
    app.settle(Settings(keys={"why": "ctrl+w", "help": "f1", "copy": "c"}))

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        assert "ctrl+w asks why" in text(app, "answer")
        assert "Ask a question (ctrl+w)" in text(app, "path")
        await pilot.press("c")
        await pilot.press("e")
        assert notices(pilot)[-1].endswith("Ask a question first: ctrl+w")
        await pilot.press("f1")
        assert isinstance(app.screen, Help)
        assert "c copies it" in str(app.screen.query_one(Static).content)

    drive(app, play)


def test_a_warning_stays_when_something_less_important_is_told_and_goes_in_its_time() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        app.notify("be warned", severity="warning", timeout=0.05)
        app.notify("by the way", timeout=60)
        assert shown(app) == "! be warned"
        await until(pilot, lambda: not shown(app))
        app.notify("by the way", timeout=60)
        assert shown(app) == "· by the way"

    drive(workbench(), play)
