"""Applies a plan, and takes it back.

`build_lab` makes a lab under a journal: whatever happens to this process, `sweep` or `down` finds its way back from
the disk. `apply` makes the changes of a fix, which shall outlive the process and can be taken back while it runs.
Both make the changes in order, write each inverse down first, and on the first failure (or signal that raises) undo
all that was made, from the last to the first, before the error goes on. Listeners start last and together.

Undoing never stops half-way: what cannot or must not be undone is left, and named in what `undo` gives back.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from types import TracebackType

from engine.build.errors import BuildError, JournalError, LabExists
from engine.build.hands import Hands
from engine.build.hands.programs import Listeners
from engine.build.inverse import Run
from engine.build.journal import Header, Journal, birth_lock, boot_id, state_directory
from engine.build.steps import Site, prepare
from engine.build.undo import reason, replay
from engine.model.command import argvs
from engine.model.plan import Change, CreateNetns, Plan, Serve
from engine.model.where import Where, named


class Applied:
    """A plan that has been carried out. A context manager that undoes it at its end."""

    def __init__(self, plan: Plan, journal: Journal) -> None:
        self.plan = plan
        self._journal: Journal | None = journal
        self._listeners: Listeners | None = None

    def __enter__(self) -> Applied:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.undo()

    def undo(self) -> tuple[str, ...]:
        """Takes everything back; () or one sentence for each thing that was left. A second call does nothing."""
        if self._listeners is not None:
            self._listeners.end()
            self._listeners = None
        if self._journal is None:
            return ()
        with Hands() as hands:
            left = replay(self._journal, hands)
        self._journal = None
        return left

    def carry_out(self, site: Site) -> None:
        """Makes the changes. Raises BuildError, after the failed change and before anything is undone."""
        journal = self._journal
        if journal is None:
            raise BuildError("the plan has been undone")
        for change in self.plan.changes:
            if not isinstance(change, Serve):
                _make_or_blame(change, site, journal)
        words = [
            word for change in self.plan.changes if isinstance(change, Serve) for word in _serve_words(change, site)
        ]
        if words:
            self._listeners = site.hands.serve(words)


def apply(plan: Plan, where: Where) -> Applied:
    """Carries out a plan in the world that `where` describes. Raises BuildError, with everything undone."""
    return _carry_out(plan, where, Journal(Header.new("fix")))


def build_lab(plan: Plan, lab: str, *, directory: Path | None = None) -> Applied:
    """Builds a lab in named namespaces, journaled in `directory` (by default this user's state folder).

    Raises LabExists, JournalError or BuildError; then nothing of the lab is left.
    """
    return _carry_out(plan, named(), Journal.create(directory or state_directory(), lab))


def down(lab: str, *, directory: Path | None = None) -> tuple[str, ...]:
    """Removes what is left of a lab whose builder is gone; () or a sentence for each thing that was left.

    A lab that is not there is no error. Raises BuildError when its builder still runs, JournalError when its journal
    cannot be read.
    """
    place = directory or state_directory()
    left = _reclaim(place, lab)
    if left is None:
        raise BuildError(f"lab {lab} is in use by the process that built it; end that one first")
    return left


def sweep(*, directory: Path | None = None) -> tuple[str, ...]:
    """Removes the leftovers of every lab whose builder is gone; () or a sentence for each thing that was left.

    Raises JournalError when the state folder cannot be written.
    """
    place = directory or state_directory()
    left: list[str] = []
    for folder in sorted(place.glob("*/")) if place.is_dir() else []:
        try:
            left += _reclaim(place, folder.name) or ()
        except JournalError as error:
            left.append(f"lab {folder.name}: {error}")
    return tuple(left)


def _reclaim(place: Path, lab: str) -> tuple[str, ...] | None:
    """Undoes a lab that nobody holds; None where its builder lives. What was made before the last boot is gone."""
    if not (place / lab).is_dir():
        return ()
    with birth_lock(place):
        journal = Journal.adopt(place, lab)
        if journal is None:
            return None
        if journal.header.boot != boot_id():
            journal.forget()
            return ()
        with Hands() as hands:
            return replay(journal, hands)


def _carry_out(plan: Plan, where: Where, journal: Journal) -> Applied:
    applied = Applied(plan, journal)
    try:
        with Hands() as hands:
            applied.carry_out(Site(hands, where, journal.header.mark, _own(plan)))
    except BaseException:
        applied.undo()
        raise
    return applied


def _own(plan: Plan) -> frozenset[str]:
    return frozenset(change.name for change in plan.changes if isinstance(change, CreateNetns))


def _make(change: Change, site: Site, journal: Journal) -> None:
    step = prepare(change, site)
    number = journal.will(step.inverse) if step.inverse is not None else None
    try:
        late = step.act()
    except (OSError, BuildError):
        # A command that failed changed nothing. What carries a mark is looked for: it may have been made in part.
        if number is not None and isinstance(step.inverse, Run):
            journal.undone(number)
        raise
    if number is None and late is not None:
        number = journal.will(late)
    if number is not None:
        journal.made(number)


def _make_or_blame(change: Change, site: Site, journal: Journal) -> None:
    """Makes a change; a refusal becomes one line with the command that would have done the same."""
    try:
        _make(change, site, journal)
    except LabExists:
        raise
    except (OSError, BuildError, ValueError) as error:
        command = next((shlex.join(argv) for argv in argvs(change, site.where)), type(change).__name__)
        raise BuildError(f"{command.split(' <<')[0]}: {reason(error)}") from None


def _serve_words(change: Serve, site: Site) -> tuple[str, ...]:
    path = site.where.path(change.netns) or "/proc/1/ns/net"
    return (path, str(change.protocol), str(change.address), str(change.port), change.name)
