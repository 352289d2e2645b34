"""Several workers side by side, and what is done with a disagreement: asked again alone, then made small."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import inf

from tests.fidelity.fuzz.generate import QUESTIONS, alone, scenario
from tests.fidelity.fuzz.judge import Answer, Finding
from tests.fidelity.fuzz.report import Disagreement, Report
from tests.fidelity.fuzz.shrink import shrink
from tests.fidelity.fuzz.worker import Worker, share
from tests.scenarios.scenario import Scenario

#: A seed, the number of one of its hosts, and how many questions that is asked.
Place = tuple[int, int, int]


@dataclass
class Desk:
    """What the workers share: the report, whom to tell of a disagreement, and how often one is asked while it is made
    small."""

    tell: Callable[[str], None]
    tries: float = inf
    report: Report = field(default_factory=Report)
    lock: threading.Lock = field(default_factory=threading.Lock)


def run(seeds: Iterator[Place], jobs: int, desk: Desk, kernel: str = "", *, several: bool = False) -> Report:
    """Asks the scenarios of (seed, number, questions) by `jobs` workers on a kernel. Disagreements are told as they are
    found, each made small in at most so many tries. `several`: each namespace is a host of its own."""

    def ask(worker: Worker[Answer], place: Place) -> None:
        _one(worker, scenario(*place, kernel), desk)

    share("several" if several else "questions", jobs, seeds, ask, kernel)
    return desk.report


def places(seed: int, cases: int) -> Iterator[Place]:
    """Seed, number and questions of as many hosts as make that many cases."""
    for number, start in enumerate(range(0, cases, QUESTIONS)):
        yield seed, number, min(QUESTIONS, cases - start)


def _one(worker: Worker[Answer], asked: Scenario, desk: Desk) -> None:
    answer = worker.ask(asked)
    with desk.lock:
        desk.report.add(asked, answer)
    for number, finding in enumerate(answer.findings):
        if finding.wrong:
            found = examine(worker, alone(asked, number), f"{asked.name}-{number}", finding, desk.tries)
            with desk.lock:
                desk.report.disagreements.append(found)
            desk.tell(str(found))


def examine(worker: Worker[Answer], asked: Scenario, name: str, first: Finding, tries: float) -> Disagreement:
    """Asks a question again in a new host; when that fails too, the smallest host that does, found in so many tries."""
    again = _finding(worker, asked)
    if again is None or not again.wrong:
        return Disagreement(name, tuple(first.wrong), asked, steady=False)
    small = shrink(asked, lambda candidate: _alike(again, _finding(worker, candidate)), tries)
    last = _finding(worker, small) or again
    question = replace(small.questions[0], symptoms=(last.seen,), ending=last.ending)
    small = replace(small, title=f"Made up by chance: {name}", questions=(question,))
    return Disagreement(name, tuple(last.wrong or again.wrong), small)


def _finding(worker: Worker[Answer], asked: Scenario) -> Finding | None:
    answer = worker.ask(asked)
    return answer.findings[0] if answer.findings else None


def _alike(one: Finding, other: Finding | None) -> bool:
    """Whether two disagreements are about the same: their first kind, and the symptoms where these differ."""
    if other is None or not other.wrong or one.kinds[0] != other.kinds[0]:
        return False
    return one.kinds[0] != "symptom" or (one.said, one.seen) == (other.said, other.seen)
