"""The same question from everywhere, the matrix of all ports, and reports, on the screen."""

import threading
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Footer, Input, Static

from engine.explain.survey.matrix import answer as answer_cell
from engine.model.matrix import Cell
from engine.model.verdict import Question, Reach
from engine.path.world import World
from tests.views.hosts import docker_host
from tests.workbench.screen import ASK, answered, bench, drive, looked, until, workbench
from tests.workbench.test_moments import notices
from views.verdict.ask import Ask
from workbench.app import Workbench
from workbench.screen.dialogs import Choice
from workbench.screen.grid import GridScreen
from workbench.screen.progress import Working
from workbench.session import matrix_pool
from workbench.session.engine import Engine
from workbench.session.sources import Given


def real(ask: Ask | None = None) -> Workbench:
    """With the real engine."""
    return Workbench(Given("dh", docker_host), ask, Engine())


def said(screen: GridScreen, name: str) -> str:
    return str(screen.query_one(f"#{name}", Static).content)


async def listed(pilot: Pilot[int]) -> Choice:
    await until(pilot, lambda: isinstance(pilot.app.screen, Choice))
    screen = pilot.app.screen
    assert isinstance(screen, Choice)
    await until(pilot, lambda: screen.listing.total > 0)
    return screen


def test_the_question_is_answered_from_every_place_and_one_of_them_is_asked() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("e")
        screen = await listed(pilot)
        asks = [entry.key for entry in screen.listing.entries]
        assert Ask(asks[0].target, "ns:lan") in asks  # type: ignore[union-attr]
        here = next(ask for ask in asks if isinstance(ask, Ask) and ask.source == "host")
        screen.listing.go(here)
        await pilot.press("enter")
        app = bench(pilot)
        await until(pilot, lambda: app.panes.verdict is not None and app.panes.verdict.question.source.netns == "dh")

    drive(real(ASK), play)


def test_without_a_question_nothing_is_asked_from_everywhere() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await pilot.press("e")
        assert "Ask a question first" in notices(pilot)

    drive(workbench(), play)


def test_every_port_is_asked_from_every_place() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(pilot.app.screen, GridScreen))
        screen = pilot.app.screen
        assert isinstance(screen, GridScreen)
        await until(pilot, lambda: "no route in lan" in said(screen, "grid-cell"))
        assert screen.grid.place[0] == ":8080 → web:80"
        await pilot.press("l", "j", "x", "G", "g", "h", "k", "x", "f", "f", "enter")
        await until(pilot, lambda: bench(pilot).panes.verdict is not None)
        verdict = bench(pilot).panes.verdict
        assert verdict is not None
        assert verdict.reach in tuple(Reach)

    drive(real(), play)


def test_a_report_is_written_in_the_format_of_its_name_and_never_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "host.md"

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        for said in ("Report written", "exists; choose another name"):
            await pilot.press("x")
            pilot.app.query_one("#line-text", Input).value = str(path)
            await pilot.press("enter")
            await until(pilot, lambda said=said: said in notices(pilot))  # type: ignore[misc]
        assert "NOT REACHABLE" in path.read_text().upper()

    drive(workbench(ask=ASK), play)


def test_a_long_survey_shows_how_far_it_is_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix_pool, "CHUNK", 1)
    going = threading.Event()

    def slow(world: World, question: Question) -> Cell:
        going.wait(0.05)
        return answer_cell(world, question)

    monkeypatch.setattr(matrix_pool.cells, "answer", slow)

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(pilot.app.screen, Working))
        await until(pilot, lambda: "questions" in str(pilot.app.screen.query_one("#bar", Static).content))
        await pilot.press("escape")
        await until(pilot, lambda: "Stopped" in notices(pilot))
        assert not isinstance(pilot.app.screen, Working | GridScreen)
        going.set()
        await pilot.press("m")
        await until(pilot, lambda: isinstance(pilot.app.screen, GridScreen))

    drive(real(), play)


def test_a_page_of_the_workbench_has_the_matrix_with_or_without_a_question(tmp_path: Path) -> None:
    asked, unasked = tmp_path / "asked.html", tmp_path / "unasked.html"

    async def write(pilot: Pilot[int], path: Path) -> None:
        await pilot.press("x")
        pilot.app.query_one("#line-text", Input).value = str(path)
        await pilot.press("enter")
        await until(pilot, path.exists)

    async def with_answer(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await write(pilot, asked)

    async def without(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await write(pilot, unasked)

    drive(real(ASK), with_answer)
    drive(real(), without)
    assert "NOT REACHABLE" in asked.read_text()
    assert "answer-1" not in unasked.read_text()
    assert all('id="matrix"' in path.read_text() for path in (asked, unasked))


def test_a_name_that_tells_no_format_is_refused_in_a_line(tmp_path: Path) -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("x")
        assert not pilot.app.query_one(Footer).display  # the prompt stands in its place
        pilot.app.query_one("#line-text", Input).value = str(tmp_path / "host.xyz")
        await pilot.press("enter")
        await until(pilot, lambda: "cannot tell the format" in notices(pilot))

    drive(workbench(ask=ASK), play)
