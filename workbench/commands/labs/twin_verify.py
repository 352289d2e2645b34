"""`portscope lab twin FILE --verify`: every cell of the matrix by a real connect, and where the prediction is wrong."""

from __future__ import annotations

from argparse import Namespace

from engine.lab import lifecycle
from engine.model.host import Snapshot
from engine.model.verdict import Question, Reach
from workbench import output
from workbench.commands.labs.twin_told import asker, document, drafted, tell_what_lacks
from workbench.exits import Exit, complain
from workbench.session import matrix_pool, twins
from workbench.session.twins import Compared


def run(arguments: Namespace, snapshot: Snapshot) -> Exit:
    """Builds, asks everything, takes down. The exit code is 1 where something differs."""
    cells = [cell for row in matrix_pool.fill(snapshot, output.progress).rows for _, cell in row.cells]
    sure = [cell for cell in cells if cell.reach is not Reach.DEPENDS]
    twin = drafted(arguments, snapshot, [cell.question for cell in sure])
    notes = lifecycle.up(twin.draft)
    try:
        seen = twin.look()
        differs = twin.differences(seen)
        asked = list(twins.compare(twin, seen, [(each.question, each.symptom) for each in sure], output.progress))
    finally:
        left = lifecycle.down(twin.name)
    for line in left:
        complain(line)
    wrong = [each for each in asked if each.seen is not None and not each.agrees]
    if arguments.json:
        whole = {
            **document(twin, notes, differs),
            "cells": [_row(each) for each in asked],
            "depends": len(cells) - len(sure),
        }
        output.emit_json(whole)
        return Exit.NOT_REACHABLE if wrong else Exit.DONE
    tell_what_lacks(twin, notes, differs)
    for each in wrong:
        output.emit(f"{_words(each.question)}: predicted {each.predicted}, a real client: {each.seen}\n")
    output.emit(_summary(asked, wrong, len(cells) - len(sure)))
    return Exit.NOT_REACHABLE if wrong else Exit.DONE


def _row(each: Compared) -> dict[str, object]:
    return {
        "target": each.question.end,
        "from": asker(each.question),
        "predicted": str(each.predicted),
        "seen": None if each.seen is None else str(each.seen),
    }


def _words(question: Question) -> str:
    return f"{asker(question)} → {question.end}"


def _summary(asked: list[Compared], wrong: list[Compared], depends: int) -> str:
    tried = sum(each.seen is not None for each in asked)
    words = f"{tried - len(wrong)} of {tried} predictions are what a real client saw"
    words += f"; {len(asked) - tried} could not be asked here" if tried < len(asked) else ""
    return words + (f"; {depends} depend on what is not known" if depends else "") + "\n"
