"""Applies a plan, and takes it back.

`build_lab` makes a lab under a journal: whatever happens to this process, `sweep` or `down` finds its way back from
the disk. `apply` makes the changes of a fix, which shall outlive the process and can be taken back while it runs.
Both make the changes in order, write each inverse down first, and on the first failure (or signal that raises) undo
all that was made, from the last to the first, before the error goes on. The inverses of all new namespaces are
written down together, before the first of them is made: each is only removed where it carries the mark. Listeners and
programs start last and together.

Undoing never stops half-way: what cannot or must not be undone is left, and named in what `undo` gives back.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from types import TracebackType

from engine.apply.errors import BuildError, JournalError, LabExists
from engine.apply.hands import Hands
from engine.apply.hands.programs import Listeners
from engine.apply.inverse import RunCommand
from engine.apply.journal import (
    Header,
    Journal,
    birth_lock,
    boot_id,
    folder_of,
    folders,
    settled,
    state_directory,
    ways_back,
)
from engine.apply.launch import launch
from engine.apply.step import Site
from engine.apply.steps import prepare
from engine.apply.undo import reason, replay
from engine.change.namespace import CreateNetns
from engine.change.program import PROGRAMS
from engine.model.plan import Change, Plan
from engine.model.where import Argv, Where, named
from engine.records import replace

#: How many changes are made before a signal is heard.
TOGETHER = 64


class Applied:
    """A plan that has been carried out. A context manager that undoes it at its end.

    `notes` are sentences about what was made in another way than usual, or left out.
    """

    def __init__(self, plan: Plan, journal: Journal) -> None:
        self.plan = plan
        self._journal: Journal | None = journal
        self.listeners: list[Listeners] = []
        self.notes: list[str] = []

    def __enter__(self) -> Applied:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.undo()

    @property
    def ways_back(self) -> tuple[Argv, ...]:
        """What `undo` will do, as commands in its order."""
        return () if self._journal is None else ways_back(self._journal.entries)

    def undo(self) -> tuple[str, ...]:
        """Takes everything back; () or one sentence for each thing that was left. A second call does nothing."""
        while self.listeners:
            self.listeners.pop().end()
        if self._journal is None:
            return ()
        with Hands() as hands:
            left = replay(self._journal, hands)
        self._journal = None
        return left

    def leave(self) -> Journal:
        """From now on the plan stays as it is: undoing does nothing. Gives the journal."""
        journal = self.journal
        self._journal = None
        self.listeners.clear()
        return journal

    def carry_out(self, site: Site) -> None:
        """Makes the changes. Raises BuildError, after the failed change and before anything is undone."""
        journal = self.journal
        site = replace(site, notes=self.notes)
        names = _announce(self.plan.changes, site, journal)
        building = [change for change in self.plan.changes if not isinstance(change, PROGRAMS)]

        def make(changes: Iterable[Change]) -> None:
            for change in changes:
                number = names.get(change.name) if isinstance(change, CreateNetns) else None
                _make_or_blame(change, site, journal, number)

        for start in range(0, len(building), TOGETHER):
            site.hands.together(partial(make, building[start : start + TOGETHER]))
        self.listeners += launch(self.plan.changes, site)

    @property
    def journal(self) -> Journal:
        """The journal. Raises BuildError when the plan has been undone."""
        if self._journal is None:
            raise BuildError("the plan has been undone")
        return self._journal


def apply(plan: Plan, where: Where) -> Applied:
    """Carries out a plan in the world that `where` describes. Raises BuildError, with everything undone."""
    return carry_out(plan, where, Journal(Header.new("fix")))


def build_lab(plan: Plan, lab: str, *, directory: Path | None = None) -> Applied:
    """Builds a lab in named namespaces, journaled in `directory` (by default this user's state folder).

    Raises LabExists, JournalError or BuildError; then nothing of the lab is left.
    """
    return carry_out(plan, named(), Journal.create(directory or state_directory(), lab))


def down(lab: str, *, directory: Path | None = None) -> tuple[str, ...]:
    """Removes a lab that stands alone, or what is left of one whose builder is gone.

    Gives () or a sentence for each thing that was left. A lab that is not there is no error. Raises BuildError when
    its builder still runs, JournalError when its journal cannot be read, NoLabName for what is no name.
    """
    place = directory or state_directory()
    left = _reclaim(place, lab)
    if left is None:
        raise BuildError(f"lab {lab} is in use by the process that built it; end that one first")
    return left


def sweep(*, directory: Path | None = None) -> tuple[str, ...]:
    """Removes the leftovers of every lab whose builder is gone before it was up; () or a sentence for each thing left.

    Raises JournalError when the state folder cannot be written.
    """
    place = directory or state_directory()
    left: list[str] = []
    for folder in folders(place):
        try:
            left += () if settled(folder) else _reclaim(place, folder.name) or ()
        except JournalError as error:
            left.append(f"lab {folder.name}: {error}")
    return tuple(left)


def _reclaim(place: Path, lab: str) -> tuple[str, ...] | None:
    """Undoes a lab that nobody holds; None where its builder lives. What was made before the last boot is gone."""
    if not folder_of(place, lab).is_dir():
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


def carry_out(plan: Plan, where: Where, journal: Journal) -> Applied:
    """Carries out a plan under a journal. Raises BuildError, with everything undone."""
    applied = Applied(plan, journal)
    try:
        with Hands() as hands:
            applied.carry_out(Site(hands, where, journal.header.mark, own_namespaces(plan)))
    except BaseException:
        applied.undo()
        raise
    return applied


def own_namespaces(plan: Plan) -> frozenset[str]:
    """The namespaces that a plan makes."""
    return frozenset(change.name for change in plan.changes if isinstance(change, CreateNetns))


def _announce(changes: Iterable[Change], site: Site, journal: Journal) -> dict[str, int]:
    """Writes down the inverses of all new namespaces; gives the number of each in the journal."""
    new = [change for change in changes if isinstance(change, CreateNetns)]
    inverses = [step.inverse for change in new if (step := prepare(change, site)).inverse is not None]
    return dict(zip((change.name for change in new), journal.will_all(inverses), strict=True))


def _make(change: Change, site: Site, journal: Journal, number: int | None) -> None:
    step = prepare(change, site)
    if number is None and step.inverse is not None:
        number = journal.will(step.inverse)
    try:
        late = step.act()
    except (OSError, BuildError):
        # A command that failed changed nothing. What carries a mark is looked for: it may have been made in part.
        if number is not None and isinstance(step.inverse, RunCommand):
            journal.undone(number)
        raise
    if number is None and late is not None:
        number = journal.will(late)
    if number is not None:
        journal.made(number)


def _make_or_blame(change: Change, site: Site, journal: Journal, number: int | None) -> None:
    """Makes a change; a refusal becomes one line with the command that would have done the same."""
    try:
        _make(change, site, journal, number)
    except LabExists:
        raise
    except (OSError, BuildError, ValueError) as error:
        command = next((shlex.join(argv) for argv in change.argv(site.where)), type(change).__name__)
        raise BuildError(f"{command.split(' <<')[0]}: {reason(error)}") from None
