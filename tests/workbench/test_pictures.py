"""Pictures of the screen, compared cell by cell. A changed one is looked at before it is accepted."""

from collections.abc import Awaitable, Callable
from typing import Any

from textual.pilot import Pilot

from tests.views.hosts import connected_verdict
from tests.workbench.screen import ASK, Stand, answered, looked, workbench

Compare = Callable[..., bool]


def then(wait: Callable[[Pilot[int]], Awaitable[None]], *keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def before(pilot: Pilot[Any]) -> None:
        await wait(pilot)
        await pilot.press(*keys)
        await pilot.pause()

    return before


def test_main_screen_with_a_packet_that_is_dropped(snap_compare: Compare) -> None:
    assert snap_compare(workbench(ask=ASK), terminal_size=(120, 36), run_before=then(answered))


def test_main_screen_with_a_connection(snap_compare: Compare) -> None:
    app = workbench(Stand(connected_verdict()), ask=ASK)
    assert snap_compare(app, terminal_size=(120, 36), run_before=then(answered))


def test_before_a_question(snap_compare: Compare) -> None:
    assert snap_compare(workbench(), terminal_size=(120, 36), run_before=then(looked))


def test_narrow_screen_with_the_topology(snap_compare: Compare) -> None:
    assert snap_compare(workbench(ask=ASK), terminal_size=(80, 24), run_before=then(answered, "1"))
