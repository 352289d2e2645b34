"""What the session asks of the engine. What thinks and what proves is loaded when it is first asked for: the first
picture comes before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.model.host import Snapshot
from engine.model.verdict import Question, Verdict
from engine.records import dataclass
from views.verdict.ask import Ask
from workbench.session.stopping import ReportProgress

if TYPE_CHECKING:
    from engine.model.board import BoardRow

Resolve = Callable[[Snapshot, Ask], Question]
Answer = Callable[[Snapshot, Question], Verdict]
Board = Callable[[Snapshot, ReportProgress], "tuple[BoardRow, ...]"]


def _resolve(snapshot: Snapshot, ask: Ask) -> Question:
    from engine.explain.question import QuestionError, resolve  # noqa: PLC0415

    try:
        return resolve(snapshot, ask.target, ask.source, ask.protocol)
    except QuestionError as error:
        raise LookupError(str(error)) from error


def _answer(snapshot: Snapshot, question: Question) -> Verdict:
    from engine.explain import ask as explain  # noqa: PLC0415

    return explain(snapshot, question)


def unmarked(snapshot: Snapshot) -> Snapshot:
    """The snapshot without what this program's own attempts have in the kernel."""
    from engine.prove.sources.nftrace_rules import unmarked as without  # noqa: PLC0415

    return without(snapshot)


def _board(snapshot: Snapshot, tried: ReportProgress) -> tuple[BoardRow, ...]:
    from engine.explain.board import board  # noqa: PLC0415

    return board(snapshot, tried)


@dataclass(frozen=True, slots=True)
class Engine:
    """Words to a question (raises LookupError with one line), a question to an answer, a snapshot to the ports that can
    be asked for (what is told of it may end it)."""

    resolve: Resolve = _resolve
    answer: Answer = _answer
    board: Board = _board
