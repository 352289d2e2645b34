"""`why … --prove`: the real attempt, and what is written of it.

Trace rules are added to this host's firewall only where `--trace` allows it, and in labs that portscope built. A client
that is not on this machine is waited for; a line on stderr says so, since it may take a while.
"""

from __future__ import annotations

from argparse import Namespace

from engine.apply.journal import state_directory
from engine.model.host import Snapshot
from engine.model.verdict import Verdict
from engine.prove.judge import weigh
from engine.prove.prove import Wishes
from workbench import output
from workbench.commands import case
from workbench.exits import complain
from workbench.files import opened
from workbench.session.attempt import attempt, nameless, settled_names


def prove(snapshot: Snapshot, verdict: Verdict, arguments: Namespace) -> Verdict:
    """The answer after a real attempt. Raises `Refusal` when it cannot be made, or a file cannot be written,
    which is found out before a packet is sent."""
    snapshot, verdict = settled_names(snapshot, verdict)
    if nameless(verdict):
        complain(f"no packet is sent: {verdict.question.name} has no address")
        return verdict
    wishes = Wishes(arguments.timeout, None if arguments.trace else lab_namespaces(snapshot))
    force = arguments.force
    with opened(arguments.pcap, force=force) as packets, opened(arguments.save_case, force=force) as told:
        with output.meanwhile("sending real packets, and waiting for what answers …") as clear:

            def say(line: str) -> None:
                clear()
                complain(line)

            proven = attempt(snapshot, verdict, wishes, say)
        weighed = weigh(verdict, proven.proof)
        packets(proven.pcapng)
        told(lambda: case.dumps(snapshot, weighed, redacted=arguments.redact).encode())
    return weighed


def lab_namespaces(snapshot: Snapshot) -> frozenset[str]:
    """The namespaces of the labs that portscope built here: the name of a lab, a dash, the name of a node."""
    try:
        labs = [f"{folder.name}-" for folder in state_directory().iterdir() if folder.is_dir()]
    except OSError:
        return frozenset()
    return frozenset(netns.id for netns in snapshot.namespaces if netns.id.startswith(tuple(labs)))
