"""`portscope report`: the host's network as a document, with the answers to the questions that were asked.

The matrix is many walks; it is spread over the processors by forked children, each of which has the snapshot already
and sends back only its cells. How far it is goes to stderr where that is a terminal.
"""

from __future__ import annotations

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from engine.explain import ask
from engine.explain import matrix as cells
from engine.model.host import Snapshot
from engine.model.matrix import Cell, Matrix
from engine.model.packet import Protocol
from engine.model.verdict import Question
from engine.path.world import World
from views.reports.document import report
from views.reports.writers import FORMATS, write
from workbench import output, world
from workbench.commands.answering import question_of
from workbench.exits import Exit, usage
from workbench.files import keep, save

#: Cells that a child fills between two reports of how far it is, and from how many on children are worth their start.
CHUNK, WORTH_CHILDREN = 64, 400
#: What a format is when neither it nor a file's name says so.
DEFAULT = "text"


def run(arguments: Namespace) -> Exit:
    """Writes the document."""
    name = arguments.format or format_of(arguments.output)
    keep(arguments.output, force=arguments.force)
    snapshot = world.load(arguments.snapshot) if arguments.snapshot else world.look()
    protocol = Protocol(arguments.protocol)
    questions = [question_of(snapshot, target, arguments.source, protocol) for target in arguments.why]
    if arguments.redact:
        snapshot, questions = _redacted(snapshot, questions)
    answers = [ask(snapshot, question) for question in questions]
    grid = fill(snapshot) if arguments.matrix or name == "csv" else None
    text = write(report(snapshot, answers, grid), name)
    if arguments.output:
        save(text.encode("utf-8", "backslashreplace"), arguments.output, force=arguments.force)
    else:
        output.emit(text)
    return Exit.DONE


def _redacted(snapshot: Snapshot, questions: list[Question]) -> tuple[Snapshot, list[Question]]:
    """The snapshot and the questions with other addresses and names. What the user typed is not in the report."""
    from engine.observe.redact import Redacted  # noqa: PLC0415 - most reports stay in the house

    redacted = Redacted(snapshot)
    others = []
    for question in questions:
        source = question.source
        client = redacted.address(source.address) if source.address else None
        other = replace(source, netns=redacted.netns(source.netns), address=client)
        others.append(replace(question, source=other, address=redacted.address(question.address), target=""))
    return redacted.snapshot, others


def format_of(path: Path | None) -> str:
    """The format that a file's name asks for."""
    if path is None:
        return DEFAULT
    found = [each.name for each in FORMATS.values() if path.name.endswith(each.suffix)]
    if not found:
        raise usage(f"the name {path.name!r} does not tell a format; name one by --format ({', '.join(FORMATS)})")
    return found[0]


def fill(snapshot: Snapshot) -> Matrix:
    """The matrix of a snapshot."""
    rows = cells.ports(snapshot)
    asked = list(cells.questions(snapshot, rows))
    questions = [question for _, _, question in asked]
    filled = []
    for cell in _spread(snapshot, questions):
        filled.append(cell)
        _progress(len(filled), len(questions))
    return cells.matrix(snapshot, rows, asked, filled)


def _spread(snapshot: Snapshot, questions: list[Question]) -> Iterator[Cell]:
    """The cells in order, by as many children as there are processors where there is work for them."""
    _Child.world = World(snapshot)
    if len(questions) < WORTH_CHILDREN or (os.cpu_count() or 1) < 2:
        yield from map(_Child.answer, questions)
        return
    with get_context("fork").Pool(initializer=_leave_interrupts_to_the_parent) as pool:  # its end ends the children
        yield from pool.imap(_Child.answer, questions, chunksize=CHUNK)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class _Child:
    """What a forked child has from its parent: the snapshot with its indexes."""

    world: World

    @classmethod
    def answer(cls, question: Question) -> Cell:
        """One cell."""
        return cells.answer(cls.world, question)


def within(snapshot: Snapshot) -> Matrix:
    """The matrix of a snapshot by this thread alone: for a program with threads, which must not fork."""
    rows = cells.ports(snapshot)
    asked = list(cells.questions(snapshot, rows))
    walked = World(snapshot)
    return cells.matrix(snapshot, rows, asked, (cells.answer(walked, question) for _, _, question in asked))


def _progress(done: int, whole: int) -> None:
    if not sys.stderr.isatty() or (done % CHUNK and done != whole):
        return
    width = 30
    bar = "█" * (width * done // whole)
    end = "\r\x1b[K" if done == whole else ""
    print(f"\r[{bar:·<{width}}] {done}/{whole} questions{end}", end="", file=sys.stderr, flush=True)
