"""The actions that mend: copy a fix, see it whole and carry it out, take it back, and the log of all that.

A part of the workbench. A fix is carried out by the session's thread; what became of it comes back as a message, the
host is looked at, and the question is asked again. Where the source is read-only the fix can be seen and copied.
"""

from __future__ import annotations

import shlex

from engine.model.verdict import Fix, Verdict
from views.verdict.card import all_commands
from workbench.actions import ASK_FIRST, named
from workbench.screen.dialogs import Log, Proposal
from workbench.screen.stage import Stage
from workbench.session.messages import Changed, Unchanged

READ_ONLY = "Read-only: fixes are not applied here (--write allows it on a host). {copy} copies the commands."


class Mending(Stage):
    """Fixes."""

    def action_copy_fix(self) -> None:
        """Copies the commands of the first fix of every cause."""
        verdict = self.panes.verdict
        lines = all_commands(verdict) if verdict else []
        if lines:
            self.copy_to_clipboard("\n".join(lines))
            self.notify("\n".join(lines), title="Copied. Nothing was run.", timeout=6)
        else:
            self.say("No command fixes it." if verdict else ASK_FIRST)

    def action_apply_fix(self) -> None:
        """Shows the fix under the answer's cursor, else the first one, and carries it out when that is accepted."""
        verdict = self.panes.verdict
        fix = chosen_fix(verdict, self.panes.answer.cursor) if verdict else None
        if fix is None:
            self.say("Nothing to fix." if verdict else ASK_FIRST)
            return
        refusal = "" if self.session.source.writable else named(READ_ONLY, self.settings.keys)
        if not fix.commands:
            refusal = "No command does this; follow the title."

        def decided(accepted: bool | None) -> None:
            if accepted:
                self.session.carry_out(fix)

        self.push_screen(Proposal(fix, refusal, careful=self.session.source.careful), decided)

    def action_undo_fix(self) -> None:
        """Takes the last fix back."""
        if self.session.source.writable:
            self.session.take_back()
        else:
            self.notify("Nothing was applied: this is read-only.", timeout=3)

    def action_command_log(self) -> None:
        """Shows what was carried out."""
        self.push_screen(Log(self.done))

    def on_changed(self, event: Changed) -> None:
        """Tells and notes what was carried out or taken back."""
        fix, lines = event.fix, map(shlex.join, event.commands)
        if fix is None:
            self.notify("Nothing to undo.", timeout=3)
        elif event.done:
            self.done.add(lines, fix.title)
            self.notify(fix.title, title=named("Applied. {undo} undoes it.", self.settings.keys), timeout=6)
            self.prove_fix(fix)
        else:
            self.panes.mended = None
            self.done.add(lines, f"undo: {fix.title}")
            self.notify(fix.title, title="Undone.", timeout=6)

    def on_unchanged(self, event: Unchanged) -> None:
        """Tells what could not be done."""
        self.notify(event.reason, severity="error", timeout=10)


def chosen_fix(verdict: Verdict, cursor: object) -> Fix | None:
    """The fix that a row of the answer stands for; for any other row the first one that there is."""
    if isinstance(cursor, tuple) and cursor[0] in ("fix", "cause", "near"):
        fixes = verdict.told[cursor[1]].fixes
        place = cursor[2] if cursor[0] == "fix" else 0
        if place < len(fixes):
            return fixes[place]
    return next((fix for cause in verdict.causes for fix in cause.fixes), None)
