"""The key that proves, with a stand-in for the attempt: what it shows, what it may change, and a fix that is tried."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.model.host import Snapshot
from engine.model.proof import Agreement, Attempt, Leg, Proof, ProofRow
from engine.model.trace import Symptom
from engine.model.verdict import Verdict
from engine.prove.prove import Proven, Wishes
from tests.views.hosts import docker_host, dropped_verdict
from tests.workbench.screen import ASK, Stand, answered, bench, drive, looked, text, until
from tests.workbench.test_mending import Host
from tests.workbench.test_moments import notices
from workbench.app import Workbench
from workbench.exits import refused
from workbench.screen.dialogs import Dialog
from workbench.session.applied_fixes import Changes
from workbench.session.sources import Given


class Prover:
    """Says how an attempt ended, and remembers what was allowed. Every step but the last was seen as predicted."""

    def __init__(self, symptom: Symptom, *, waits: bool = False) -> None:
        self.symptom, self.waits = symptom, waits
        self.wishes: list[Wishes] = []
        self.refusal = ""

    def __call__(self, _snapshot: Snapshot, verdict: Verdict, wishes: Wishes) -> Proven:
        self.wishes.append(wishes)
        if self.refusal:
            raise refused(self.refusal)
        if self.waits:
            assert wishes.stop.wait(30)
            return Proven(Proof(verdict.symptom, None, Agreement.UNSEEN, arrived=False, waited=1.5))
        agrees = Agreement.YES if self.symptom is verdict.symptom else Agreement.NO
        steps = [(hop.netns, step) for hop in verdict.conversation.forward.hops for step in hop.steps]
        rows = [ProofRow(Leg.FORWARD, netns, step.text, "seen so", Agreement.YES, "capture") for netns, step in steps]
        rows[-1] = replace(rows[-1], agree=agrees)
        return Proven(Proof(verdict.symptom, Attempt(self.symptom, seconds=0.2), agrees, tuple(rows)))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "portscope" / "commands.log"


def app(prover: Prover, stand: Stand | None = None, *, live: bool = True, changes: Host | None = None) -> Workbench:
    look = changes.look if changes else docker_host
    source = Given("dh", look, live, changes is not None)
    return Workbench(source, ASK, (stand or Stand()).engine, changes or Changes(), prover)


def test_predicted_and_seen_stand_side_by_side_and_the_path_keeps_the_marks() -> None:
    prover = Prover(Symptom.TIMEOUT)

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, Dialog))
        screen = pilot.app.screen
        assert isinstance(screen, Dialog)
        await until(pilot, lambda: len(screen.listing.entries) > 3)
        words = [entry.words for entry in screen.listing.entries]
        assert words[0].strip() == "a real attempt: timeout, as predicted (0.20 s)"
        assert any(line.startswith("  ✓ ") and line.endswith("seen so (capture)") for line in words)
        await pilot.press("escape")
        panes = bench(pilot).panes
        marked = {span.text for span in panes.path.marks.values()}
        assert marked == {"✓"}
        assert "a real attempt: timeout" in text(bench(pilot), "answer")
        bench(pilot).stage.session.show(None)  # the same answer is given again
        await pilot.pause(0.1)
        assert panes.verdict is not None
        assert panes.verdict.kernel is not None

    drive(app(prover), play)
    assert [wish.trace for wish in prover.wishes] == [frozenset()]


@pytest.mark.parametrize("meanwhile", ["N", "w"])
def test_an_attempt_that_ends_while_the_user_does_something_else_takes_no_keys_away(meanwhile: str) -> None:
    prover = Prover(Symptom.TIMEOUT, waits=True)

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("p")
        await until(pilot, lambda: bool(prover.wishes))
        await pilot.press(meanwhile)
        screen = pilot.app.screen
        bench(pilot).parts.proofs.stop()
        await until(pilot, lambda: "nothing from" in notices(pilot))
        assert pilot.app.screen is screen

    drive(app(prover), play)


def test_an_attempt_that_ends_otherwise_turns_the_answer_around() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, Dialog))
        await pilot.press("escape")
        verdict = bench(pilot).panes.verdict
        assert verdict is not None
        assert (verdict.symptom, verdict.causes[0].code) == (Symptom.REFUSED, "MODEL_DISAGREES")
        assert "✗" in {span.text for span in bench(pilot).panes.path.marks.values()}

    drive(app(Prover(Symptom.REFUSED)), play)


def test_a_client_is_waited_for_until_the_key_is_pressed_again() -> None:
    prover = Prover(Symptom.TIMEOUT, waits=True)

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("p")
        await until(pilot, lambda: bool(prover.wishes))
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, Dialog))
        assert len(prover.wishes) == 1

    drive(app(prover), play)


def test_leaving_ends_a_wait() -> None:
    prover = Prover(Symptom.TIMEOUT, waits=True)

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("p")
        await until(pilot, lambda: bool(prover.wishes))

    drive(app(prover), play)
    assert prover.wishes[0].stop.is_set()


@pytest.mark.parametrize(("live", "said"), [(False, "A file cannot be proved"), (True, "the kernel said no")])
def test_an_attempt_that_cannot_be_made_is_a_line(live: bool, said: str) -> None:
    prover = Prover(Symptom.TIMEOUT)
    prover.refusal = "the kernel said no"

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("p")
        await until(pilot, lambda: said in notices(pilot))

    drive(app(prover, live=live), play)


def test_without_a_question_nothing_is_attempted() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await pilot.press("p")
        assert "Ask a question first" in notices(pilot)

    drive(Workbench(Given("dh", docker_host, live=True), None, Stand().engine), play)


@pytest.mark.parametrize(
    ("symptom", "words"), [(Symptom.CONNECTED, "verified: kernel"), (Symptom.TIMEOUT, "not verified")]
)
def test_a_fix_that_was_carried_out_is_tried_with_the_packet(symptom: Symptom, words: str, state: Path) -> None:
    stand, prover = Stand(), Prover(symptom)
    host = Host(stand)
    fix = dropped_verdict().causes[0].fixes[0]

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("a", "a")
        await until(pilot, lambda: bench(pilot).panes.mended is not None)
        await until(pilot, lambda: f"applied: {fix.title}" in " ".join(text(bench(pilot), "answer").split()))
        mended = bench(pilot).panes.mended
        assert mended is not None
        assert mended.verified == ("kernel" if symptom is Symptom.CONNECTED else "model")
        await pilot.press("z")
        await until(pilot, lambda: bench(pilot).panes.mended is None)

    drive(app(prover, stand, changes=host), play)
    assert f": {words}, a real attempt: {symptom}" in state.read_text()
    assert [wish.trace for wish in prover.wishes] == [None]


def test_undoing_ends_an_attempt_and_what_it_would_have_said_is_not_said() -> None:
    stand = Stand()
    host, prover = Host(stand), Prover(Symptom.CONNECTED, waits=True)

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("a")
        await pilot.pause()
        await pilot.press("a")
        await until(pilot, lambda: bool(prover.wishes))
        await pilot.press("z")
        await until(pilot, lambda: "Undone." in notices(pilot))
        assert prover.wishes[0].stop.is_set()
        await pilot.pause(0.2)
        assert "your fix undone" in notices(pilot)
        assert "verified" not in notices(pilot).lower()

    drive(app(prover, stand, changes=host), play)


def test_on_a_host_that_is_no_lab_it_asks_once_before_it_sends() -> None:
    prover = Prover(Symptom.TIMEOUT)
    source = Given("this host", docker_host, live=True, careful=True)

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("p")
        assert "This sends one real packet" in notices(pilot)
        assert prover.wishes == []
        await pilot.press("p")
        await until(pilot, lambda: len(prover.wishes) == 1)
        await until(pilot, lambda: isinstance(pilot.app.screen, Dialog))
        await pilot.press("escape", "p")
        await until(pilot, lambda: len(prover.wishes) == 2)

    drive(Workbench(source, ASK, Stand().engine, Changes(), prover), play)
