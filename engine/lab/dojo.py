"""The dojo: a lab with one fault that nobody told, hints one by one, and a score by the number of looks.

The state of a round is beside the lab's record, so that each command is one step of the same round. `pick` is pure: the
same seed gives the same fault. Each look costs 5 of 100 points, each hint 15, each wrong answer 20.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from engine.apply.journal import folder_of, state_directory
from engine.lab import faults
from engine.lab.blueprint import Blueprint
from engine.lab.errors import LabError
from engine.lab.faults.table import Fault
from engine.read_only import may

FILE = "dojo.json"
SECRET = "a secret of the dojo"
FULL, LOOK, HINT, WRONG = 100, 5, 15, 20


@dataclass(frozen=True, slots=True)
class Round:
    """One round: the fault, and what was spent on finding it."""

    fault: str
    looks: int = 0
    hints: int = 0
    wrong: int = 0

    @property
    def score(self) -> int:
        """What is left of 100 points."""
        return max(FULL - LOOK * self.looks - HINT * self.hints - WRONG * self.wrong, 0)


def pick(lab: Blueprint, seed: int | None = None) -> Fault:
    """A fault that a client outside notices. Raises LabError where none fits."""
    fitting = [fault for fault in faults.FAULTS.values() if fault.cause and faults.fits(fault, lab)]
    if not fitting:
        raise LabError(f"no fault fits lab {lab.name}")
    return random.Random(seed).choice(fitting)


def looked(now: Round) -> Round:
    """The round after another look."""
    return replace(now, looks=now.looks + 1)


def hinted(now: Round) -> tuple[Round, str]:
    """The round after a hint, and the hint. The last one is the story. Nothing is spent when all are told."""
    told = (*faults.find(now.fault).hints, faults.find(now.fault).story)
    if now.hints >= len(told):
        return now, told[-1]
    return replace(now, hints=now.hints + 1), told[now.hints]


def answered(now: Round, answer: str) -> tuple[Round, bool]:
    """The round after an answer, and whether it is right: the fault's name, or the code of its cause."""
    right = faults.find(now.fault)
    if answer in (right.name, right.cause):
        return now, True
    return replace(now, wrong=now.wrong + 1), False


def load(lab: str, directory: Path | None = None) -> Round:
    """The round that is on. Raises LabError where there is none."""
    try:
        return Round(**json.loads(_path(lab, directory).read_text()))
    except FileNotFoundError:
        raise LabError(f"lab {lab} is in no dojo; 'portscope lab dojo {lab} start' begins a round") from None


def told(lab: str, faults_there: tuple[str, ...], directory: Path | None = None) -> tuple[str, ...]:
    """The faults of a lab as they may be told: that of a round which is on is a `SECRET`."""
    try:
        hidden = load(lab, directory).fault
    except LabError:
        return faults_there
    return tuple(SECRET if fault == hidden else fault for fault in faults_there)


def store(lab: str, now: Round | None, directory: Path | None = None) -> None:
    """Remembers a round, or with None that it is over."""
    may("write down a round of the dojo")
    if now is None:
        _path(lab, directory).unlink(missing_ok=True)
    else:
        _path(lab, directory).write_text(json.dumps(asdict(now)))


def _path(lab: str, directory: Path | None) -> Path:
    return folder_of(directory or state_directory(), lab) / FILE
