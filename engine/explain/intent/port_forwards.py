"""A host behind a router is asked at its own address by a client beyond: the router forwards a port to it."""

from __future__ import annotations

from collections.abc import Iterator

from engine.explain.intent.alternative import Alternative, Trust
from engine.explain.intent.asked import Asked
from engine.explain.survey.probes import translated
from engine.model.host import Snapshot
from engine.records import replace


def forwarded_ports(whole: Snapshot, asked: Asked) -> Iterator[Alternative]:
    """The ports of other hosts that lead to the address and port that are asked."""
    question = asked.question
    for machine in whole.machines:
        part = whole.part(machine.name)
        if machine.name in (asked.client.machine, asked.netns.machine if asked.netns is not None else ""):
            continue
        for outer in part.host_netns.addresses:
            if outer.scope != "global" or outer.address.version != question.address.version:
                continue
            for door in translated(part, replace(question, address=outer.address)):
                if door.protocol is question.protocol and (question.address, question.port) in door.inner:
                    why = f"{machine.name} forwards its port {door.port} to {question.address}"
                    yield Alternative(
                        door.address,
                        door.port,
                        asked.netns.id if asked.netns is not None else "",
                        machine.name,
                        why,
                        Trust.SURE,
                    )
