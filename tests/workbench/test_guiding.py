"""The tour: three sentences, in a lab and on a host; once, and again when it is wanted."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.records import replace
from tests.views.hosts import docker_host, dropped_verdict
from tests.workbench.screen import ASK, Stand, answered, bench, drive, line, looked, until, workbench
from workbench import settings
from workbench.app import Workbench
from workbench.session.messages import Changed
from workbench.session.sources import Given


def test_in_a_lab_each_sentence_comes_when_the_one_before_is_done() -> None:
    fix = dropped_verdict().causes[0].fixes[0]

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        await app.action_do("tour")
        assert line(app, "guide").startswith(" 1/3  A rule drops the packets")
        assert "a shows the fix" in line(app, "guide")
        app.post_message(Changed(fix, (), done=False))  # of before the tour
        app.post_message(Changed(fix, (), done=True))
        await until(pilot, lambda: " 2/3  Fixed" in line(app, "guide"))
        app.post_message(Changed(fix, (), done=False))
        await until(pilot, lambda: " 3/3" in line(app, "guide"))
        await pilot.press("escape")
        assert line(app, "guide") == ""
        assert not app.query_one("#guide").display

    drive(Workbench(Given("lab", docker_host, live=True, writable=True), ASK, Stand().engine), play)


def test_on_a_host_each_question_leads_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert not settings.load().toured
    app = Workbench(Given("dh", docker_host, live=True), None, Stand().engine)
    app.settle(settings.load())

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        assert " 1/3  The board shows" in line(app, "guide")
        for source, words in (("ns:lan", " 2/3  "), ("ns:db", " 3/3  "), ("ns:web", "")):
            app.parts.questions.ask(replace(ASK, source=source))
            await until(pilot, lambda words=words: line(app, "guide")[:6] == words)  # type: ignore[misc]

    drive(app, play)
    assert settings.load().toured


def test_it_is_seen_once_and_again_from_the_help() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        assert line(app, "guide") == ""
        await pilot.press("question_mark", "t")
        await until(pilot, lambda: " 1/3" in line(app, "guide"))

    drive(workbench(live=True), play)
