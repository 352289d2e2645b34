"""Drives the workbench by Textual's pilot: builds it on a host made of nouns, and waits for what its thread tells."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from textual.pilot import Pilot
from textual.widgets import Static

from engine.explain.board import board
from engine.model.board import BoardRow
from engine.model.host import Snapshot
from engine.model.verdict import Question, Verdict
from tests.views.hosts import docker_host, dropped_verdict, question
from views.verdict.ask import Ask
from workbench.app import Workbench
from workbench.session.applied_fixes import Changes
from workbench.session.engine import Engine
from workbench.session.sources import Given

ASK = Ask(":8080", "ns:lan")
#: Turns of the event loop that a wait may take; each is at least 10 ms.
TURNS = 1000


@dataclass
class Stand:
    """An engine that gives a prepared answer and remembers what it was asked."""

    verdict: Verdict = field(default_factory=dropped_verdict)
    refusal: str = ""
    asked: list[Ask] = field(default_factory=list)
    boards: bool = False

    def resolve(self, _snapshot: Snapshot, ask: Ask) -> Question:
        self.asked.append(ask)
        if self.refusal:
            raise LookupError(self.refusal)
        return question()

    def answer(self, _snapshot: Snapshot, _question: Question) -> Verdict:
        return self.verdict

    @property
    def engine(self) -> Engine:
        return Engine(self.resolve, self.answer, self.board)

    def board(self, snapshot: Snapshot, tried: Callable[[int, int], object]) -> tuple[BoardRow, ...]:
        return board(snapshot, tried) if self.boards else ()


def workbench(
    stand: Stand | None = None,
    *,
    look: Callable[[], Snapshot] = docker_host,
    ask: Ask | None = None,
    live: bool = False,
    changes: Changes | None = None,
) -> Workbench:
    """A workbench on a host that may be changed where `changes` says how."""
    return Workbench(Given("dh", look, live, changes is not None), ask, (stand or Stand()).engine, changes)


def drive(
    app: Workbench,
    play: Callable[[Pilot[int]], Awaitable[None]],
    size: tuple[int, int] = (120, 36),
    fault: type[Exception] | None = None,
) -> None:
    """Runs the app without a terminal, and `play` on it. Nothing of its own may fail but for an expected `fault`."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await play(pilot)

    asyncio.run(run())
    if app.fault is not None and not (fault and isinstance(app.fault, fault)):
        raise app.fault


async def until(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    """Waits for what another thread brings about. Fails when it never comes."""
    for _ in range(TURNS):
        if holds():
            await pilot.pause()
            return
        await pilot.pause(0.01)
    raise AssertionError("this never came about")


async def answered(pilot: Pilot[int]) -> None:
    app = bench(pilot)
    await until(pilot, lambda: app.panes.verdict is not None and app.panes.path.has_focus)


async def looked(pilot: Pilot[int]) -> None:
    app = bench(pilot)
    await until(pilot, lambda: app.panes.snapshot is not None and app.panes.answer.has_focus)


def bench(pilot: Pilot[int]) -> Workbench:
    assert isinstance(pilot.app, Workbench)
    return pilot.app


def notices(pilot: Pilot[int]) -> list[str]:
    """What was told, the last one last."""
    return [f"{notice.title} {notice.message}" for notice in bench(pilot).parts.notices.told]


def line(app: Workbench, name: str) -> str:
    """The text of one of the lines around the panes."""
    return str(app.query_one(f"#{name}", Static).content)


def text(app: Workbench, pane: str) -> str:
    """What a pane shows."""
    widget = app.panes.pane(pane)
    return "\n".join("".join(part.text for part in widget.render_line(y)) for y in range(widget.size.height))
