"""Who can tell of a step: for each kind of step the evidence that speaks of it. Pure.

`LOOK` is the table. Each look gives what was seen in words, whether it agrees, and by which evidence; None where
nothing speaks of the step. A packet that should have been seen and was not speaks against the prediction; evidence
that was not to be had says nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from engine.model.firewall import Backend
from engine.model.host import Netns, Snapshot
from engine.model.packet import TCP_RST, Packet
from engine.model.proof import Agreement, Attempt, FlowSeen, Leg, RuleSeen, Sighting
from engine.model.ref import Ref, RefKind
from engine.model.trace import Outcome, Step, StepKind, Symptom, Trace
from engine.model.verdict import Verdict
from engine.prove.evidence import Evidence, sightings
from engine.prove.packets.headers import is_error
from engine.prove.packets.packet_matching import ObservedTalk, leg_of
from engine.prove.predicted import neighbour_of
from engine.prove.sources.nftrace_rules import PREFIX
from engine.prove.sources.routes import NOT_ASKED, REFUSED, predicted_way
from engine.records import dataclass

YES, NO, UNSEEN = Agreement.YES, Agreement.NO, Agreement.UNSEEN

#: What a rule's verdict is, in the kernel's words, by how the model's words for its last statement begin.
VERDICTS = (
    ("reject", "drop"), ("dnat", "accept"), ("snat", "accept"), ("masquerade", "accept"), ("redirect", "accept"),
    ("netmap", "accept"), ("mark set", "continue"), ("ct mark set", "continue"), ("ttl set", "continue"),
    ("mss set", "continue"), ("tos set", "continue"), ("ct label set", "continue"), ("options", "continue"),
    ("notrack", "continue"), ("zone", "continue"), ("queue", "queue"),
    ("tproxy: no socket", "drop"), ("tproxy", "accept"), ("synproxy: no", "drop"), ("synproxy", "stolen"),
)  # fmt: skip

#: What speaks of a step: words, agreement, the evidence's name.
Seen = tuple[str, Agreement, str]


def in_kernel_words(verdict: str) -> str:
    """The verdict that a rule leaves with: that of its last statement."""
    last = verdict.rpartition(", ")[2]
    return next((kernel for start, kernel in VERDICTS if last.startswith(start)), last)


@dataclass(frozen=True)
class Case:
    """A prediction, an attempt and its evidence, indexed for looking up."""

    snapshot: Snapshot
    verdict: Verdict
    attempt: Attempt | None
    evidence: Evidence
    talk: ObservedTalk

    @cached_property
    def seen(self) -> tuple[Sighting, ...]:
        """The conversation's packets."""
        return sightings(self.evidence.captured, self.talk)

    @cached_property
    def met(self) -> tuple[tuple[Leg, RuleSeen], ...]:
        """The rules that the kernel's trace tells of, by leg. What an error quotes is not in a trace: any is ours."""
        legs = (
            Leg.ERROR if is_error(rule.packet) else leg_of(rule.packet, None, self.talk) for rule in self.evidence.rules
        )
        return tuple((leg, rule) for leg, rule in zip(legs, self.evidence.rules, strict=True) if leg)

    @cached_property
    def flows(self) -> tuple[FlowSeen, ...]:
        """What connection tracking told of the client's flow."""
        return tuple(each for each in self.evidence.flows if each.entry.original.sport == self.talk.port)

    def on(self, leg: Leg, netns: str, device: str = "") -> list[Sighting]:
        """Where a leg's packet was seen in a namespace (on a device)."""
        return [each for each in self.seen if (each.leg, each.netns) == (leg, netns) and device in ("", each.device)]


@dataclass(frozen=True)
class At:
    """A step in its place: `final` where the journey ended there without getting through."""

    case: Case
    leg: Leg
    netns: Netns
    trace: Trace
    step: Step

    @property
    def final(self) -> bool:
        """Whether the journey ended here without getting through."""
        return self.step is self.trace.last and self.trace.outcome is not Outcome.DELIVERED


def by_capture(at: At) -> Seen | None:
    """A device: whether the packet was seen on it."""
    if at.step.ref is None or at.step.ref.kind is not RefKind.LINK or at.netns.id not in at.case.evidence.captured_in:
        return None
    found = at.case.on(at.leg, at.netns.id, at.step.ref.name)
    if found:
        return f"{found[0].packet} {found[0].direction} on {found[0].device}", YES, "capture"
    if at.trace.outcome in (Outcome.LEAVES_VIEW, Outcome.UNKNOWN) and at.step is at.trace.last:
        return None
    return f"not seen on {at.step.ref.name}", YES if at.final else NO, "capture"


def by_trace(at: At) -> Seen | None:
    """A rule or policy: whether the kernel told of it; else whether its counter moved."""
    ref = at.step.ref
    if ref is None or ref.kind not in (RefKind.RULE, RefKind.CHAIN) or str(ref.key[2]).startswith(PREFIX):
        return None  # a table of another proof that runs now comes and goes
    if ref.key[0] == Backend.XT_LEGACY or at.netns.id not in at.case.evidence.traced or ref.key[1] == "netdev":
        return by_counter(at)
    place = (at.leg, at.netns.id, str(ref.key[1]), str(ref.key[2]), str(ref.key[3]), at.step.handle)
    verdicts = [
        rule.verdict
        for leg, rule in at.case.met
        if (leg, rule.netns, rule.family, rule.table, rule.chain, rule.handle) == place
    ]
    if not verdicts:
        return "not met", NO, "rule trace"
    agree = YES if verdicts[0] == in_kernel_words(at.step.verdict) else NO
    return verdicts[0], agree, "rule trace"


def by_counter(at: At) -> Seen | None:
    """A rule: whether its packet counter moved."""
    growth = next((each for each in at.case.evidence.rule_growths if _same_rule(each.ref, at.step.ref)), None)
    if growth is None or growth.netns != at.netns.id:
        return None
    if growth.by:
        return f"counted {growth.by} more", YES, "rule counter"
    return "its counter stands still", NO, "rule counter"


def _same_rule(one: Ref | None, other: Ref | None) -> bool:
    return one is not None and other is not None and (one.netns, one.key) == (other.netns, other.key)


def by_route(at: At) -> Seen | None:
    """A routing decision: what the kernel answers for the same packet."""
    way = next((way for step, netns, way in at.case.evidence.ways if step == at.step and netns == at.netns.id), None)
    if way is None:
        return None
    words, refusal = way
    ended = at.step is at.trace.last
    outcome = at.trace.outcome
    if ended and (outcome not in REFUSED or (outcome in NOT_ASKED and at.step.packet.dst.version == 6)):
        return None
    agree = refusal in REFUSED[outcome] if ended else not refusal and words == predicted_way(at.step)
    loose = any(each.code == "ASSUME_MULTIPATH" for each in at.trace.assumptions)
    return words, YES if agree else UNSEEN if loose else NO, "route get"


def by_translation(at: At) -> Seen | None:
    """A translation: whether the packet was seen as it is afterwards, else what connection tracking holds."""
    after = at.step.after
    if after is None:
        return None
    ends = _ends(after)
    found = next((each for each in at.case.seen if each.leg is at.leg and _ends(each.packet) == ends), None)
    if found:
        return f"{found.packet} on {found.device} in {found.netns}", YES, "capture"
    flow = _flow(at)
    if flow is None or at.leg is not Leg.FORWARD:
        return None
    reply = flow.entry.reply
    agree = (after.dst, after.dport) == (reply.src, reply.sport) or after.src == reply.dst
    return f"replies are awaited from {reply.src}:{reply.sport} to {reply.dst}", YES if agree else NO, "conntrack event"


def _ends(packet: Packet) -> tuple[object, ...]:
    """Both ends, without the client's port: the model's client has another one."""
    low = min(port for port in (packet.sport, packet.dport, 65536) if port is not None)
    return packet.src, packet.dst, low


def _flow(at: At) -> FlowSeen | None:
    return next((each for each in at.case.flows if each.netns == at.netns.id), None)


def by_neighbours(at: At) -> Seen | None:
    """A resolved address: what the neighbour table holds afterwards."""
    address = neighbour_of(at.step)
    if address is None or at.step.ref is None:
        return None
    table = at.case.evidence.neighbours.get(at.netns.id, ())
    link = at.step.ref.key[0]
    entry = next((each for each in table if (each.address, each.link, each.proxy) == (address, link, False)), None)
    if entry is None:
        return None
    unresolved = entry.mac is None
    words = f"{address} is {entry.state}" if unresolved else f"{address} is at {entry.mac} ({entry.state})"
    if unresolved == at.final:
        return words, YES, "neighbour table"
    return words, NO, "neighbour table"


def by_answer(at: At) -> Seen | None:
    """A socket: whether it answered, told by what left its namespace, or by the client's own ears."""
    made = at.case.attempt
    if at.leg is Leg.ERROR:
        return None  # that the client hears it is told by its device; a UDP socket may keep an error to itself
    if at.leg is Leg.REPLY:
        if made is None or at.final:
            return None
        heard = made.symptom is not Symptom.TIMEOUT
        return ("the client got it" if heard else "the client got no answer"), YES if heard else NO, "attempt"
    if at.leg not in (Leg.FORWARD, Leg.RELAYED) or at.netns.id not in at.case.evidence.captured_in:
        return None
    back = Leg.REPLY if at.leg is Leg.FORWARD else Leg.RELAYED_REPLY
    answers = [each for each in at.case.on(back, at.netns.id) if each.direction == "out"]
    if any(not each.packet.tcp_flags & TCP_RST for each in answers):
        return "it answers", NO if at.final else YES, "capture"
    errors = [each for each in at.case.on(Leg.ERROR, at.netns.id) if each.direction == "out"]
    if answers or any(each.quoted and at.case.talk.ours(each.quoted) for each in errors):
        return "the namespace refuses", YES if at.final else NO, "capture"
    return None


def by_tracking(at: At) -> Seen | None:
    """A flow that is tracked: whether the kernel told of it."""
    flow = _flow(at)
    return (f"{flow.event} flow", UNSEEN, "conntrack event") if flow else None


LOOK: dict[StepKind, Callable[[At], Seen | None]] = {
    StepKind.LINK: by_capture,
    StepKind.BRIDGE: by_capture,
    StepKind.RULE: by_trace,
    StepKind.POLICY: by_trace,
    StepKind.ROUTE: by_route,
    StepKind.NAT: by_translation,
    StepKind.NEIGHBOUR: by_neighbours,
    StepKind.SOCKET: by_answer,
    StepKind.CONNTRACK: by_tracking,
}
