"""A question in words, asked of a snapshot: what `why` does, and what a demo without a terminal prints."""

from __future__ import annotations

from argparse import Namespace

from engine.explain import ask
from engine.explain.question import QuestionError, resolve, resolve_each
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.source_range import SourceRanges
from engine.model.verdict import Question, Verdict
from engine.path.budget import Budget
from engine.path.world import World
from engine.records import replace
from views.reports import answer_short, answer_text
from workbench import output, paging
from workbench.exits import usage

#: Who asks, without a word; and the word for the same question from each place.
HOST, EVERYWHERE = "host", "everywhere"


def answer(snapshot: Snapshot, target: str, source: str, protocol: Protocol = Protocol.TCP) -> Verdict:
    """The answer. Raises `Refusal` when the question cannot be asked of this host."""
    return ask(snapshot, question_of(snapshot, target, source, protocol))


def answer_each(snapshot: Snapshot, target: str, source: str, protocol: Protocol) -> list[tuple[str, Verdict]]:
    """The answers at each address that `HOST/:PORT` may mean, where they differ; else the first alone. Raises
    `Refusal`."""
    try:
        questions = resolve_each(snapshot, target, source, protocol)
    except QuestionError as error:
        raise usage(str(error)) from error
    world = World(snapshot)
    answers = [(each.source.netns, ask(snapshot, each, world.derive(snapshot))) for each in questions]
    alike = {(each.reach, each.symptom, *(cause.code for cause in each.causes)) for _, each in answers}
    return answers if len(alike) > 1 else answers[:1]


def supposing(snapshot: Snapshot, arguments: Namespace, protocol: Protocol) -> Verdict:
    """The answer on the changed model, with what it gives without the changes. Raises `Refusal`."""
    from engine.explain.whatif.suppose import hypothesis, supposed  # noqa: PLC0415 - most questions suppose nothing

    question = question_of(snapshot, arguments.target, arguments.source, protocol)
    try:
        known = hypothesis(snapshot, arguments.suppositions)
    except QuestionError as error:
        raise usage(str(error)) from error
    return replace(ask(known.after, question), supposed=supposed(known, question))


def questions_of(snapshot: Snapshot, target: str, source: str, protocol: Protocol) -> list[Question]:
    """The question, or with `everywhere` as its source one for each place. Raises `Refusal` when it can't be asked."""
    if source != EVERYWHERE:
        return [question_of(snapshot, target, source, protocol)]
    from engine.explain.survey.everywhere import vantages  # noqa: PLC0415 - most questions have one source

    return [vantage.question for vantage in vantages(snapshot, question_of(snapshot, target, HOST, protocol))]


def question_of(snapshot: Snapshot, target: str, source: str, protocol: Protocol) -> Question:
    """The question in words as one that can be asked. Raises `Refusal` when it cannot."""
    try:
        return resolve(snapshot, target, source, protocol)
    except QuestionError as error:
        raise usage(str(error)) from error


def answer_everywhere(snapshot: Snapshot, target: str, protocol: Protocol) -> list[tuple[str, Verdict]]:
    """The answers from every vantage point. Raises `Refusal` when the target cannot be asked of this host."""
    from engine.explain.survey.everywhere import vantages  # noqa: PLC0415 - see `questions_of`

    question = question_of(snapshot, target, HOST, protocol)
    places = vantages(snapshot, question)
    answers, world = [], World(snapshot)
    for vantage in places:
        world.budget = Budget.part_of(len(places))
        answers.append((vantage.name, ask(snapshot, vantage.question, world)))
        output.progress(len(answers), len(places), "places")
    return answers


def ranges_of(snapshot: Snapshot, target: str, protocol: Protocol) -> tuple[SourceRanges, ...]:
    """The addresses beyond each uplink by what they get. Raises `Refusal` when the target cannot be asked."""
    from engine.explain.survey.source_ranges import source_ranges  # noqa: PLC0415 - see `questions_of`

    return source_ranges(snapshot, question_of(snapshot, target, HOST, protocol))


def tell(verdict: Verdict, detail: int = 0, *, show_gaps: bool = False) -> None:
    """Prints an answer in words: in short, with its path and all its fixes (1), or with everything (2). What a real
    attempt showed stands beside the steps of the path, so that is shown with it."""
    width, colour = output.width(), output.colour()
    if detail == 0 and verdict.kernel is None:
        output.emit_whole(answer_short.render(verdict, width, colour=colour, show_gaps=show_gaps))
    else:
        paging.emit(answer_text.render(verdict, width, colour=colour, show_gaps=show_gaps or detail > 1))
