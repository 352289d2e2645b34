"""`portscope lab twin FILE`: a saved snapshot as a lab, alone, for one question, or to check every prediction.

What the twin lacks, what it calls otherwise and where it differs from the file goes to stderr, line by line.
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from engine.lab import lifecycle
from engine.lab.script import lines
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.verdict import Question
from engine.prove.predicted import namespaces
from workbench import output, world
from workbench.commands.answering import answer
from workbench.commands.labs.ground import blaming, join, undoing
from workbench.commands.labs.twin_told import document, drafted, tell_what_lacks
from workbench.exits import Exit, complain
from workbench.session import twins


def run(arguments: Namespace) -> Exit:
    """Builds the twin, and does with it what was asked."""
    snapshot = world.load(Path(arguments.file))
    with blaming():
        join(start=not arguments.dry_run)
        with undoing():
            if arguments.verify:
                from workbench.commands.labs import twin_verify  # noqa: PLC0415 - most twins are only built

                return twin_verify.run(arguments, snapshot)
            if arguments.trial:
                from workbench.commands.labs import twin_try  # noqa: PLC0415 - see above

                return twin_try.run(arguments, snapshot)
            return _build(arguments, snapshot)


def _build(arguments: Namespace, snapshot: Snapshot) -> Exit:
    asked: tuple[Question, ...] = ()
    if arguments.only:
        verdict = answer(snapshot, arguments.only, arguments.source, Protocol(arguments.protocol))
        asked, whole = (verdict.question,), len(snapshot.namespaces)
        snapshot = twins.part_of(snapshot, frozenset((*namespaces(verdict), verdict.question.source.netns)))
        complain(f"{len(snapshot.namespaces)} of {whole} namespaces are built: those that the question can meet")
    twin = drafted(arguments, snapshot, asked)
    if arguments.dry_run:
        output.emit("".join(f"{line}\n" for line in lines(twin.draft.plan.changes)))
        tell_what_lacks(twin)
        return Exit.DONE
    with output.meanwhile("building the twin …"):
        notes = lifecycle.up(twin.draft)
        seen = twin.look()
        differs = twin.differences(seen)
    if arguments.json:
        output.emit_json(document(twin, notes, differs))
        return Exit.DONE
    tell_what_lacks(twin, notes, differs)
    complain(f"{twin.draft.plan.title} is up: portscope lab open {twin.name}, portscope lab down {twin.name}")
    return Exit.DONE
