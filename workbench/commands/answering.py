"""A question in words, asked of a snapshot: what `why` does, and what a demo without a terminal prints."""

from __future__ import annotations

from engine.explain import ask
from engine.explain.everywhere import vantages
from engine.explain.question import QuestionError, resolve
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.verdict import Verdict
from views.reports import answer_text
from workbench import output
from workbench.exits import usage


def answer(snapshot: Snapshot, target: str, source: str, protocol: Protocol = Protocol.TCP) -> Verdict:
    """The answer. Raises `Refusal` when the question cannot be asked of this host."""
    try:
        question = resolve(snapshot, target, source, protocol)
    except QuestionError as error:
        raise usage(str(error)) from error
    return ask(snapshot, question)


def answer_everywhere(snapshot: Snapshot, target: str, protocol: Protocol) -> list[tuple[str, Verdict]]:
    """The answers from every vantage point. Raises `Refusal` when the target cannot be asked of this host."""
    try:
        question = resolve(snapshot, target, "host", protocol)
    except QuestionError as error:
        raise usage(str(error)) from error
    return [(vantage.name, ask(snapshot, vantage.question)) for vantage in vantages(snapshot, question)]


def tell(verdict: Verdict) -> None:
    """Prints an answer in words."""
    output.emit(answer_text.render(verdict, output.width(), colour=output.colour()))
