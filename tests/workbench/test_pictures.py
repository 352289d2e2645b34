"""Pictures of the screen, compared cell by cell. A changed one is looked at before it is accepted."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from engine.catalogue import CODES
from engine.lab import faults
from engine.observe.recording.snapshot_file import open_file
from tests.explain.hosts import SHOP
from tests.views.hosts import connected_verdict, docker_host, host_of_projects
from tests.workbench.screen import ASK, Stand, answered, bench, looked, text, until, workbench
from views.lab.round import RoundNow, round_lines
from workbench.app import Workbench
from workbench.labs import forms, work
from workbench.labs.plan_dialog import PlanDialog
from workbench.screen.dialogs import Choice
from workbench.session.sources import Given

Compare = Callable[..., bool]


@pytest.fixture
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No labs are up."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


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


def test_a_host_with_many_containers_has_a_map_of_them(snap_compare: Compare) -> None:
    app = Workbench(Given("a file", host_of_projects), ASK, Stand().engine)
    assert snap_compare(app, terminal_size=(120, 36), run_before=then(answered, "1", "plus"))


def test_narrow_screen_with_the_topology(snap_compare: Compare) -> None:
    assert snap_compare(workbench(ask=ASK), terminal_size=(80, 24), run_before=then(answered, "1"))


def test_the_prompt_that_asks_why(snap_compare: Compare) -> None:
    assert snap_compare(workbench(ask=ASK), terminal_size=(120, 36), run_before=then(answered, "1", "l", "l", "l", "w"))


def test_the_plan_of_a_lab_from_the_form(snap_compare: Compare, own_state: None) -> None:
    values = {field.name: field.value for field in forms.NEW_LAB}

    async def before(pilot: Pilot[Any]) -> None:
        await answered(pilot)
        await pilot.app.push_screen(PlanDialog(work.from_text(forms.new_lab(values), "shop")))
        await pilot.pause()

    assert snap_compare(workbench(ask=ASK), terminal_size=(120, 36), run_before=before)


def test_the_menu_of_labs(snap_compare: Compare, own_state: None) -> None:
    app = Workbench(Given("lab shop", docker_host, lab="shop"), ASK, Stand().engine)
    assert snap_compare(app, terminal_size=(120, 36), run_before=then(answered, "n"))


def test_a_round_of_the_dojo(snap_compare: Compare) -> None:
    shown = [fault for fault in faults.FAULTS.values() if fault.cause][:40]
    answers = [(fault.name, CODES[fault.cause].meaning) for fault in shown]
    told = ("Somebody changed the rules.", "Not all rules are in the filter table.")
    now = RoundNow("lan", "192.168.30.1:8080", 65, 100, told, answers, (5, 15, 20))

    async def before(pilot: Pilot[Any]) -> None:
        await looked(pilot)
        await pilot.app.push_screen(Choice("Dojo · lab shop", "enter chooses", partial(round_lines, now), "", print))
        await pilot.pause()

    assert snap_compare(workbench(), terminal_size=(80, 24), run_before=before)


def test_without_colours_everything_is_told_by_marks_and_words(snap_compare: Compare, monkeypatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(workbench(ask=ASK), terminal_size=(120, 36), run_before=then(answered))


def test_the_ports_before_a_question(snap_compare: Compare) -> None:
    async def boarded(pilot: Pilot[int]) -> None:
        await until(pilot, lambda: "5 ports" in text(bench(pilot), "answer"))

    app = workbench(Stand(boards=True), look=lambda: open_file(SHOP))
    assert snap_compare(app, terminal_size=(120, 36), run_before=then(boarded))
