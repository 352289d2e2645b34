"""Proving: the real packet is sent, and what the kernel did with it stands beside the prediction.

The attempt is made by a worker's thread on a fresh look at the host, since counters are
compared with it. What it showed belongs to the question: as long as its answer stays the same one, the path keeps the
marks and the answer the kernel's word. A client that is not on this machine is waited for, until the key is pressed
again. After a fix was carried out the attempt is made again, and the fix is marked where it connects.

A source that is not writable is never changed: no rule that makes the kernel trace is added there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from engine.model.proof import Proof
from engine.model.verdict import Fix, Verdict
from engine.records import dataclass
from views.reports.proof_text import headline
from views.text import Line
from views.verdict.ask import Ask
from views.verdict.evidence import proof_lines
from workbench.actions import ASK_FIRST
from workbench.controllers.prompts import Prompts
from workbench.controllers.stage import Stage
from workbench.exits import Refusal, fault_words, refused
from workbench.screen.dialogs import Dialog
from workbench.session.flips import key
from workbench.session.messages import Told

if TYPE_CHECKING:
    from engine.model.host import Snapshot
    from engine.prove.prove import Proven, Wishes

NOT_LIVE = "A file cannot be proved: open the host itself, or run portscope why … --prove there."
#: Cells in which the headline of a proof is one line.
WIDTH = 1000
SUPPOSED = "A hypothetical change cannot be proved: {back} returns to the host, {prove} then sends the packet."
PAST = "This moment is past: {back} returns to now, where the packet can be sent."

#: Makes the attempt, or waits for the client. Raises `Refusal` with a line for the user.
Prover = Callable[["Snapshot", Verdict, "Wishes"], "Proven"]


def real_attempt(snapshot: Snapshot, verdict: Verdict, wishes: Wishes) -> Proven:
    """The attempt on the host itself."""
    from workbench.session.attempt import attempt  # noqa: PLC0415 - the first picture comes first

    return attempt(snapshot, verdict, wishes)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an attempt showed, and of which answer to which question."""

    ask: Ask
    answer: tuple[object, ...]
    proof: Proof


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that is made for the answer to a question, after a fix where there is one."""

    ask: Ask
    fix: Fix | None
    wishes: Wishes


class Proved(Told):
    """An attempt was made; or it could not be: `refusal` says why."""

    def __init__(
        self, attempt: Attempt, verdict: Verdict | None = None, proof: Proof | None = None, refusal: str = ""
    ) -> None:
        super().__init__()
        self.attempt = attempt
        self.ask, self.fix = attempt.ask, attempt.fix
        self.verdict = verdict
        self.proof = proof
        self.refusal = refusal


class Proofs:
    """Attempts, made by the prover, and what the last one showed."""

    def __init__(self, stage: Stage, prompts: Prompts, prover: Prover) -> None:
        self._stage, self._prompts, self._prover = stage, prompts, prover
        self.evidence: Evidence | None = None
        self._attempt: Attempt | None = None
        self._agreed = False

    def prove(self) -> None:
        """Sends the packet of the shown question; once more ends a wait. On a host that is no lab it asks once."""
        ask = self._stage.asked
        if self._attempt is not None:
            self.stop()
        elif ask is None or self._stage.panes.verdict is None:
            self._stage.say(ASK_FIRST)
        elif not self._stage.source.live:
            self._stage.say(NOT_LIVE, timeout=5)
        elif self._stage.pinned is not None:
            self._stage.say(PAST, timeout=5)
        elif self._stage.sentences:
            self._stage.say(SUPPOSED, timeout=5)
        elif self._stage.source.careful and not self._agreed:
            self._agreed = True
            self._stage.say(f"This sends one real packet: {ask.words}. {{prove}} again does.", timeout=8)
        else:
            self._start(ask, None)

    def after_fix(self, fix: Fix) -> None:
        """Makes the attempt again, now that the fix is carried out."""
        if self._stage.asked is not None and self._attempt is None:
            self._start(self._stage.asked, fix)

    def stop(self) -> None:
        """Ends a wait, if there is one."""
        if self._attempt is not None:
            self._attempt.wishes.stop.set()

    def drop(self) -> None:
        """Ends an attempt, and what it will say is no matter: the host is about to be another one."""
        self.stop()
        self._attempt = None

    def with_evidence(self, ask: Ask, verdict: Verdict) -> Verdict:
        """The answer with what an attempt showed of it, where it is still the one that was attempted."""
        from engine.prove.judge import weigh  # noqa: PLC0415 - the first picture comes first

        known = self.evidence
        fits = known is not None and (known.ask, known.answer) == (ask, key(verdict))
        return weigh(verdict, known.proof) if known is not None and fits else verdict

    def proved(self, event: Proved) -> None:
        """Shows what the kernel did, and marks the fix that was tried."""
        if event.attempt is not self._attempt:
            return
        self._attempt = None
        if event.verdict is None or event.proof is None:
            title = "The fix is not verified by a real attempt" if event.fix else "No packet was sent"
            self._stage.app.notify(event.refusal, title=title, severity="warning", timeout=8)
            return
        self.evidence = Evidence(event.ask, key(event.verdict), event.proof)
        if event.fix is not None:
            self._tell_fix(event.fix, event.proof)
        if event.ask == self._stage.asked and self._stage.pinned is None:
            self._stage.panes.show_verdict(self.with_evidence(event.ask, event.verdict), first=False)
        if event.fix is None and event.ask == self._stage.asked:
            self._show(event.verdict, event.proof)

    def _start(self, ask: Ask, fix: Fix | None) -> None:
        from engine.prove.prove import Wishes  # noqa: PLC0415 - the first picture comes first

        self._attempt = Attempt(ask, fix, Wishes(trace=None if self._stage.source.writable else frozenset()))
        self._stage.say("Sending one real packet … {prove} ends the wait.", timeout=2)
        self._stage.app.run_worker(partial(self._run, self._attempt), thread=True, group="proof")

    def _run(self, attempt: Attempt) -> None:
        """In the worker's thread. Whatever fails becomes a message."""
        from engine.prove.prove import client_of  # noqa: PLC0415 - the first picture comes first
        from workbench.session.attempt import settled_names  # noqa: PLC0415

        try:
            snapshot, verdict = self._stage.session.answer_now(attempt.ask)
            if attempt.fix is not None and client_of(snapshot, verdict.question) is None:
                raise refused("the client is not on this machine; the proof waits for its packets")
            snapshot, verdict = settled_names(snapshot, verdict)
            proof = self._prover(snapshot, verdict, attempt.wishes).proof
            self._stage.app.post_message(Proved(attempt, verdict, proof))
        except (Refusal, LookupError) as refusal:
            self._stage.app.post_message(Proved(attempt, refusal=str(refusal)))
        except Exception as error:  # the screen stays, and says what happened
            self._stage.app.post_message(Proved(attempt, refusal=fault_words(error)))

    def _show(self, verdict: Verdict, proof: Proof) -> None:
        """The table; where the user is doing something else meanwhile, its headline."""

        def lay(width: int) -> list[Line]:
            return proof_lines(verdict, proof, width)

        if len(self._stage.app.screen_stack) > 1 or self._prompts.opened is not None:
            words = (span.text for line in headline(proof, verdict.question, WIDTH) for span in line)
            self._stage.app.notify("".join(words).strip(), timeout=8)
        else:
            self._stage.app.push_screen(Dialog("Predicted and seen", "↑ ↓ scroll · esc closes", lay))

    def _tell_fix(self, fix: Fix, proof: Proof) -> None:
        from engine.prove.judge import proven  # noqa: PLC0415

        marked = proven(fix, proof)
        words = f"verified: {marked.verified}" if marked.verified == "kernel" else "not verified"
        said = f"a real attempt: {marked.then}"
        self._stage.done.add([f": {words}, {said}"], fix.title)
        self._stage.panes.mended = marked
        self._stage.app.notify(
            f"{fix.title}\n{said}",
            title=words.capitalize(),
            severity="information" if marked.verified == "kernel" else "warning",
            timeout=8,
        )
