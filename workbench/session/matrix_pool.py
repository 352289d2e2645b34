"""The reachability matrix of a snapshot: by this thread where there is little to ask, else by as many processes as
there are processors.

A process is started anew, since a program with threads must not fork. It reads the snapshot and its share of the
questions from stdin, and writes a cell for each to stdout, in order. It has a session of its own, so that an interrupt
at the terminal is for its parent; that kills it when it ends early, and without its parent it ends by itself (EPIPE).

How far it is is told now and then; once `stop` is set it ends.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from threading import Event

from engine.explain.survey import matrix as cells
from engine.model.host import Snapshot
from engine.model.matrix import Cell, Matrix
from engine.model.verdict import Question
from engine.path.world import World
from engine.programs import environment, python
from workbench.session.stopping import ReportProgress, Stopped

#: Cells between two words of how far it is, and from how many cells on processes are worth their start.
CHUNK, WORTH_PROCESSES = 64, 400
PROGRAM = "from workbench.session.matrix_pool import serve; serve()"


def fill(snapshot: Snapshot, told: ReportProgress = lambda *_: None, stop: Event | None = None) -> Matrix:
    """The matrix. Raises `Stopped`."""
    rows = cells.ports(snapshot)
    asked = list(cells.questions(snapshot, rows))
    filled = []
    with closing(_cells(snapshot, [question for _, _, question in asked])) as found:
        for cell in found:
            filled.append(cell)
            if stop is not None and stop.is_set():
                raise Stopped
            if len(filled) % CHUNK == 0 or len(filled) == len(asked):
                told(len(filled), len(asked))
    return cells.matrix(snapshot, rows, asked, filled)


def _cells(snapshot: Snapshot, questions: Sequence[Question]) -> Generator[Cell]:
    """The cells in order. Its end, however it comes, ends the processes."""
    count = os.cpu_count() or 1
    if len(questions) < WORTH_PROCESSES or count < 2:
        world = World(snapshot)
        yield from (cells.answer(world, question) for question in questions)
        return
    with ExitStack() as held:
        children = [_started(held) for _ in range(count)]
        for place, child in enumerate(children):
            assert child.stdin is not None
            with child.stdin as stream:
                pickle.dump((snapshot, questions[place::count]), stream)
        for number in range(len(questions)):
            yield _next(children[number % count])


def _started(held: ExitStack) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        python("-c", PROGRAM),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
    )
    held.enter_context(child)
    held.callback(child.kill)
    return child


def _next(child: subprocess.Popen[bytes]) -> Cell:
    assert child.stdout is not None
    try:
        cell: Cell = pickle.load(child.stdout)
    except EOFError:
        raise RuntimeError("a process that fills the matrix ended too early") from None
    return cell


def serve() -> None:
    """What a process does: its share of the questions, from stdin to stdout."""
    snapshot, questions = pickle.load(sys.stdin.buffer)
    world = World(snapshot)
    for number, question in enumerate(questions, 1):
        pickle.dump(cells.answer(world, question), sys.stdout.buffer)
        if number % CHUNK == 0:
            sys.stdout.buffer.flush()
