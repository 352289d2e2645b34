"""The reachability matrix: every port of a host by every place that it is asked from.

Frozen values. A row is a port, a column a vantage point, a cell the short answer; a place that a port cannot be asked
from (a loopback address of another namespace) has no cell. What a cell rests on is told in full by asking its question.
"""

from __future__ import annotations

from enum import StrEnum

from engine.model.trace import Outcome, Symptom
from engine.model.verdict import Question, Reach
from engine.records import dataclass


class PortOwner(StrEnum):
    """How a port comes to be asked for."""

    PUBLISHED = "published"
    CONTAINER = "container"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class MatrixPort:
    """A row: a port that somebody serves or publishes. `owner` is the container's or the process's name.

    `serves` is the service's own port behind a published one. `loopback_only` says that it was meant for the host alone
    (published to, or bound to, a loopback address).
    """

    service: PortOwner
    owner: str
    question: Question
    serves: int
    loopback_only: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """The short answer to a question, and how and where it ends: in which namespace, at what."""

    question: Question
    reach: Reach
    symptom: Symptom
    outcome: Outcome
    netns: str
    at: str

    @property
    def ends(self) -> str:
        """Where it ends, for programs."""
        return f"{self.outcome} in {self.netns}: {self.at}"


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A port with its cells by the name of the vantage point."""

    port: MatrixPort
    cells: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Exposure:
    """A port that is reached from where its owner probably did not intend: from which places, and why that matters."""

    port: MatrixPort
    vantages: tuple[str, ...]
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """All rows, the vantage points in order, and the warning list. `left_out` counts places not asked from."""

    vantages: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    exposures: tuple[Exposure, ...] = ()
    left_out: int = 0
