"""Labs that outlive the program that built them: up, changed, remembered, down by name.

Beside its journal such a lab has a record, `lab.json`, written last: what has a record stands, and what has none is
the leftover of a builder that died. The record holds what its owner wants to remember, as texts. Nobody holds a
standing lab's journal; whoever changes the lab takes it for as long, and so do two changes never meet.

A change of a standing lab is carried out as a whole or not at all. New namespaces are written into the lab's journal
before they are made, so that `down` knows them even after a crash in the middle.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.apply.errors import BuildError, JournalError
from engine.apply.hands import Hands
from engine.apply.hands.programs import Listeners, end_process, process_start
from engine.apply.inverse import DropNetns, EndProcess
from engine.apply.journal import RECORD, Journal, birth_lock, boot_id, folder_of, folders, settled, state_directory
from engine.apply.launch import launch
from engine.apply.run import Applied, carry_out, own_namespaces
from engine.apply.step import Site
from engine.change.namespace import DeleteNetns
from engine.change.program import PROGRAMS
from engine.model.plan import Change, Plan
from engine.model.where import named
from engine.read_only import may
from engine.records import dataclass, replace

Record = Mapping[str, str]


def raise_lab(plan: Plan, lab: str, record: Record, *, directory: Path | None = None) -> tuple[str, ...]:
    """Builds a lab that stays; gives notes about what was left out.

    Raises LabExists, JournalError or BuildError, with nothing left.
    """
    place = directory or state_directory()
    applied = carry_out(plan, named(), Journal.create(place, lab))
    try:
        _keep(applied.listeners, applied.journal)
        write_record(lab, record, directory=place)
    except BaseException:
        applied.undo()
        raise
    applied.leave().close()
    return tuple(applied.notes)


@dataclass(frozen=True, slots=True)
class Todo:
    """What is done to a standing lab. `restore` builds again what `plan` removes, should it fail.

    `programs` are what ran before and what shall run now; `exchange` says whether they have to be started anew.
    """

    plan: Plan
    restore: Plan
    programs: tuple[tuple[Change, ...], tuple[Change, ...]] = ((), ())
    exchange: bool = False


def change_lab(todo: Todo, lab: str, record: Record, *, directory: Path | None = None) -> tuple[str, ...]:
    """Changes a standing lab as a whole or not at all; gives notes about what was left out. Raises BuildError."""
    place = directory or state_directory()
    plan = todo.plan
    with taken(lab, directory=place) as journal, Hands() as hands:
        journal.will_all([DropNetns(name) for name in sorted(own_namespaces(plan))])
        applied = Applied(plan, Journal(journal.header))
        site = Site(hands, named(), journal.header.mark, own_namespaces(plan))
        try:
            applied.carry_out(site)
            if todo.exchange:
                _exchange(journal, todo.programs, site)
        except BaseException:
            applied.undo()
            _restore(todo, journal, site)
            raise
        applied.leave()
        write_record(lab, record, directory=place)
    return tuple(applied.notes)


def _restore(todo: Todo, journal: Journal, site: Site) -> None:
    """Builds again what was removed before a change failed. Sockets of a namespace that is new are opened anew."""
    names = own_namespaces(todo.restore)
    removed = {change.name for change in todo.plan.changes if isinstance(change, DeleteNetns)}
    missing = [name for name in sorted(names & removed) if not site.hands.has_netns(name)]
    journal.will_all([DropNetns(name) for name in missing])
    again = Applied(todo.restore, Journal(journal.header))
    again.carry_out(replace(site, own=names))
    again.leave()
    if missing:
        before, _ = todo.programs
        _exchange(journal, (before, before), site)


def change_programs(
    lab: str, programs: tuple[tuple[Change, ...], tuple[Change, ...]], *, directory: Path | None = None
) -> None:
    """Exchanges what runs in a standing lab, from what ran before to what shall run. Raises BuildError."""
    with taken(lab, directory=directory) as journal, Hands() as hands:
        _exchange(journal, programs, Site(hands, named(), journal.header.mark))


def programs_run(lab: str, *, directory: Path | None = None) -> bool:
    """Whether there are processes of a standing lab, and all of them live. Raises BuildError when another program
    changes it now."""
    with taken(lab, directory=directory) as journal:
        left = [entry.inverse for entry in journal.entries if not entry.undone]
    ours = [one for one in left if isinstance(one, EndProcess)]
    return bool(ours) and all(process_start(one.pid) == one.started for one in ours)


def _keep(started: Sequence[Listeners], journal: Journal) -> None:
    """Has processes outlive this one. They are written down together: so either all are known, or none."""
    for number in journal.will_all([EndProcess(*listeners.identity) for listeners in started]):
        journal.made(number)
    for listeners in started:
        listeners.keep()


def _exchange(journal: Journal, programs: tuple[tuple[Change, ...], tuple[Change, ...]], site: Site) -> None:
    """Ends the lab's processes and starts the new ones; where these do not start, the old ones again."""
    before, after = programs
    for entry in journal.entries:
        if isinstance(entry.inverse, EndProcess) and not entry.undone:
            end_process(entry.inverse.pid, entry.inverse.started)
            journal.undone(entry.number)
    failure: BuildError | None = None
    try:
        started = launch(after, site)
    except BuildError as error:
        failure, started = error, launch(before, site)
    _keep(started, journal)
    if failure is not None:
        raise failure


def programs_of(plan: Plan) -> tuple[Change, ...]:
    """The changes of a plan that are programs."""
    return tuple(change for change in plan.changes if isinstance(change, PROGRAMS))


@contextmanager
def taken(lab: str, *, directory: Path | None = None) -> Iterator[Journal]:
    """The journal of a standing lab, for as long as it is changed. Raises BuildError when somebody else has it."""
    place = directory or state_directory()
    with birth_lock(place):
        journal = Journal.adopt(place, lab) if settled(folder_of(place, lab)) else None
        if journal is None:
            raise BuildError(f"lab {lab} is not up, or another program changes it now")
        try:
            yield journal
        finally:
            journal.close()


def write_record(lab: str, record: Record, *, directory: Path | None = None) -> None:
    """Writes a lab's record, whole or not at all. Raises JournalError."""
    may("write a lab's record")
    folder = folder_of(directory or state_directory(), lab)
    new = folder / f"{RECORD}.new"
    try:
        new.write_text(json.dumps({**record, "boot": boot_id()}))
        os.replace(new, folder / RECORD)
    except OSError as error:
        raise JournalError(f"cannot write {new}: {error.strerror}") from None


def read_record(lab: str, *, directory: Path | None = None) -> dict[str, str] | None:
    """The record of a standing lab; None where none stands, or it stood before the last boot. Raises JournalError."""
    path = folder_of(directory or state_directory(), lab) / RECORD
    try:
        record: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise JournalError(f"cannot read {path}: {why}; 'portscope lab down {lab}' removes the lab") from None
    return record if record.get("boot") == boot_id() else None


def standing(*, directory: Path | None = None) -> tuple[str, ...]:
    """The names of the labs that stand, sorted."""
    place = directory or state_directory()
    return tuple(folder.name for folder in folders(place) if read_record(folder.name, directory=place) is not None)
