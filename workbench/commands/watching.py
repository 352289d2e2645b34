"""`portscope why … --watch`: asks again on every change of the host, and tells when the answer is another one.

The first answer is printed whole; then a line for each flip, with the change that flipped it. An answer flips when its
reach, its symptom or its causes do. With --json each is a document on one line, with `at`, `changed` (all that came
with it) and `flipped_by` beside the fields of `portscope.why/1`. It ends by Ctrl-C, or when nobody reads stdout any
more, with the code of the last answer.
"""

from __future__ import annotations

import json
import os
import select
import sys
import threading
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress

from engine.change.differences import Difference
from engine.explain.question import resolve
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.verdict import Question, Verdict
from views.reports import answer_json
from workbench import output, world
from workbench.commands.answering import EVERYWHERE, answer, tell
from workbench.exits import EXIT_OF_REACH, Exit, Refusal, usage
from workbench.session.flips import FlipCause, answer_words, change_words, clock, flipping, key


def run(arguments: Namespace) -> Exit:
    """Watches until it is interrupted. Raises `Refusal` when the first question cannot be asked."""
    if arguments.snapshot or arguments.source == EVERYWHERE:
        raise usage("--watch asks one question of this host: it goes with neither --snapshot nor --from everywhere")
    stop = threading.Event()
    threading.Thread(target=_until_unread, args=(stop,), daemon=True).start()
    teller = _Teller(arguments)
    with suppress(KeyboardInterrupt):
        for update in world.watch(stop):
            teller.look(update.snapshot, update.changed)
    return teller.code


class _Teller:
    """Answers each snapshot, and prints what flipped. `code` is the exit code of the last answer."""

    def __init__(self, arguments: Namespace) -> None:
        self._arguments = arguments
        self._protocol = Protocol(arguments.protocol)
        self._shown: tuple[object, ...] | None = None
        self._before: Snapshot | None = None
        self.code = Exit.UNDECIDED

    def look(self, snapshot: Snapshot, changed: Sequence[Difference]) -> None:
        """Asks a snapshot. Raises `Refusal` when the first one cannot be asked."""
        before, self._before = self._before, snapshot
        at = snapshot.taken_at
        try:
            verdict = answer(snapshot, self._arguments.target, self._arguments.source, self._protocol)
        except Refusal as refusal:
            if self._shown is None:
                raise
            self._tell_lost(str(refusal), at, tuple(map(str, changed)))
            return
        shown = key(verdict)
        if shown != self._shown:
            self._shown = shown
            self.code = EXIT_OF_REACH[verdict.reach]
            by = flipping((before, snapshot), changed, self._asked) if before is not None else None
            self._tell(verdict, at, changed, by)

    def _asked(self, snapshot: Snapshot) -> Question:
        return resolve(snapshot, self._arguments.target, self._arguments.source, self._protocol)

    def _tell(self, verdict: Verdict, at: str, changed: Sequence[Difference], by: FlipCause | None) -> None:
        """Prints an answer; the first one, which nothing flipped, whole. What was not found out is not in
        `flipped_by`."""
        if self._arguments.json:
            came = {
                "at": at,
                "changed": tuple(map(str, changed)),
                "flipped_by": by.changed if by and not by.among else (),
            }
            output.emit_whole(json.dumps({**answer_json.document(verdict), **came}) + "\n")
        elif by is None:
            tell(verdict)
        else:
            output.emit(f"{clock(at, 12)} {answer_words(verdict)}: {by.words}\n")

    def _tell_lost(self, reason: str, at: str, changed: tuple[str, ...]) -> None:
        if self._shown == (reason,):
            return
        self._shown, self.code = (reason,), Exit.UNDECIDED
        if self._arguments.json:
            document = {"schema": answer_json.SCHEMA, "reach": None, "error": reason, "at": at, "changed": changed}
            output.emit_whole(json.dumps(document) + "\n")
        else:
            output.emit(f"{clock(at, 12)} ? {reason}: {change_words(changed)}\n")


def _until_unread(stop: threading.Event) -> None:
    """Sets `stop` when the reader of stdout goes away (poll(2): POLLERR on a pipe, POLLHUP on a terminal)."""
    with suppress(OSError, ValueError, AttributeError):
        waiter = select.poll()
        waiter.register(os.dup(sys.stdout.fileno()), 0)
        waiter.poll()
        stop.set()
