"""`portscope rules`: the rules that can never match, that are there twice, or that no packet has matched."""

from __future__ import annotations

from argparse import Namespace

from engine.explain.audit.rules import all_findings, audit
from engine.explain.question import QuestionError, namespace
from views.reports import rules
from workbench import output, paging, world
from workbench.exits import Exit, usage


def run(arguments: Namespace) -> Exit:
    """Prints the findings."""
    snapshot = world.load(arguments.snapshot) if arguments.snapshot else world.look()
    try:
        place = namespace(snapshot, arguments.netns) if arguments.netns else None
    except QuestionError as error:
        raise usage(str(error)) from error
    found = audit(snapshot, place) if place is not None else all_findings(snapshot)
    if arguments.json:
        output.emit_whole(rules.dumps(snapshot, found))
    else:
        paging.emit(rules.render(found, output.width(), colour=output.colour(), unused=arguments.unused))
    return Exit.DONE
