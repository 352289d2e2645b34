"""The table of actions: which row a handler belongs to, and what keeps an action from being chosen."""

from __future__ import annotations

import pytest
from textual.actions import parse
from textual.pilot import Pilot

from engine.records import replace
from tests.views.hosts import docker_host
from tests.workbench.screen import Stand, bench, drive, looked
from workbench.actions import ACTIONS, Need, needs_of
from workbench.app import Workbench
from workbench.session.sources import Given


def test_a_row_is_found_by_its_handler_and_parameters() -> None:
    assert needs_of("step_time", (1,)) == Need.LIVE | Need.NO_ROUND
    assert needs_of("lab", ("break",)) == Need.CHANGING | Need.NO_ROUND
    assert needs_of("lab", ("save",)) == Need.CHANGING


def test_parameters_that_no_row_has_need_what_all_rows_of_the_name_need() -> None:
    assert needs_of("lab", ("anything",)) == Need.CHANGING
    assert needs_of("no_such_handler", ()) == Need.NOTHING


ALL = Need.LIVE | Need.WRITABLE | Need.CHANGING | Need.NO_ROUND
LIVE_ONLY = {"changes", "freeze", "refresh", "time.back", "time.on", "timeline"}
#: What would give the answer away while a round of the dojo is on.
TELLING = {"apply", "copy", "everywhere", "export", "lab.break", "matrix", "prove", "changes", "timeline"}
LABS = {row.id for row in ACTIONS if row.id.startswith("lab.")}


@pytest.mark.parametrize(
    ("has", "hidden", "dimmed"),
    [
        (ALL, set(), set()),
        (Need.CHANGING | Need.NO_ROUND, LIVE_ONLY | {"undo"}, set()),
        (ALL & ~Need.CHANGING, set(), LABS | {"export", "labs", "prove", "undo"}),
        (ALL & ~Need.NO_ROUND, set(), TELLING | {"time.back", "time.on"}),
    ],
)
def test_what_cannot_be_chosen_is_hidden_or_dimmed(has: Need, hidden: set[str], dimmed: set[str]) -> None:
    source = Given("dh", docker_host, live=Need.LIVE in has, writable=Need.WRITABLE in has)

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        app.settings = replace(app.settings, read_only=Need.CHANGING not in has)
        app.in_round = Need.NO_ROUND not in has
        found = {row.id: app.check_action(*parse(row.handler)[1:]) for row in ACTIONS}
        assert {name for name, allowed in found.items() if allowed is False} == hidden
        assert {name for name, allowed in found.items() if allowed is None} == dimmed

    drive(Workbench(source, None, Stand().engine), play)
