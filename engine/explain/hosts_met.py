"""Of several hosts: which of them an answer is about, which joins it relies on, and whether the packet ends on the one
where its target is expected."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from engine.explain.across_hosts import Expected
from engine.explain.search.endings import connects
from engine.model.address import end_of
from engine.model.host import Snapshot
from engine.model.machine import Join, JoinedBy, Machine, Plug
from engine.model.plan import Plan
from engine.model.ref import Ref, RefKind
from engine.model.trace import Assumption, Conversation, Outcome, Trace
from engine.model.verdict import Cause, Fix, FixKind, Question
from engine.path.exchange.conversation import conversations
from engine.path.world import World
from engine.records import replace

#: Endings of a packet that the namespace it ended in has taken as its own.
_TAKEN = frozenset({Outcome.DELIVERED, Outcome.NO_LISTENER, Outcome.BACKLOG_FULL, Outcome.TUNNEL_PORT})


def machines_met(snapshot: Snapshot, talk: Conversation) -> list[Machine]:
    """The hosts that packets came by, in the order in which they did."""
    by_id = snapshot.by_id
    names = dict.fromkeys(by_id[hop.netns].machine for trace in _traces(talk) for hop in trace.hops)
    return [snapshot.machines_by_name[name] for name in names if name]


def joins_met(snapshot: Snapshot, talk: Conversation) -> tuple[Join, ...]:
    """The joins by which packets got from one host to another."""
    found: dict[Join, None] = {}
    for trace in _traces(talk):
        for here, there in pairwise(trace.hops):
            if snapshot.by_id[here.netns].machine != snapshot.by_id[there.netns].machine:
                start = Plug(here.netns, _link(here.steps[-1].ref))
                found |= dict.fromkeys(_joins(snapshot, start, there.netns))
    return tuple(found)


def _joins(snapshot: Snapshot, start: Plug, far: str) -> list[Join]:
    """The fewest joins by which a frame from a device gets to a namespace."""
    ways: dict[Plug, list[Join]] = {start: []}
    ahead = deque([start])
    while ahead:
        plug = ahead.popleft()
        if plug.netns == far:
            return ways[plug]
        for join in snapshot.joins:
            other = join.far if plug == join.near else join.near
            if plug in (join.near, join.far) and other not in ways:
                ways[other] = [*ways[plug], join]
                ahead.append(other)
    return []


def _link(ref: Ref | None) -> int:
    return int(ref.key[0]) if ref is not None and ref.kind is RefKind.LINK else 0


def assumed(snapshot: Snapshot, talk: Conversation, joins: tuple[Join, ...]) -> Iterator[Assumption]:
    """What an answer about several hosts rests on: joins that only fit, and that nothing changed between the looks."""
    for join in joins:
        if join.by is JoinedBy.PREFIX:
            yield Assumption("ASSUME_JOINED", f"one segment: {join.text}")
    met = machines_met(snapshot, talk)
    times = [(_seconds(each.taken_at), each.name) for each in met]
    known = sorted((seconds, name) for seconds, name in times if seconds is not None)
    if len(known) > 1 and known[-1][0] - known[0][0] >= 1:
        apart = _span(known[-1][0] - known[0][0])
        both = f"{known[0][1]} and {known[-1][1]}"
        yield Assumption("ASSUME_TAKEN_APART", f"{both} were read {apart} apart, by their own clocks")


def _seconds(taken_at: str) -> float | None:
    try:
        return datetime.fromisoformat(taken_at).timestamp()
    except ValueError:
        return None


def _span(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def ended_elsewhere(world: World, question: Question, talk: Conversation) -> tuple[Cause, ...]:
    """The cause of a packet that a host takes on which its target is not expected, with the addresses of the one that
    is meant at which the client connects."""
    snapshot = world.snapshot
    if not question.expected:
        return ()
    while talk.relayed is not None:
        talk = talk.relayed
    trace = talk.forward
    netns = snapshot.by_id[trace.hops[-1].netns]
    if trace.outcome not in _TAKEN or netns.machine == question.expected or _sent_on(snapshot, question, trace):
        return ()
    ref = Ref(RefKind.NETNS, netns.id, (), netns.id, netns.id)
    asked = question.address
    there = [each.id for each in snapshot.part(question.expected).namespaces if asked in each.addresses_by_value]
    if asked.is_loopback:
        where = f"is {netns.id} itself"
        why = "a loopback address never leaves the host"
    else:
        where = f"is {'an address of' if asked in netns.addresses_by_value else 'translated to'} {netns.id}"
        why = f"{', '.join(there)} has {asked} too" if there else f"no interface of {question.expected} has {asked}"
    sentence = f"the packet ends on {netns.machine}, not on {question.expected}: {asked} {where}"
    fixes = tuple(_asked_there(world, question))
    return (Cause("DST_OTHER_HOST", sentence, ref, evidence=(why,), fixes=fixes),)


def _sent_on(snapshot: Snapshot, question: Question, trace: Trace) -> bool:
    """Whether the host that is meant has taken the packet at its own address, and translated it itself, as a router
    does that forwards a port."""
    there = (hop for hop in trace.hops if snapshot.by_id[hop.netns].machine == question.expected)
    own = (hop for hop in there if question.address in snapshot.by_id[hop.netns].addresses_by_value)
    return any(step.packet.dst != question.address for hop in own for step in hop.steps)


def _asked_there(world: World, question: Question) -> Iterator[Fix]:
    snapshot, source = world.snapshot, question.source
    expected = Expected(question.expected, snapshot, snapshot.part(question.expected))
    for address in expected.addresses(None if source.outside else world.netns(source.netns)):
        asked = replace(question, address=address, target="")
        if address.version == question.address.version and connects(*conversations(world, asked)):
            title = f"ask {end_of(address, question.port)} ({question.expected})"
            yield Fix(title, Plan(title, ()), (), kind=FixKind.ASK, ask=asked)


def _traces(talk: Conversation) -> Iterator[Trace]:
    yield from talk.traces
    if talk.relayed is not None:
        yield from _traces(talk.relayed)
