"""A report: the one value that every document is written from.

Pure. It holds what was looked at and when, the graph with the way of the packet that was asked about, the tables, and
the answers. A format chooses how to write it, never what is in it.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.host import Snapshot
from engine.model.matrix import Matrix
from engine.model.trace import Trace
from engine.model.verdict import Reach, Verdict
from engine.records import dataclass
from views.reports.grid import matrix_sheets
from views.reports.sheet import Sheet, sheets
from views.topology.network import Graph, graph

SCHEMA = "portscope.report/1"


@dataclass(frozen=True, slots=True)
class Report:
    """A host's network, and the answers to the questions that were asked about it."""

    title: str
    about: tuple[tuple[str, str], ...]
    graph: Graph
    sheets: tuple[Sheet, ...]
    answers: tuple[Verdict, ...]
    matrix: Matrix | None
    snapshot: Snapshot


def report(snapshot: Snapshot, answers: Sequence[Verdict] = (), matrix: Matrix | None = None) -> Report:
    """The report on a snapshot. The way on the graph is that of the first answer that is not yes, else of the first."""
    name = snapshot.hostname or snapshot.host
    return Report(
        f"Container network of {name}",
        tuple((label, text) for label, text in _about(snapshot) if text),
        graph(snapshot, _way(answers)),
        (*(matrix_sheets(matrix) if matrix else ()), *sheets(snapshot)),
        tuple(answers),
        matrix,
        snapshot,
    )


def _about(snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
    counted = (
        (len(snapshot.namespaces), "network namespace"),
        (len(snapshot.containers), "container"),
        (len(snapshot.networks), "container network"),
        (len(snapshot.gaps), "source not inspected"),
    )
    words = ", ".join(f"{number} {_plural(name, number)}" for number, name in counted if number)
    return (
        ("Host", snapshot.hostname or snapshot.host),
        ("Kernel", snapshot.kernel),
        ("Looked at", snapshot.taken_at),
        ("Seen", words),
    )


def _plural(name: str, number: int) -> str:
    return name if number == 1 else name.replace("thing", "things") if name.startswith("thing") else f"{name}s"


def _way(answers: Sequence[Verdict]) -> Trace | None:
    asked = next((answer for answer in answers if answer.reach is not Reach.YES), answers[0] if answers else None)
    return (asked.conversation.broken or asked.conversation.forward) if asked else None
