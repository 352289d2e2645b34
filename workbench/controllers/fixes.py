"""Mending: copy a fix, see it whole and carry it out, take it back, and the log of all that.

A fix is carried out by the session's thread; what became of it comes back as a message, the
host is looked at, and the question is asked again. Where the source is read-only the fix can be seen and copied.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable

from engine.change.chain_diff import chain_diffs
from engine.model.address import end_of
from engine.model.verdict import Fix, FixKind, Verdict
from engine.records import replace
from views.verdict.ask import Ask
from views.verdict.card import all_commands
from workbench.actions import named
from workbench.controllers.proofs import Proofs
from workbench.controllers.stage import Stage
from workbench.controllers.suppositions import READ_ONLY, Suppositions
from workbench.screen.dialogs import Log, Proposal
from workbench.session.messages import Changed, Unchanged


class Fixes:
    """Fixes of the shown answer; after one was carried out a real attempt is made."""

    def __init__(self, stage: Stage, proofs: Proofs, suppositions: Suppositions, ask: Callable[[Ask], object]) -> None:
        self._stage, self._proofs, self._suppositions, self._ask = stage, proofs, suppositions, ask

    def copy(self) -> None:
        """Copies the commands of the first fix of every cause."""
        verdict = self._stage.answer()
        if verdict is None:
            return
        lines = all_commands(verdict)
        if lines:
            self._stage.app.copy_to_clipboard("\n".join(lines))
            self._stage.app.notify("\n".join(lines), title="Copied. Nothing was run.", timeout=6)
        else:
            self._stage.say("No command fixes it.")

    def apply(self) -> None:
        """Shows the fix under the cursor, else the first one, and carries it out when that is accepted; what is to be
        asked instead is asked. While something is supposed, that is the fix."""
        if self._suppositions.on:
            self._suppositions.plan()
            return
        verdict = self._stage.answer()
        if verdict is None:
            return
        fix = chosen_fix(verdict, self._stage.panes.answer.cursor)
        if fix is None:
            self._stage.say("Nothing to fix.")
            return
        if fix.ask is not None and fix.kind is FixKind.ASK and self._stage.asked is not None:
            self._ask(replace(self._stage.asked, target=end_of(fix.ask.address, fix.ask.port)))
            return
        refusal = "" if self._stage.source.writable else named(READ_ONLY, self._stage.settings.keys)
        if not fix.commands:
            refusal = "No command does this; follow the title."

        def decided(accepted: bool | None) -> None:
            if accepted:
                self._stage.session.carry_out(fix)

        snapshot = self._stage.panes.snapshot
        diffs = chain_diffs(snapshot, fix.plan.changes) if snapshot is not None else ()
        dialog = Proposal(fix, refusal, careful=self._stage.source.careful, diffs=diffs)
        self._stage.app.push_screen(dialog, decided)

    def undo(self) -> None:
        """Takes the last fix back, or what was supposed last."""
        if self._suppositions.on:
            self._suppositions.back()
        elif self._stage.source.writable:
            self._proofs.drop()
            self._stage.session.take_back()
        else:
            self._stage.app.notify("Nothing was applied: this is read-only.", timeout=3)

    def log(self) -> None:
        """Shows what was carried out."""
        self._stage.app.push_screen(Log(self._stage.done))

    def changed(self, event: Changed) -> None:
        """Tells and notes what was carried out or taken back."""
        fix, lines, stage = event.fix, map(shlex.join, event.commands), self._stage
        if fix is None:
            stage.app.notify("Nothing to undo.", timeout=3)
        elif event.done:
            stage.done.add(lines, fix.title)
            stage.app.notify(fix.title, title=named("Applied. {undo} undoes it.", stage.settings.keys), timeout=6)
            self._proofs.after_fix(fix)
        else:
            stage.panes.mended = None
            stage.done.add(lines, f"undo: {fix.title}")
            stage.app.notify(fix.title, title="Undone.", timeout=6)

    def unchanged(self, event: Unchanged) -> None:
        """Tells what could not be done."""
        self._stage.app.notify(event.reason, severity="error", timeout=10)


def chosen_fix(verdict: Verdict, cursor: object) -> Fix | None:
    """The fix that a row of the answer stands for; for any other row the first that changes something."""
    if isinstance(cursor, tuple) and cursor[0] in ("fix", "cause", "near"):
        cause = verdict.told[cursor[1]]
        if cursor[0] == "fix" and cursor[2] < len(cause.fixes):
            return cause.fixes[cursor[2]]
        if cause.change is not None:
            return cause.change
    changes = (cause.change for cause in verdict.causes if cause.change is not None)
    return next(changes, None) or next((fix for cause in verdict.causes for fix in cause.fixes), None)
