"""The table of actions: what each row does, and what keeps an action from being chosen."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from engine.records import replace
from tests.views.hosts import docker_host
from tests.workbench.screen import Stand, bench, drive, looked
from workbench.actions import ACTIONS, Need
from workbench.app import Workbench
from workbench.session.messages import Told
from workbench.session.sources import Given


def test_every_row_of_the_table_does_something_and_nothing_else_is_done() -> None:
    app = Workbench(Given("dh", docker_host), None, Stand().engine)
    assert set(app._does) == {row.id for row in ACTIONS}


def test_whatever_is_told_has_a_listener() -> None:
    def kinds(of: type[Told]) -> set[type[Told]]:
        return {of, *(each for kind in of.__subclasses__() for each in kinds(kind))}

    app = Workbench(Given("dh", docker_host), None, Stand().engine)
    assert set(app._hears) == kinds(Told) - {Told}


ALL = Need.LIVE | Need.WRITABLE | Need.CHANGING | Need.NO_ROUND
LIVE_ONLY = {"changes", "freeze", "refresh", "shell", "time.back", "time.on", "timeline"}
#: What would give the answer away while a round of the dojo is on.
TELLING = {
    "apply",
    "copy",
    "everywhere",
    "export",
    "lab.break",
    "matrix",
    "prove",
    "changes",
    "timeline",
    "whatif",
    "shell",
    "capture",
    "issue",
}
LABS = {row.id for row in ACTIONS if row.id.startswith("lab.")}


@pytest.mark.parametrize(
    ("has", "hidden", "dimmed"),
    [
        (ALL, set(), set()),
        (Need.CHANGING | Need.NO_ROUND, LIVE_ONLY | {"undo"}, set()),
        (ALL & ~Need.CHANGING, set(), LABS | {"export", "labs", "prove", "shell", "undo"}),
        (ALL & ~Need.NO_ROUND, set(), TELLING | {"time.back", "time.on"}),
    ],
)
def test_what_cannot_be_chosen_is_hidden_or_dimmed(has: Need, hidden: set[str], dimmed: set[str]) -> None:
    source = Given("dh", docker_host, live=Need.LIVE in has, writable=Need.WRITABLE in has)

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        app.stage.settings = replace(app.stage.settings, read_only=Need.CHANGING not in has)
        app.stage.in_round = Need.NO_ROUND not in has
        found = {row.id: app.check_action("do", (row.id,)) for row in ACTIONS}
        assert {name for name, allowed in found.items() if allowed is False} == hidden
        assert {name for name, allowed in found.items() if allowed is None} == dimmed

    drive(Workbench(source, None, Stand().engine), play)
