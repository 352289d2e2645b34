"""Breaks standing labs and mends them: each fault has a journal of its own beside the lab's.

What is broken is what has a journal: `broken` lists it, `mend` replays it backwards. A fault about a program exchanges
the lab's listeners for such as have the fault; without it they are as they were.
"""

from __future__ import annotations

from pathlib import Path

from engine.apply import standing_labs
from engine.apply.errors import BuildError, LabExists
from engine.apply.journal import JOURNAL, Journal, folder_of, parse, state_directory
from engine.apply.journal import ways_back as journaled
from engine.apply.run import carry_out
from engine.apply.run import down as remove
from engine.lab import faults
from engine.lab.errors import LabError
from engine.lab.faults.table import Fault
from engine.lab.lifecycle import Draft
from engine.model.plan import Change
from engine.model.where import Argv, named

FOLDER = "faults"


def _place(lab: str, directory: Path | None) -> Path:
    return folder_of(directory or state_directory(), lab) / FOLDER


def broken(lab: str, directory: Path | None = None) -> tuple[str, ...]:
    """The faults that a lab has, in the order of their names."""
    place = _place(lab, directory)
    return tuple(sorted(folder.name for folder in place.glob("*/"))) if place.is_dir() else ()


def break_lab(draft: Draft, fault: Fault, directory: Path | None = None) -> None:
    """Makes a fault. Raises LabError when it is there already or does not fit, BuildError with nothing changed."""
    name = draft.lab.name
    plan = faults.plan(fault, draft.lab)
    before = programs(draft, broken(name, directory))
    try:
        applied = carry_out(plan, named(), Journal.create(_place(name, directory), fault.name))
    except LabExists:
        raise LabError(
            f"lab {name} has the fault {fault.name} already; 'portscope lab mend {name}' removes it"
        ) from None
    try:
        after = programs(draft, broken(name, directory))
        if after != before:
            standing_labs.change_programs(name, (before, after), directory=directory)
    except BaseException:
        applied.undo()
        raise
    applied.leave().close()


def mend(draft: Draft, directory: Path | None = None) -> tuple[str, ...]:
    """Takes every fault back, the last one first; gives the names of what was mended. Raises BuildError."""
    name = draft.lab.name
    place = _place(name, directory)
    there = _in_order(name, directory)
    before = programs(draft, there)
    left = [line for fault in reversed(there) for line in remove(fault, directory=place)]
    after = programs(draft, broken(name, directory))
    if after != before:
        standing_labs.change_programs(name, (before, after), directory=directory)
    if left:
        raise BuildError(f"{'; '.join(left)}; 'portscope lab up' with the lab's file sets right what is left")
    return there


def ways_back(lab: str, directory: Path | None = None) -> tuple[Argv, ...]:
    """What mending will do, as commands in its order."""
    found: list[Argv] = []
    for fault in reversed(_in_order(lab, directory)):
        _, entries = parse((_place(lab, directory) / fault / JOURNAL).read_text())
        found += journaled(entries)
    return tuple(found)


def _in_order(lab: str, directory: Path | None) -> tuple[str, ...]:
    """The faults that a lab has, the oldest first."""
    place = _place(lab, directory)
    return tuple(sorted(broken(lab, directory), key=lambda fault: (place / fault).stat().st_mtime_ns))


def programs(draft: Draft, names: tuple[str, ...]) -> tuple[Change, ...]:
    """What runs in a lab that has these faults."""
    return faults.listening(standing_labs.programs_of(draft.plan), names, draft.lab)
