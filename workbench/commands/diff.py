"""`portscope diff`: what changed between two snapshots, and which of the changes flips a question's answer."""

from __future__ import annotations

from argparse import Namespace
from functools import partial

from engine.change.differences import changes
from engine.explain import ask
from engine.explain.question import QuestionError, resolve
from engine.explain.survey.flip import flip
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.verdict import Question, Reach, Verdict
from views.reports import difference
from workbench import output, world
from workbench.commands.answering import EVERYWHERE, HOST
from workbench.exits import Exit, usage


def run(arguments: Namespace) -> Exit:
    """Compares; where a question is asked, the exit code says whether its answer flips."""
    if arguments.source is not None and not arguments.why:
        raise usage("--from goes with --why")
    if arguments.source == EVERYWHERE:
        raise usage("--why asks one question of both snapshots: name one source")
    before, after = _sides(arguments)
    asked = _asked(before, after, arguments) if arguments.why else None
    found = changes(before, after)
    if arguments.json:
        output.emit_whole(difference.dumps(found, asked))
    else:
        output.emit(difference.render(found, asked, everything=arguments.all))
    return _code(asked)


def _sides(arguments: Namespace) -> tuple[Snapshot, Snapshot]:
    """The two snapshots: of files, of the recorder's store (`--at`), the later one else this host now. Raises
    `Refusal`."""
    if not arguments.at:
        if arguments.before is None or arguments.store:
            raise usage("name the file of an earlier snapshot, or a time of the recorder's store with --at")
        return world.load(arguments.before), world.load(arguments.after) if arguments.after else world.look()
    from workbench.recording.past import snapshot_at  # noqa: PLC0415 - most compare files

    if len(arguments.at) > 2 or arguments.after or (arguments.before and len(arguments.at) > 1):
        raise usage("two sides are compared: two files, two times, or a file and one time")
    found = [world.load(arguments.before)] if arguments.before else []
    found += [snapshot_at(each, arguments.store) for each in arguments.at]
    return found[0], found[1] if len(found) == 2 else world.look()


def _code(asked: difference.Asked | None) -> Exit:
    """1 where the answer flips, 3 where one of the two could not be told, 0 where it is the same."""
    if asked is None:
        return Exit.DONE
    known = [each for each in (asked.before, asked.after) if each is not None and each.reach is not Reach.DEPENDS]
    if len(known) < 2:
        return Exit.UNDECIDED
    return Exit.NOT_REACHABLE if asked.flipped else Exit.DONE


def _asked(before: Snapshot, after: Snapshot, arguments: Namespace) -> difference.Asked:
    """The question in both snapshots. Raises `Refusal` when it can be asked of neither."""
    protocol = Protocol(arguments.protocol)

    def question(snapshot: Snapshot) -> Question:
        return resolve(snapshot, arguments.why, arguments.source or HOST, protocol)

    answers: list[Verdict | None] = []
    refusal = ""
    for snapshot in (before, after):
        try:
            answers.append(ask(snapshot, question(snapshot)))
        except QuestionError as error:
            answers.append(None)
            refusal = str(error)
    if answers == [None, None]:
        raise usage(refusal)
    found = flip(before, after, question, partial(output.progress, what="changes"))
    output.progress(1, 1)
    return difference.Asked(answers[0], answers[1], found.flipped, found.by, found.searched)
