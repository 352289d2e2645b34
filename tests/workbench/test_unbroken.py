"""Whatever fails in the workbench is told on its screen, which goes on."""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from tests.workbench.screen import ASK, answered, bench, drive, line, text, until, workbench
from views.text import Line
from workbench.app import Workbench
from workbench.screen.dialogs import Dialog


class Boom(Exception):
    """What fails here."""


def fail(*_: object) -> list[Line]:
    raise Boom("boom")


def paint(app: Workbench) -> None:
    app.panes.topology.paint = fail  # type: ignore[method-assign,assignment]
    app.panes.topology.refresh()
    assert "this&#160;line&#160;cannot&#160;be&#160;drawn" in app.export_screenshot()


def handle(app: Workbench) -> None:
    app.panes.topology.step = fail  # type: ignore[method-assign]
    app.panes.go("topology")
    app.call_after_refresh(app.simulate_key, "j")


def resize(app: Workbench) -> None:
    app.panes.answer.flow(fail)


def timer(app: Workbench) -> None:
    app.set_timer(0.001, fail)


def callback(app: Workbench) -> None:
    app.call_after_refresh(fail)


@pytest.mark.parametrize("harm", [paint, handle, resize, timer, callback])
def test_a_fault_is_told_and_ends_nothing(harm: Callable[[Workbench], None]) -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        app.call_later(harm, app)
        await until(pilot, lambda: "an error in portscope, not yours: Boom: boom" in line(app, "trouble"))
        await pilot.press("2", "j", "w")
        assert "filter/FORWARD" in text(app, "rules")
        assert app.is_running

    drive(workbench(ask=ASK), play, fault=Boom)


def test_a_screen_over_the_panes_that_fails_can_be_closed() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        await app.push_screen(Dialog("What changed", "esc closes", fail))
        await until(pilot, lambda: "Boom: boom" in line(app, "trouble"))
        await pilot.press("escape")
        assert not isinstance(app.screen, Dialog)

    drive(workbench(ask=ASK), play, fault=Boom)
