"""`portscope report`: the host's network as a document, with the answers to the questions that were asked.

How far the matrix is goes to stderr where that is a terminal.
"""

from __future__ import annotations

from argparse import Namespace

from engine.explain import ask
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.verdict import Question
from engine.observe.recording.embedded import FORMATS, embedded
from engine.records import replace
from views.reports.document import report
from views.reports.writers import write
from workbench import output, world
from workbench.commands.answering import HOST, questions_of
from workbench.exits import Exit, usage
from workbench.files import keep, save
from workbench.formats import format_of
from workbench.session.matrix_pool import fill


def run(arguments: Namespace) -> Exit:
    """Writes the document."""
    name = arguments.format or format_of(arguments.output)
    keep(arguments.output, force=arguments.force)
    if arguments.embed and name not in FORMATS:
        raise usage(f"--embed goes with {' and '.join(FORMATS)}: a report in {name} cannot have a snapshot in it")
    if arguments.source is not None and not arguments.why:
        raise usage("--from goes with --why")
    snapshot = world.load(arguments.snapshot) if arguments.snapshot else world.look()
    protocol, source = Protocol(arguments.protocol), arguments.source or HOST
    questions = [one for target in arguments.why for one in questions_of(snapshot, target, source, protocol)]
    if arguments.redact:
        snapshot, questions = _redacted(snapshot, questions)
    answers = [ask(snapshot, question) for question in questions]
    grid = fill(snapshot, output.progress) if arguments.matrix or name == "csv" else None
    text = write(report(snapshot, answers, grid), name)
    if arguments.embed:
        text = embedded(text, name, snapshot)
    if arguments.output:
        save(text.encode("utf-8", "backslashreplace"), arguments.output, force=arguments.force)
    else:
        output.emit(text)
    return Exit.DONE


def _redacted(snapshot: Snapshot, questions: list[Question]) -> tuple[Snapshot, list[Question]]:
    """The snapshot and the questions with other addresses and names. What the user typed is not in the report."""
    from engine.observe.recording.redact import Redacted  # noqa: PLC0415 - most reports stay in the house

    redacted = Redacted(snapshot)
    others = []
    for question in questions:
        source = question.source
        client = redacted.address(source.address) if source.address else None
        other = replace(source, netns=redacted.netns(source.netns), address=client)
        others.append(replace(question, source=other, address=redacted.address(question.address), target=""))
    return redacted.snapshot, others
