"""What if: a rule, a policy, a sysctl, a device or a listener is switched off, or on, in the model only.

What is supposed stays until it ends: each change of the host is looked at with it. Panes, answer and board are of the
model meanwhile, and the header says so.
"""

from __future__ import annotations

from engine.change.chain_diff import chain_diffs
from workbench.controllers.prompts import Prompts
from workbench.controllers.stage import Stage
from workbench.screen.dialogs import Proposal
from workbench.session.messages import Supposed
from workbench.session.supposing import examples, plan_of, switched, without

READ_ONLY = "Read-only: fixes are not applied here (--write allows it on a host). {copy} copies the commands."


class Suppositions:
    """What is supposed of the source, in the words of `why --if`."""

    def __init__(self, stage: Stage, prompts: Prompts) -> None:
        self._stage, self._prompts = stage, prompts

    @property
    def on(self) -> bool:
        """Whether something is."""
        return bool(self._stage.sentences)

    def switch(self) -> None:
        """Switches what the cursor is on, or back what is switched already."""
        stage = self._stage
        snapshot, panes = stage.panes.snapshot, stage.panes
        if snapshot is None:
            return
        if stage.in_round:
            stage.say("What if is not available in a round of the dojo.")
            return
        if (number := panes.ghost()) is not None and stage.known is not None:
            self._suppose(without(stage.known, number))
            return
        ref = panes.pointed()
        try:
            sentence = switched(snapshot, ref) if ref is not None else ""
        except LookupError as error:
            stage.app.notify(str(error), severity="warning", timeout=6)
            return
        if not sentence:
            stage.say("What if: select a rule, a policy, a sysctl, a device, a listener or a route.")
        else:
            self._suppose(self._shortened((*stage.sentences, sentence)))

    def ask(self) -> None:
        """Asks for a change in words."""
        if self._stage.panes.snapshot is not None:
            self._prompts.ask_line("what if", "stop web · set eth0 in web down …", self.suppose, examples)

    def suppose(self, sentence: str) -> None:
        """Supposes what the user wrote, beside what is supposed already."""
        self._suppose((*self._stage.sentences, sentence))

    def back(self) -> None:
        """Supposes one thing less, the last one."""
        self._suppose(self._stage.sentences[:-1])

    def end(self) -> None:
        """Supposes nothing any more."""
        self._suppose(())

    def told(self, event: Supposed) -> None:
        """Shows the model, or says what does not fit the host: what was new goes; where the host has changed, all."""
        stage = self._stage
        if event.known is None:
            stage.app.notify(event.reason, title="What if", severity="warning", timeout=10)
            before = stage.known.sentences if stage.known is not None else ()
            self._suppose(before if before != stage.sentences else ())
            return
        if event.known.sentences != stage.sentences:
            return
        stage.known = event.known
        with stage.panes.kept():
            stage.panes.show_model(event.known)
        stage.head()

    def plan(self) -> None:
        """Shows what is supposed as a plan for the host, and makes the changes when that is accepted."""
        stage = self._stage
        verdict, known = stage.panes.verdict, stage.known
        fix = plan_of(known, verdict) if known is not None and verdict is not None else None
        if fix is None:
            stage.say("Ask a question first ({why}): the plan shows its answer.")
            return
        refusal = "" if stage.source.writable else stage.words(READ_ONLY)
        if not fix.commands:
            refusal = "No command does this; follow the title."

        def decided(accepted: bool | None) -> None:
            if accepted:
                self.end()
                stage.session.carry_out(fix)

        diffs = chain_diffs(known.before, fix.plan.changes) if known is not None else ()
        stage.app.push_screen(Proposal(fix, refusal, careful=stage.source.careful, diffs=diffs), decided)

    def _shortened(self, sentences: tuple[str, ...]) -> tuple[str, ...]:
        """The sentences without a pair of which the second one undoes the first: what was switched off is on again."""
        *before, last = sentences
        return tuple(before[:-1]) if before and _undoes(last, before[-1]) else sentences

    def _suppose(self, sentences: tuple[str, ...]) -> None:
        stage = self._stage
        if sentences == stage.sentences:
            return
        stage.sentences = sentences
        stage.session.suppose(sentences)
        if not sentences:
            stage.known = None
            shown = stage.pinned or stage.timeline.now
            if shown is not None:
                with stage.panes.kept():
                    stage.panes.show_model(None)
                    stage.panes.show_snapshot(shown.snapshot)
        stage.head()
        stage.app.refresh_bindings()


def _undoes(sentence: str, before: str) -> bool:
    """Whether two sentences are about one thing with two states, and say the same but for that."""
    one, other = sentence.split(), before.split()
    differ = [{a, b} for a, b in zip(one, other, strict=False) if a != b]
    return len(one) == len(other) and differ in ([{"up", "down"}], [{"accept", "drop"}], [{"0", "1"}])
