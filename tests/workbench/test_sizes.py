"""Each screen in a small, a usual and a large terminal, on a recorded Docker host with the real engine."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from engine.observe.recording.snapshot_file import open_file
from tests.explain.hosts import SHOP
from tests.workbench.screen import answered, bench, line, text, until
from views.verdict.ask import Ask
from workbench.app import Workbench
from workbench.screen.dialogs import Dialog
from workbench.screen.grid import GridScreen
from workbench.session.sources import Given

Compare = Callable[..., bool]
Pilots = Pilot[Any]
SIZES = [(80, 24), (120, 36), (200, 60)]
BLOCKED = Ask(":8080", "ns:shop-lan")

pytestmark = pytest.mark.parametrize("size", SIZES, ids=[f"{width}x{height}" for width, height in SIZES])


def shop(ask: Ask | None = BLOCKED) -> Workbench:
    return Workbench(Given("a Docker host", lambda: open_file(SHOP)), ask)


def played(script: Callable[[Pilots], Awaitable[None]]) -> Callable[[Pilots], Awaitable[None]]:
    async def before(pilot: Pilots) -> None:
        await script(pilot)
        await pilot.pause()

    return before


def test_the_board(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def script(pilot: Pilots) -> None:
        await until(pilot, lambda: "1 of 5 ports" in text(bench(pilot), "answer"))

    assert snap_compare(shop(None), terminal_size=size, run_before=played(script))


def test_an_answer(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(shop(), terminal_size=size, run_before=played(answered))


def test_a_supposition(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def script(pilot: Pilots) -> None:
        await answered(pilot)
        await pilot.press("space")
        await until(pilot, lambda: "WHAT IF ✓" in line(bench(pilot), "strip"))
        await pilot.press("2")
        await until(pilot, lambda: bench(pilot).panes.rules.has_focus)

    assert snap_compare(shop(), terminal_size=size, run_before=played(script))


def test_a_walking_packet(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def script(pilot: Pilots) -> None:
        await answered(pilot)
        await pilot.press("1", *["full_stop"] * 7)
        await until(pilot, lambda: bench(pilot).panes.topology.has_focus)

    assert snap_compare(shop(), terminal_size=size, run_before=played(script))


def test_the_grid(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def script(pilot: Pilots) -> None:
        await answered(pilot)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(pilot.app.screen, GridScreen))
        await until(pilot, lambda: bool(str(pilot.app.screen.query_one("#grid-findings").render())))

    assert snap_compare(shop(), terminal_size=size, run_before=played(script))


def test_a_page_about_a_container(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def script(pilot: Pilots) -> None:
        await answered(pilot)
        panes = bench(pilot).panes
        assert panes.topology.full is not None
        node = next(each for each in panes.topology.full.nodes.values() if each.label == "web")
        panes.topology.select(node.id)
        await pilot.press("1", "i")
        await until(pilot, lambda: isinstance(pilot.app.screen, Dialog) and pilot.app.screen.listing.on_screen)

    assert snap_compare(shop(), terminal_size=size, run_before=played(script))


def test_the_line_of_a_question(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def script(pilot: Pilots) -> None:
        await answered(pilot)
        await pilot.press("w", "shift+tab")

    assert snap_compare(shop(), terminal_size=size, run_before=played(script))
