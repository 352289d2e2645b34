"""Blockers of connection tracking: a flow that was tracked before decides, a rule keeps packets out of their flow, or
the table has no room for a new one."""

from __future__ import annotations

from engine.change.conntrack import DeleteFlow
from engine.change.new_rules import Selector, insertion
from engine.change.rule import DeleteRule
from engine.change.sysctl import SetSysctl
from engine.explain.blocker import WIDE, Blocker, Remedy
from engine.explain.blockers.firewall import about_this_flow, flow_words
from engine.explain.evidence.owners import owner_of
from engine.explain.evidence.rule_effects import translates
from engine.explain.failure import FailedLeg, Failure, place_of, rule_at
from engine.model.firewall import NoTrack, Rule, SetZone, SynProxy
from engine.model.host import Netns
from engine.model.packet import Packet
from engine.model.ref import Ref, RefKind
from engine.model.trace import StepKind
from engine.model.traffic import ConntrackEntry
from engine.path.lookup.conntrack_snapshot import entry_ref, target_of
from engine.path.lookup.flow import tuple_of
from engine.path.lookup.tcp_state import LOOSE
from engine.path.netfilter.conntrack import MOST


def stale_flow(failure: Failure) -> list[Blocker]:
    """A flow that the first packet belongs to, in each namespace that tracks one: forgotten, the rules are asked."""
    return [
        _stale(netns, entry, step.ref)
        for step in failure.conversation.forward.steps
        if step.kind is StepKind.CONNTRACK and step.ref is not None and step.ref.kind is RefKind.CONNTRACK
        for netns in (failure.world.netns(step.ref.netns),)
        for entry in netns.conntrack
        if entry_ref(netns.id, entry).key == step.ref.key and tuple_of(step.packet) in (entry.original, entry.reply)
    ]


def _stale(netns: Netns, entry: ConntrackEntry, at: Ref) -> Blocker:
    where = f"still translates it to {target_of(entry)}" if "dnat" in entry.status else "passes it untranslated"
    sentence = f"an old conntrack entry in {netns.id} {where} and skips the nat rules: {at.text}"
    forget = Remedy(f"delete conntrack entry {at.words} in {netns.id}", (DeleteFlow(netns.id, entry),))
    return Blocker("CT_STALE_ENTRY", sentence, at, (forget,), "kernel")


def set_apart(failure: Failure) -> list[Blocker]:
    """REPLY_MISMATCH: a rule took a packet or its answer out of tracking, or into a zone that the other is not in.

    An answer that is not found to belong to the translated flow is not translated back (iptables-extensions(8), CT).
    """
    found = []
    for step in (*failure.trace.steps, *failure.conversation.forward.steps):
        rule = rule_at(failure.world, step.ref) if step.kind is StepKind.RULE and step.ref is not None else None
        if rule is None or step.ref is None or not any(isinstance(s, NoTrack | SetZone) for s in rule[1].statements):
            continue
        untracked = any(isinstance(s, NoTrack) for s in rule[1].statements)
        what = "exempts it from connection tracking (NOTRACK)" if untracked else "puts it into another conntrack zone"
        lost = "the reply is not translated back" if failure.backwards else "later packets take another path"
        met = f"{step.ref.words} in {step.ref.netns} matches {step.packet}"
        sentence = f"{met} and {what}, so that {lost}: {rule[1].text}"
        owner = owner_of(step.ref, failure.world.netns(step.ref.netns).firewall)
        evidence = (f"{'reply' if failure.backwards else 'packet'}: {failure.packet}",)
        back = failure.backwards and step in failure.trace.steps
        remedies = ways_past(step.packet, step.ref, rule[1], answer=back)
        found.append(Blocker("RET_RETURN_NOT_UNNATED", sentence, step.ref, remedies, owner, evidence))
    return found


def picked_up(failure: Failure) -> list[Blocker]:
    """REPLY_MISMATCH: a SYNPROXY answered the client, whose third packet tracking picks up as a flow of its own instead
    of calling it invalid, which its rule waits for (iptables-extensions(8), SYNPROXY)."""
    first = failure.conversation.forward.last
    rule = rule_at(failure.world, first.ref) if first.ref is not None and first.kind is StepKind.RULE else None
    if rule is None or first.ref is None or not any(isinstance(s, SynProxy) for s in rule[1].statements):
        return []
    netns = failure.world.netns(first.ref.netns)
    if not netns.sysctl(LOOSE, 1):
        return []
    ref = Ref(RefKind.SYSCTL, netns.id, (LOOSE,), LOOSE, f"{LOOSE} = {netns.sysctl(LOOSE, 1)}")
    sentence = (
        f"SYNPROXY in {first.ref.words} of {netns.id} needs nf_conntrack_tcp_loose=0: with {LOOSE} = 1 "
        "conntrack takes the client's ACK for a new connection, it bypasses SYNPROXY and the server resets it"
    )
    off = Remedy(f"set nf_conntrack_tcp_loose to 0 in {netns.id}", (SetSysctl(netns.id, LOOSE, 0),))
    return [Blocker("CT_PICKS_UP_MIDWAY", sentence, ref, (off,), "admin")]


def untracked(failure: Failure) -> list[Blocker]:
    """NO_LISTENER: a rule took the packet out of tracking, and only what is tracked is translated."""
    hop, netns = failure.trace.hops[-1], failure.netns
    if failure.leg is not FailedLeg.FORWARD or failure.depth or failure.step.context.ct_state != "untracked":
        return []
    chains = (chain for table in netns.firewall.tables for chain in table.chains)
    if not any(translates(statement) for chain in chains for rule in chain.rules for statement in rule.statements):
        return []
    found = []
    for step in hop.steps:
        rule = rule_at(failure.world, step.ref) if step.kind is StepKind.RULE and step.ref is not None else None
        if step.ref is not None and rule is not None and any(isinstance(s, NoTrack) for s in rule[1].statements):
            sentence = (
                f"{step.ref.words} in {netns.id} exempts the packet from connection tracking (NOTRACK), and an "
                f"untracked packet is not translated: {rule[1].text}"
            )
            remedies = ways_past(step.packet, step.ref, rule[1], answer=False)
            found.append(Blocker("NAT_DNAT_SHADOWED", sentence, step.ref, remedies, owner_of(step.ref, netns.firewall)))
    return found


def ways_past(packet: Packet, at: Ref, rule: Rule, *, answer: bool) -> tuple[Remedy, ...]:
    """An exception for the service before the rule, or the rule deleted, which is the first where it is about no other.

    In raw an accept says that this chain has nothing more to do with the packet; all later hooks are asked.
    """
    place = place_of(at)
    selector = (
        Selector(packet.protocol, packet.src, sport=packet.sport)
        if answer
        else Selector(packet.protocol, destination=packet.dst, dport=packet.dport)
    )
    exception = Remedy(f"accept {flow_words(packet, answer=answer)} before {at.words}", (insertion(place, selector),))
    about_others = not about_this_flow(rule)
    deletion = Remedy(f"delete {at.words}", (DeleteRule(place, rule),), cost=WIDE if about_others else 1)
    return (exception, deletion) if about_others else (deletion, exception)


def table_full(failure: Failure) -> list[Blocker]:
    """CONNTRACK_FULL: more flows may be tracked. The limit is the kernel's, set in the namespace of PID 1."""
    ref, netns = failure.step.ref, failure.netns
    if ref is None:
        return []
    most = netns.sysctl(MOST)
    root = next((each for each in failure.home.namespaces if each.path is None or 1 in each.pids), netns)
    sentence = f"in {netns.id}, {failure.step.text}"
    raise_limit = Remedy(f"set nf_conntrack_max to {2 * most}", (SetSysctl(root.id, MOST, 2 * most),))
    return [Blocker("CT_TABLE_FULL", sentence, ref, (raise_limit,), "kernel")]
