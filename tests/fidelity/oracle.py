"""What the model says and what the kernel says, in the same words, so that they can be compared.

Rules: the model's rule steps of a leg (first packet, reply, error) against the kernel's own trace of the packets that
look like that leg. Routes: each routing step against `ip route get` with the packet as it was at that step. Counters:
the legacy rules of all steps against those whose packet counter grew. Every comparison gives a list of disagreements,
each a line that names the place; empty means that they agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.model.address import IPAddress
from engine.model.firewall import Backend
from engine.model.host import Snapshot
from engine.model.packet import ECHO, TCP_ACK, TCP_RST, TCP_SYN, Packet, Protocol
from engine.model.trace import Conversation, Outcome, Step, StepKind, Trace
from engine.prove.evidence_lookup import in_kernel_words
from engine.prove.sources.routes import NOT_ASKED, leaves_only_by, predicted_way
from tests.harness.netns import Netns
from tests.harness.nftrace import Event

FIRST, REPLY, ERROR, TUNNEL = "first packet", "reply", "error", "packets of a tunnel"
#: An error about an answer, which goes to whoever sent that.
NOTICE = "error about the reply"
ERRORS = (NOTICE, ERROR)
LEGS = (FIRST, REPLY, NOTICE, ERROR, TUNNEL)
#: The port of vxlan: the packets of its tunnels, in either direction, are a leg of their own.
VXLAN = 4789
#: Ports of clients are above this one, ports of servers below.
EPHEMERAL = 32768
#: The type of a redirect.
REDIRECT = {Protocol.ICMP: 5, Protocol.ICMPV6: 137}

#: Hooks that a packet meets before it is marked for tracing, or may meet.
OF_DEVICES = ("ingress", "egress")
#: Endings of which a router tells no more often than its limiter allows, which no setting of a namespace turns off
#: (net/ipv4/route.c, ip_error).
LIMITED = frozenset({Outcome.NO_ROUTE, Outcome.ROUTE_UNREACHABLE, Outcome.ROUTE_PROHIBIT})


@dataclass(frozen=True)
class Met:
    """A rule (or with index -1 a policy) that a packet met in a namespace."""

    netns: str
    family: str
    table: str
    chain: str
    index: int
    verdict: str

    def __str__(self) -> str:
        number = "policy" if self.index < 0 else f"#{self.index}"
        return f"{self.netns} {self.family} {self.table}/{self.chain} {number}: {self.verdict}"


def talks(conversation: Conversation) -> Iterator[Conversation]:
    """What was lost before the conversation, itself, and those of the relays behind it."""
    if conversation.lost:
        yield from talks(conversation.lost)
    yield conversation
    if conversation.relayed:
        yield from talks(conversation.relayed)


def legs(conversation: Conversation) -> Iterator[tuple[str, Trace]]:
    """The journeys whose rules can be told apart in the kernel's trace, with the leg that each is, in their order: a
    relay of datagrams asks before it answers, one of connections has accepted by then."""
    if conversation.lost:
        yield from legs(conversation.lost)
    yield FIRST, conversation.forward
    behind = list(legs(conversation.relayed)) if conversation.relayed else []
    datagram = conversation.forward.hops[0].packet.protocol is Protocol.UDP
    yield from behind if datagram else ()
    if conversation.reply:
        yield REPLY, conversation.reply
    if conversation.notice and not _is_reset(
        conversation.notice
    ):  # one bears the client's port, as the end of a client
        yield NOTICE, conversation.notice
    if conversation.error:
        yield REPLY if _is_reset(conversation.error) else ERROR, conversation.error
    yield from () if datagram else behind


def _is_reset(trace: Trace) -> bool:
    return bool(trace.hops[0].packet.tcp_flags & TCP_RST)


def failed_leg(conversation: Conversation) -> str:
    """The ending of the packet that did not get through, in a scenario's words."""
    named = (
        ("", conversation.forward),
        ("reply ", conversation.reply),
        ("confirm ", conversation.confirm),
        ("request ", conversation.request),
        ("answer ", conversation.answer),
    )
    for prefix, trace in named:
        if trace and trace.outcome is not Outcome.DELIVERED:
            return f"{prefix}{trace.outcome}"
    return failed_leg(conversation.relayed) if conversation.relayed else str(Outcome.DELIVERED)


def said_by_model(conversation: Conversation) -> dict[str, list[Met]]:
    """The rules of nftables that the model says were met, by leg."""
    found: dict[str, list[Met]] = {leg: [] for leg in LEGS}
    for leg, trace in legs(conversation):
        for step in trace.steps:
            if step.ref and step.kind in (StepKind.RULE, StepKind.POLICY) and step.hook not in OF_DEVICES:
                backend, family, table, chain, *index = step.ref.key
                if backend != Backend.XT_LEGACY:
                    number = int(index[0]) if index else -1
                    words = (str(family), str(table), str(chain))
                    met = Met(step.ref.netns, *words, number, in_kernel_words(step.verdict))
                    found[TUNNEL if step.packet.dport == VXLAN else leg].append(met)
    return found


def said_by_kernel(
    events: Mapping[str, Iterable[Event]], resets: bool, told: Mapping[str, Collection[IPAddress]]
) -> dict[str, list[Met]]:
    """The rules that the kernel's trace has, by leg. `resets`: an RST is the answer, not the end of a connection.
    `told` are the addresses that errors go to, by leg: others speak of discovery, which was rejected."""
    found: dict[str, list[Met]] = {leg: [] for leg in LEGS}
    for netns, heard in events.items():
        for event in heard:
            leg = leg_of(event.packet, resets)
            if leg == ERROR:
                leg = next((each for each, addresses in told.items() if event.packet.dst in addresses), None)
            if leg:
                met = Met(netns, event.family, event.table, event.chain, event.index, event.verdict)
                found[leg].append(met)
    return found


def leg_of(packet: Packet, resets: bool) -> str | None:
    """Which leg a packet on the wire belongs to; None for the rest of the conversation.

    A redirect tells of a shorter way, not of a failure. A reset from the client's port ends what the client has left.
    """
    if packet.icmp_type == REDIRECT.get(packet.protocol, -1):
        return None
    if packet.protocol in ECHO:
        return {ECHO[packet.protocol][0]: FIRST, ECHO[packet.protocol][1]: REPLY}.get(packet.icmp_type or 0, ERROR)
    if packet.dport == VXLAN:
        return TUNNEL
    if packet.protocol is Protocol.UDP:
        # By where it goes: an answer whose source was translated may come from any port.
        return FIRST if (packet.dport or 0) < EPHEMERAL else REPLY
    opening = packet.tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)
    if opening == TCP_SYN:
        return FIRST
    if opening == TCP_SYN | TCP_ACK:
        return REPLY
    return REPLY if resets and packet.tcp_flags & TCP_RST and (packet.sport or 0) < EPHEMERAL else None


def rule_disagreements(conversation: Conversation, events: Mapping[str, Iterable[Event]]) -> list[str]:
    """Where the kernel's trace is not what the model says, leg by leg and namespace by namespace."""
    model = said_by_model(conversation)
    answers = [talk.error or talk.reply for talk in talks(conversation)]
    resets = any(each and each.hops[0].packet.tcp_flags & TCP_RST for each in answers)
    walked = list(legs(conversation))
    told = {leg: {step.packet.dst for each, trace in walked if each == leg for step in trace.steps} for leg in ERRORS}
    if told[NOTICE] & told[ERROR]:  # both go to one address: they are told apart by nothing
        model[ERROR], told[ERROR] = [*model[NOTICE], *model[ERROR]], told[NOTICE] | told[ERROR]
        model[NOTICE], told[NOTICE] = [], set()
    kernel = said_by_kernel(events, resets, told)
    looping = conversation.forward.outcome is Outcome.LOOP
    ends = {trace.outcome for _, trace in walked}
    unsure = not ends.isdisjoint(LIMITED)
    expected = {leg for leg, _ in walked} | {FIRST, REPLY, TUNNEL}
    wrong = []
    for leg, met in model.items():
        if leg == TUNNEL and not met:
            continue  # what asks for an address goes by the tunnel, too
        if leg not in expected or (leg in ERRORS and not kernel[leg] and unsure):
            continue  # a client that got the error at once does not wait for the message
        for netns in sorted({each.netns for each in (*met, *kernel[leg])}):
            ours = [str(each) for each in met if each.netns == netns]
            theirs = [str(each) for each in kernel[leg] if each.netns == netns]
            if not same(ours, theirs[: len(ours)] if looping else theirs):
                wrong.append(f"rules of the {leg}: the model says {ours}, the kernel {theirs}")
    return wrong


def same(ours: list[str], theirs: list[str]) -> bool:
    """Whether they agree; the kernel may have sent the same packet again where nobody answered in time.

    A packet that is sent again belongs to a flow by then, so that it meets fewer chains (none of type nat).
    """
    again = theirs[len(ours) :]
    return theirs[: len(ours)] == ours and set(again) <= set(ours)


LegacyRule = tuple[str, str, str, str, int]
LEGACY_SAVE = {"ip": "iptables-legacy-save", "ip6": "ip6tables-legacy-save"}


def legacy_counters(netns: str, place: Netns) -> dict[LegacyRule, int]:
    """The packet counter of every rule of iptables-legacy."""
    found: dict[LegacyRule, int] = {}
    table, counts = "", dict[str, int]()
    for family, program in LEGACY_SAVE.items():
        for line in place.run(program, "-c", check=False).splitlines():
            if line.startswith("*"):
                table, counts = line[1:], {}
            elif rule := re.match(r"\[(\d+):\d+\] -A (\S+)", line):
                chain = rule[2]
                found[netns, family, table, chain, counts.setdefault(chain, 0)] = int(rule[1])
                counts[chain] += 1
    return found


def _counting(trace: Trace) -> Iterator[LegacyRule]:
    """The rules of iptables-legacy that a packet met."""
    for step in trace.steps:
        if step.kind is StepKind.RULE and step.ref and step.ref.key[0] == Backend.XT_LEGACY:
            _, family, table, chain, index = step.ref.key
            yield step.ref.netns, str(family), str(table), str(chain), int(index)


def counter_disagreements(
    conversation: Conversation,
    before: Mapping[LegacyRule, int],
    after: Mapping[LegacyRule, int],
    *,
    more: bool = False,
) -> list[str]:
    """Where the legacy rules that counted packets are not those of the model's steps.

    With `more` others may have counted, too: a client that gets an answer from a stranger refuses it with a reset or
    an ICMP error, which is none of the conversation's packets.
    """
    every = list(talks(conversation))
    others = [trace for talk in every for trace in talk.traces if all(trace is not each.notice for each in every)]
    model = {rule for trace in others for rule in _counting(trace)}
    kernel = {rule for rule, count in after.items() if count > before.get(rule, 0)}
    for talk in every:  # whoever answered may be told of it no more
        unsure = talk.reply is not None and talk.reply.outcome in LIMITED
        met = set(_counting(talk.notice)) if talk.notice else set()
        model |= met & kernel if unsure else met
    # Neighbour discovery counts in rules of IPv6, too; those that the question did not meet say nothing.
    kernel = {rule for rule in kernel if rule[1] != "ip6" or rule in model}
    if model == kernel or (more and model <= kernel):
        return []
    return [f"legacy rules: only the model says {sorted(model - kernel)}, only the kernel {sorted(kernel - model)}"]


#: What `ip route get` says for a refusal, by the words of its error (the filter's are those of two kernels).
REFUSED: dict[Outcome, tuple[str, ...]] = {
    Outcome.NO_ROUTE: ("Network is unreachable",),
    Outcome.ROUTE_UNREACHABLE: ("No route to host",),
    Outcome.ROUTE_PROHIBIT: ("Permission denied",),
    Outcome.ROUTE_BLACKHOLE: ("Invalid argument",),
    Outcome.RP_FILTER: ("Invalid cross-device link", "Invalid argument"),
    Outcome.NOT_FORWARDED: ("No route to host",),
    Outcome.MARTIAN: ("Invalid argument",),
}
#: What an unconnected socket sends, and errors, may have no source yet when they are routed.
SOURCELESS = (Protocol.UDP, Protocol.ICMP, Protocol.ICMPV6)


@dataclass(frozen=True)
class RouteQuery:
    """What `ip route get` is asked: a packet's way from where it is. `src` is None where the kernel has to choose."""

    dst: IPAddress
    src: IPAddress | None
    iif: str
    oif: str
    mark: int
    tos: int
    protocol: Protocol
    sport: int | None
    dport: int | None

    @property
    def roots(self) -> bool:
        """Whether rules by user see root, of a packet that comes in, where a query has nobody (ip6_route_input)."""
        return bool(self.iif) and self.dst.version == 6


def route_disagreements(
    conversation: Conversation, snapshot: Snapshot, ask: Callable[[str, RouteQuery], str]
) -> list[str]:
    """Where the kernel's routes lead elsewhere than the model's routing step. Where a multipath hash chooses, any way
    will do that the model has. `ask` puts a query to the kernel of a namespace (`asked_of_kernel`)."""
    wrong = []
    for _, trace in legs(conversation):
        loose = any(each.code == "ASSUME_MULTIPATH" for each in trace.assumptions)
        for hop in trace.hops:
            for step in hop.steps:
                if step.kind is not StepKind.ROUTE or (step is trace.last and trace.outcome not in REFUSED):
                    continue
                if step is trace.last and trace.outcome in NOT_ASKED and step.packet.dst.version == 6:
                    continue
                expected = REFUSED[trace.outcome] if step is trace.last else (predicted_way(step),)
                own = step.packet.src in snapshot.by_id[hop.netns].addresses_by_value
                got = ask(hop.netns, query_of(step, own))
                unbound = step.packet.protocol in SOURCELESS or step.packet.dst.version == 6  # it looks up once
                if got not in expected and own and unbound:
                    got = ask(hop.netns, query_of(step, False))
                if got not in expected and not loose:
                    wrong.append(f"route in {hop.netns} for {step.packet}: the model says {expected}, the kernel {got}")
    return wrong


def query_of(step: Step, own: bool) -> RouteQuery:
    """The query for the packet of a step.

    A packet made in a namespace may bear a source that is not its own (a reset in another's name): the kernel routes
    it by destination, where `ip route get` would refuse the source.
    """
    packet, context = step.packet, step.context
    arrived = context.iif not in ("", "lo")
    told = not packet.src.is_unspecified and (arrived or own)
    return RouteQuery(
        packet.dst,
        packet.src if told else None,
        context.iif if arrived else "",
        leaves_only_by(step),
        context.mark,
        packet.tos or 0,
        packet.protocol,
        packet.sport,
        packet.dport,
    )


def asked_of_kernel(place: Netns, asked: RouteQuery) -> str:
    """What `ip route get` answers, in the same words as `predicted_way`, or its error's."""
    words = ["ip", "route", "get", str(asked.dst)]
    words += ["from", str(asked.src)] if asked.src else []
    words += ["iif", asked.iif] if asked.iif else []
    words += ["oif", asked.oif] if asked.oif else []
    words += ["uid", "0"] if asked.roots else []
    words += ["tos", hex(asked.tos)] if asked.tos else []
    words += ["mark", hex(asked.mark), *ports(asked)]
    said = place.run("sh", "-c", '"$@" 2>&1', "sh", *words, check=False)
    if "Error" in said or "answers" in said:
        return said.strip().rpartition(": ")[2].rstrip(".")
    if said.startswith(("local", "anycast", "broadcast")):
        return "local"
    via, dev = re.search(r" via (\S+)", said), re.search(r" dev (\S+)", said)
    return f"via {via[1]} dev {dev and dev[1]}" if via else f"dev {dev and dev[1]}"


def ports(asked: RouteQuery) -> list[str]:
    """The transport selectors of `ip route get`."""
    if asked.protocol is Protocol.SCTP:  # which the kernel takes for no question (rtm_getroute_parse_ip_proto)
        return []
    protocol = ["ipproto", str(asked.protocol)]
    if asked.protocol not in (Protocol.TCP, Protocol.UDP):
        return protocol
    return [*protocol, "sport", str(asked.sport), "dport", str(asked.dport)]
