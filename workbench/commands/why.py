"""`portscope why`: one question, one answer, on stdout as words or as JSON.

The way from here to the answer is short, and only what it needs is imported: no terminal program, no netlink
library. A file is answered without looking at this host.
"""

from __future__ import annotations

from argparse import Namespace

from engine.model.packet import Protocol
from views.reports import answer_json, everywhere
from workbench import output, world
from workbench.commands.answering import answer, answer_everywhere, tell
from workbench.exits import EXIT_OF_REACH, Exit, worst

#: The source that stands for every vantage point.
EVERYWHERE = "everywhere"


def run(arguments: Namespace) -> Exit:
    """Answers, and ends with the code of the answer."""
    if arguments.watch:
        from workbench.commands import watching  # noqa: PLC0415 - most questions are asked once

        return watching.run(arguments)
    snapshot = world.load(arguments.snapshot) if arguments.snapshot else world.look()
    protocol = Protocol.UDP if arguments.udp else Protocol.TCP
    if arguments.source == EVERYWHERE:
        answers = answer_everywhere(snapshot, arguments.target, protocol)
        output.emit(everywhere.dumps(answers) if arguments.json else everywhere.render(answers))
        return worst(verdict.reach for _, verdict in answers)
    verdict = answer(snapshot, arguments.target, arguments.source, protocol)
    if arguments.json:
        output.emit(answer_json.dumps(verdict))
    else:
        tell(verdict)
    return EXIT_OF_REACH[verdict.reach]
