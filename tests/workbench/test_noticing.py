"""What is told is a line below the panes: it covers nothing, and all of it is kept."""

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from tests.workbench.screen import ASK, answered, bench, drive, looked, until, workbench
from workbench.app import Workbench
from workbench.dialogs import Dialog
from workbench.notices import NoticeLine


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
