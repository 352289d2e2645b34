"""Carries out fixes on what is looked at, and takes them back, the last one first.

Runs in the session's thread. A source says whether it may be changed at all (`writable`); for one that may not this is
never called. What was done stays when the workbench ends: on a host a fix is meant to last, and a lab goes as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.host import Snapshot
from engine.model.verdict import Fix
from engine.model.where import Argv, seen
from engine.records import dataclass
from workbench.exits import refused

if TYPE_CHECKING:
    from engine.apply.run import Applied


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A fix that was taken back, and the commands that do the same."""

    fix: Fix
    commands: tuple[Argv, ...]


class Changes:
    """The fixes that were carried out and not taken back."""

    def __init__(self) -> None:
        self._done: list[tuple[Fix, Applied]] = []

    def carry_out(self, fix: Fix, snapshot: Snapshot) -> None:
        """Makes the changes of a fix on the host that the snapshot shows. Raises `Refusal`; then nothing is changed."""
        from engine.apply.errors import BuildError  # noqa: PLC0415
        from engine.apply.run import apply  # noqa: PLC0415 - only who changes something needs what changes

        try:
            self._done.append((fix, apply(fix.plan, seen(snapshot))))
        except (BuildError, ValueError) as error:
            raise refused(f"“{fix.title}” was not applied, nothing changed: {error}") from error

    def take_back(self) -> TakenBack | None:
        """Takes the last fix back; None where there is none. Raises `Refusal` with what had to be left."""
        if not self._done:
            return None
        fix, applied = self._done.pop()
        commands = applied.ways_back
        left = applied.undo()
        if left:
            raise refused(f"“{fix.title}” was undone only in part: {'; '.join(left)}")
        return TakenBack(fix, commands)
