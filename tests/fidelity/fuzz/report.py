"""What a run came to: how many agreed, how they ended, and which vocabulary their packets met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.fidelity.fuzz.judge import Answer
from tests.scenarios.scenario import Scenario
from tests.scenarios.written import written


@dataclass(frozen=True)
class Disagreement:
    """A question on which the kernel and the model differ, with the smallest scenario that shows it.

    `steady` is false where they agreed when the question was asked alone in a new host.
    """

    name: str
    lines: tuple[str, ...]
    scenario: Scenario
    steady: bool = True

    def __str__(self) -> str:
        head = f"{self.name}: {self.scenario.questions[0]}"
        said = "\n".join(f"    {line}" for line in self.lines)
        if not self.steady:
            return f"{head}\n{said}\n  (agrees when asked alone)"
        return f"{head}\n{said}\n\n{written(self.scenario)}"


@dataclass
class Report:
    """Numbers of a run, added up as answers come."""

    hosts: int = 0
    cases: int = 0
    undecided: int = 0
    refused: list[str] = field(default_factory=list)
    disagreements: list[Disagreement] = field(default_factory=list)
    endings: Counter[str] = field(default_factory=Counter)
    symptoms: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)

    def add(self, scenario: Scenario, answer: Answer) -> None:
        """Counts a host's answers."""
        if answer.refused:
            self.refused.append(f"{scenario.name}: {answer.refused.splitlines()[0]}")
            return
        self.hosts += 1
        for finding in answer.findings:
            self.cases += 1
            self.undecided += len(finding.said) > 1
            self.endings[finding.ending] += 1
            self.symptoms[finding.seen] += 1
            family = "IPv6" if "[" in finding.question.target else "IPv4"
            self.asked[f"{finding.question.protocol} over {family} from {finding.question.source}"] += 1
            self.met += Counter(dict.fromkeys(finding.met, 1))

    def lines(self) -> Iterator[str]:
        """The report."""
        wrong = [each for each in self.disagreements if each.steady]
        yield f"{self.cases} cases on {self.hosts} hosts: {len(wrong)} disagreements"
        yield f"undecided by the model (the kernel's answer among its own): {self.undecided}"
        yield f"agreed only when asked alone: {len(self.disagreements) - len(wrong)}"
        yield f"hosts that could not be built: {len(self.refused)}"
        yield from (f"  {line}" for line in self.refused[:5])
        for title, counts in (
            ("symptoms", self.symptoms),
            ("endings", self.endings),
            ("questions", self.asked),
            ("met by packets (cases)", self.met),
        ):
            yield f"{title}:"
            yield from (f"  {count:6} {name}" for name, count in counts.most_common())
