"""Where a conversation fails: the part that did not work, and the step that ended it."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address

from engine.model.application.naming import DNS_PORT, NameLookup
from engine.model.application.proxy import HttpAnswer
from engine.model.firewall import Backend, Rule, Table
from engine.model.host import Netns, Snapshot
from engine.model.packet import Packet, Protocol
from engine.model.ref import Ref, RefKind
from engine.model.trace import Conversation, Outcome, Step, StepKind, Symptom, Trace
from engine.model.verdict import Question, Source
from engine.model.where import RulePlace
from engine.path.exchange.by_name import at_address
from engine.path.link.vxlan import carries_frame
from engine.path.lookup.device_topology import wired
from engine.path.world import World
from engine.records import dataclass, replace


class FailedLeg(StrEnum):
    """Which part of the conversation failed, in the order in which they happen."""

    FORWARD = "forward"
    REPLY = "reply"
    CONFIRM = "confirm"
    REQUEST = "request"
    ANSWER = "answer"
    SERVICE = "service"
    NAME = "name"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class Failure:
    """A conversation's failure. For SERVICE (frozen program, relay without target) the trace was delivered, for NAME
    (the look-up found no address) it is that of the query that decided, for HTTP (a proxy's own answer) the client's.

    `depth` counts the relays in front: 1 means that the relay's own connection fails. `lookup` is the look-up that
    found no address, and `origin` the question whose name it is. `http` is what the proxy answered whose connection
    fails.
    """

    world: World
    question: Question
    conversation: Conversation
    leg: FailedLeg
    trace: Trace
    depth: int = 0
    lookup: NameLookup | None = None
    origin: Question | None = None
    http: HttpAnswer | None = None

    @property
    def step(self) -> Step:
        """The step that ended the packet."""
        return self.trace.last

    @property
    def outcome(self) -> Outcome:
        """How the packet ended."""
        return self.trace.outcome

    @property
    def netns(self) -> Netns:
        """The namespace that it ended in."""
        return self.world.netns(self.trace.hops[-1].netns)

    @property
    def home(self) -> Snapshot:
        """The host that it ended on: what its engines, its names and its own namespace say is about that one alone."""
        return self.world.snapshot.around(self.netns.id)

    @property
    def packet(self) -> Packet:
        """The packet as it was at its end."""
        return self.step.packet

    @property
    def around(self) -> list[Netns]:
        """The namespaces that hang together with the one that it ended in; other hosts on the machine have no part."""
        near = wired(self.world.snapshot, (self.netns.id,))
        return [netns for netns in self.world.snapshot.namespaces if netns.id in near]

    @property
    def backwards(self) -> bool:
        """Whether the failing packet is an answer."""
        return self.leg in (FailedLeg.REPLY, FailedLeg.ANSWER)

    @property
    def from_service(self) -> bool:
        """Whether the service is at the failing packet's source: an answer, but not what carries one in a tunnel."""
        return self.backwards and not carries_frame(self.packet)

    @property
    def returned(self) -> bool:
        """Whether the packet ended in the namespace that sent it, after it had been elsewhere."""
        hops = self.trace.hops
        return len(hops) > 1 and hops[0].netns == self.netns.id and not self.question.source.outside

    @property
    def signature(self) -> tuple[object, ...]:
        """What tells one failure from another, to see whether a change made a difference."""
        ref = self.step.ref
        place = (ref.kind, ref.netns, ref.key) if ref else ()
        return (self.depth, self.leg, self.outcome, place, self.step.text)


def failure_of(world: World, question: Question, conversation: Conversation, depth: int = 0) -> Failure | None:
    """The failure of a conversation, None when it connects."""
    if conversation.works:
        return None
    if conversation.name is not None:
        if conversation.name.used is None:
            return _nameless(world, question, conversation, depth)
        question = at_address(question, conversation.name.used)
    parts = (
        (FailedLeg.FORWARD, conversation.forward),
        (FailedLeg.REPLY, conversation.reply),
        (FailedLeg.CONFIRM, conversation.confirm),
        (FailedLeg.REQUEST, conversation.request),
        (FailedLeg.ANSWER, conversation.answer),
    )
    for leg, trace in parts:
        if trace is not None and trace is conversation.broken:
            return Failure(world, question, conversation, leg, trace, depth)
    second = conversation.relayed
    if second is not None and not second.works:
        inner = _proxied_question(question, conversation) or _relay_question(question, second)
        found = failure_of(world, inner, second, depth + 1)
        if found is not None:
            return found if found.http is not None else replace(found, http=conversation.http)
    if conversation.http is not None and not conversation.http.served:
        unserved = Failure(world, question, conversation, FailedLeg.HTTP, conversation.forward, depth)
        return replace(unserved, http=conversation.http)
    return Failure(world, question, conversation, FailedLeg.SERVICE, conversation.forward, depth)


def _nameless(world: World, question: Question, conversation: Conversation, depth: int) -> Failure:
    """The failure of a look-up: that of the query that decided, where it is the packet that failed."""
    last = conversation.name.last if conversation.name is not None else None
    query = last.query if last is not None else None
    if query is not None and query.symptom is not Symptom.CONNECTED:
        first = query.forward.hops[0]
        asked = Question(Source(first.netns), first.packet.dst, DNS_PORT, Protocol.UDP)
        found = failure_of(world, asked, query, depth + 1)
        if found is not None:
            return replace(found, lookup=conversation.name, origin=question)
    nameless = Failure(world, question, conversation, FailedLeg.NAME, conversation.forward, depth)
    return replace(nameless, lookup=conversation.name, origin=question)


def _proxied_question(question: Question, conversation: Conversation) -> Question | None:
    """The question that a proxy asked; None where the relay is none."""
    http = conversation.http
    if http is None or http.upstream is None or conversation.relayed is None or conversation.relayed.http is http:
        return None
    name = conversation.relayed.name
    address = http.address or IPv4Address(0)
    asked = Question(Source(http.netns), address, http.upstream.port, name=name.asked if name is not None else "")
    return replace(asked, url=question.url)


def _relay_question(question: Question, second: Conversation) -> Question:
    """The question that the relay asked, read off its first packet."""
    first = second.forward.hops[0]
    source = replace(question.source, netns=first.netns, address=None, device=None)
    return replace(question, source=source, address=first.packet.dst, port=first.packet.dport or question.port)


def rule_at(world: World, ref: Ref) -> tuple[Table, Rule] | None:
    """The table and rule that a pointer of kind rule points at."""
    if ref.kind is not RefKind.RULE:
        return None
    backend, family, name, chain_name, index = ref.key[:5]
    for table in world.netns(ref.netns).firewall.tables:
        if (str(table.backend), table.family, table.name) == (backend, family, name):
            chain = table.chain(str(chain_name))
            if chain is not None and isinstance(index, int) and index < len(chain.rules):
                return table, chain.rules[index]
    return None


def place_of(ref: Ref) -> RulePlace:
    """The place of the rule that a pointer of kind rule points at."""
    backend, family, table, chain, index = ref.key[:5]
    return RulePlace(ref.netns, Backend(str(backend)), str(family), str(table), str(chain), int(index))


def translation_of(failure: Failure) -> Step | None:
    """The rule step that gave the failing packet its destination (DNAT or REDIRECT), if one did."""
    for step in reversed(failure.conversation.forward.steps):
        if step.kind is StepKind.RULE and step.verdict in ("dnat", "redirect"):
            return step
    return None


def is_tcp(failure: Failure) -> bool:
    """Whether the question is about TCP."""
    return failure.question.protocol is Protocol.TCP
