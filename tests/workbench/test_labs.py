"""Labs by menu, from nothing to gone, on the real kernel; and what the forms and the dojo say on the way."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Label

from engine.lab import lifecycle
from engine.lab.layouts import WRITERS
from engine.model.verdict import Reach
from tests.harness.needs import require
from tests.harness.netns import NETNS_FOLDER
from tests.workbench.plain_host import plain_host
from tests.workbench.screen import bench, drive, notices, until
from workbench.app import Workbench
from workbench.labs import rounds
from workbench.labs.form_dialog import Form
from workbench.labs.plan_dialog import PlanDialog
from workbench.screen.dialogs import Choice, Dialog
from workbench.screen.menu import Menu
from workbench.session.sources import Given


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    require("ip", "nft", "iptables-nft", root=True)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    name = f"wb{secrets.token_hex(3)}"
    yield name
    lifecycle.down(name)
    assert not list(NETNS_FOLDER.glob(f"{name}-*"))


def home() -> Workbench:
    return Workbench(Given("a file", plain_host))


async def shown(pilot: Pilot[int], screen: type) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, screen))


async def fill(pilot: Pilot[int], **values: str) -> None:
    """Fills in a form, and ends it in its last field."""
    await shown(pilot, Form)
    for name, value in values.items():
        pilot.app.screen.query_one(f"#form-{name}", Input).value = value
    list(pilot.app.screen.query(Input))[-1].focus()
    await pilot.press("enter")


async def carry_out(pilot: Pilot[int]) -> tuple[str, ...]:
    """Accepts a plan; the commands that it showed."""
    await shown(pilot, PlanDialog)
    screen = pilot.app.screen
    assert isinstance(screen, PlanDialog)
    before = len(bench(pilot).stage.done.entries)
    await pilot.press("a")
    await until(pilot, lambda: len(bench(pilot).stage.done.entries) > before)
    return screen.work.commands


async def reach(pilot: Pilot[int], wanted: Reach) -> None:
    app = bench(pilot)
    await until(pilot, lambda: app.panes.verdict is not None and app.panes.verdict.reach is wanted)


def test_a_lab_is_built_changed_broken_mended_and_taken_down_by_menu(lab: str, tmp_path: Path) -> None:
    async def play(pilot: Pilot[int]) -> None:
        app = bench(pilot)
        await pilot.press("n", "n")
        await fill(pilot, lab=lab)
        assert f"ip netns add {lab}-host" in await carry_out(pilot)
        await reach(pilot, Reach.YES)
        assert app.stage.source.lab == lab

        await pilot.press("n", "c")
        await fill(pilot, name="db", listens="5432")
        await carry_out(pilot)
        await pilot.press("n", "p")
        await fill(pilot, container="db", port="5432:5432")
        await carry_out(pilot)
        await until(pilot, lambda: len(app.panes.snapshot.containers[1].published) == 1)  # type: ignore[union-attr]

        await pilot.press("b")
        await shown(pilot, Menu)
        await pilot.press("enter")
        assert any("DOCKER-USER" in command for command in await carry_out(pilot))
        await reach(pilot, Reach.NO)
        await pilot.press("n", "c")
        await fill(pilot, name="late")
        await shown(pilot, Form)
        assert any("remove them first" in str(label.content) for label in pilot.app.screen.query(Label))
        await pilot.press("escape", "n", "m")
        await carry_out(pilot)
        await reach(pilot, Reach.YES)

        await pilot.press("n", "s", *"saved.yaml", "enter")
        await until(pilot, (tmp_path / "saved.yaml").exists)
        await pilot.press("n", "D")
        await carry_out(pilot)
        await until(pilot, lambda: app.stage.source.lab == "" and app.panes.snapshot is not None)
        assert not list(NETNS_FOLDER.glob(f"{lab}-*"))

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        drive(home(), play)
    assert "db" in (tmp_path / "saved.yaml").read_text()


def test_in_the_dojo_asking_costs_points_and_tells_no_cause(lab: str, tmp_path: Path) -> None:
    file = tmp_path / "lab.yaml"
    file.write_text(f"name: {lab}\nservices: {{web: {{ports: ['8080:80']}}}}\n")

    async def play(pilot: Pilot[int]) -> None:
        app = bench(pilot)
        await pilot.press("n", "f", *str(file), "enter")
        await carry_out(pilot)
        await reach(pilot, Reach.YES)
        await pilot.press("o")
        await carry_out(pilot)
        await shown(pilot, Choice)
        assert app.panes.verdict is None
        assert app.stage.timeline.flips == []
        await pilot.press("escape", "d", "t")  # what changed is the answer
        assert app.screen is app.screen_stack[0]
        await pilot.press("o")
        await shown(pilot, Choice)
        await pilot.press("enter")  # a look
        await until(pilot, lambda: "95 of 100 points" in notices(pilot)[-1])
        await shown(pilot, Choice)
        await pilot.press("escape", "w", *"8080", "enter")
        await until(pilot, lambda: any("90 of 100 points" in notice for notice in notices(pilot)))
        assert app.panes.verdict is None
        await shown(pilot, Choice)
        now = rounds.current(lab)
        assert now is not None
        assert isinstance(pilot.app.screen, Choice)
        pilot.app.screen.choose_key(("answer", now.fault))
        await reach(pilot, Reach.YES)
        assert isinstance(pilot.app.screen, Dialog)
        assert "Right" in str(pilot.app.screen.listing.entries[0])

    drive(home(), play)


def test_a_form_that_cannot_be_says_why_and_keeps_what_was_typed(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    async def play(pilot: Pilot[int]) -> None:
        await pilot.press("n", "n")
        await fill(pilot, lab="shop", ports="eighty")
        await shown(pilot, Form)
        form = pilot.app.screen
        assert form.query_one("#form-ports", Input).value == "eighty"
        assert any("eighty" in str(label.content) for label in form.query(Label))

    drive(home(), play)


def test_a_form_is_looked_at_when_a_field_is_left_and_finished_from_anywhere(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    async def play(pilot: Pilot[int]) -> None:
        await pilot.press("n", "n")
        await shown(pilot, Form)
        form = pilot.app.screen

        def wrong() -> str:
            return str(form.query_one(".-error", Label).content)

        form.query_one("#form-subnet", Input).focus()
        await pilot.press("x", "tab")
        await until(pilot, lambda: "'x'" in wrong())
        form.query_one("#form-subnet", Input).value = ""
        form.query_one("#form-layout", Input).focus()
        await until(pilot, lambda: not wrong())
        await pilot.press("right")
        assert form.query_one("#form-layout", Input).value == list(WRITERS)[1]
        await pilot.press("left")
        assert form.query_one("#form-layout", Input).value == next(iter(WRITERS))
        await pilot.press("ctrl+s")
        await shown(pilot, PlanDialog)

    drive(home(), play)


def test_what_is_done_to_a_lab_is_offered_where_one_is_shown(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    async def play(pilot: Pilot[int]) -> None:
        await pilot.press("b")
        assert "This is not a lab" in notices(pilot)[-1]
        await pilot.press("n")
        screen = pilot.app.screen
        assert isinstance(screen, Menu)
        assert [row.key for row in screen.listing.entries if row.key] == [
            "lab.gallery",
            "lab.file",
            "lab.form",
        ]
        await pilot.press("g")
        await shown(pilot, Menu)
        await pilot.press("enter")
        await shown(pilot, PlanDialog)
        await pilot.press("escape")
        assert bench(pilot).stage.done.entries == []

    drive(home(), play)
