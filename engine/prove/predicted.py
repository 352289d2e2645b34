"""What a prediction says, in the pieces that evidence is looked up by. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from engine.model.address import IPAddress
from engine.model.ref import RefKind
from engine.model.trace import Conversation, Step, StepKind, Symptom, Trace
from engine.model.verdict import Verdict


def conversations(verdict: Verdict) -> tuple[Conversation, ...]:
    """Every way that the answer says it may go, the one of the host's state first."""
    return (verdict.conversation, *(branch for branch in verdict.branches if branch != verdict.conversation))


def conversation_for(verdict: Verdict, symptom: Symptom) -> Conversation:
    """The way that ends as was seen, where the answer has one; else the one of the host's state."""
    return next((each for each in conversations(verdict) if each.symptom is symptom), verdict.conversation)


def all_traces(verdict: Verdict) -> Iterator[Trace]:
    """All journeys of all ways, relays' connections too."""
    for talk in conversations(verdict):
        part: Conversation | None = talk
        while part is not None:
            yield from part.traces
            part = part.relayed


def namespaces(verdict: Verdict) -> tuple[str, ...]:
    """The namespaces that any packet is predicted in, in the order in which they are met."""
    return tuple(dict.fromkeys(hop.netns for trace in all_traces(verdict) for hop in trace.hops))


def routing_steps(verdict: Verdict, netns: str) -> tuple[Step, ...]:
    """The routing decisions that are predicted in a namespace, each once."""
    hops = (hop for trace in all_traces(verdict) for hop in trace.hops if hop.netns == netns)
    return tuple(dict.fromkeys(step for hop in hops for step in hop.steps if step.kind is StepKind.ROUTE))


def next_hops(verdict: Verdict) -> tuple[IPAddress, ...]:
    """The addresses whose neighbour entries decide, each once."""
    return tuple(
        dict.fromkeys(
            address for trace in all_traces(verdict) for step in trace.steps if (address := neighbour_of(step))
        )
    )


def neighbour_of(step: Step) -> IPAddress | None:
    """The address that a step resolves; None for any other step."""
    if step.kind is not StepKind.NEIGHBOUR or step.ref is None or step.ref.kind is not RefKind.NEIGHBOUR:
        return None
    return ip_address(str(step.ref.key[1])) if len(step.ref.key) > 1 else None
