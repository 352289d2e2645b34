"""Findings beside a connection that works: a rule denies the port, and the packet never meets it.

Laws:
1. Counterfactual, as everything in this room: the hooks are run again (`trial`) on the packet as it was before its
   translation, and on the packet as it is without the rules that let it go. What denies it then was meant to.
2. Only a rule that is aimed counts: it names the packet's port, or its source. A policy, a general drop at the end
   of a list and the engines' own rules name neither: a question about one port means that it is to be open. Over all
   open ports of a host that is another question: there `past_default` finds what INPUT denies by default.
3. An admin's exemption is honoured: who is let through by address, device or port before a deny rule was meant to be.
4. Where something is undecided there is no finding.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.explain.evidence.hypothetical_hooks import (
    Trial,
    blanked,
    orphans,
    try_hook,
    try_whole_hook,
    without_engines,
)
from engine.explain.evidence.owners import owner_of
from engine.explain.evidence.rule_scope import aimed, at_port, at_source, exempting
from engine.explain.failure import rule_at
from engine.explain.findings.deny_fix import Opening, closing
from engine.model.address import end_of
from engine.model.packet import Packet
from engine.model.ref import Ref, RefKind
from engine.model.trace import Context, Conversation, Hop, Step, StepKind
from engine.model.verdict import Cause, Question
from engine.path.world import World
from engine.records import dataclass, replace

CODE = "FW_BYPASSED"

#: Where tools that ban say that forwarded packets are to be asked, too.
ELSEWHERE = {
    "fail2ban": "`chain = DOCKER-USER` of the jail's action (nftables: `chain_hook = forward`) bans there",
    "crowdsec": "`DOCKER-USER` among `iptables_chains` of the bouncer's configuration bans there",
}

#: So many rules that let a packet go are doubted, one after the other, before a later one is found.
MOST_DOUBTED = 6


@dataclass(frozen=True, slots=True)
class Bypassed:
    """A rule that would deny the packet, and why it does not."""

    at: Ref
    why: str
    trial: Trial


@dataclass(frozen=True, slots=True)
class Passage:
    """A packet at a hook of a namespace, and as it was before the translation there (None: it was not)."""

    netns: str
    hook: str
    packet: Packet
    context: Context
    original: Step | None


def bypassed(world: World, question: Question, conversation: Conversation) -> tuple[Cause, ...]:
    """Deny rules that were meant for this packet and that it never meets, each with what would keep it out."""
    found: dict[tuple[object, ...], Cause] = {}
    for hop in conversation.forward.hops:
        for passage in _passages(hop):
            for each in _bypassed(world, passage):
                found.setdefault((each.at.netns, *each.at.key), _finding(world, question, passage, each))
    return tuple(found.values())


def past_default(world: World, question: Question, conversation: Conversation) -> Cause | None:
    """What would deny a published port in INPUT, as it does all that is not accepted there, did the packet not go to
    FORWARD after its translation. None where it is not translated, is accepted in INPUT, or let go on purpose."""
    for hop in conversation.forward.hops:
        for passage in _passages(hop):
            found = _past_default(world, passage)
            if found is not None:
                return _finding(world, question, passage, found)
    return None


def _past_default(world: World, passage: Passage) -> Bypassed | None:
    if passage.original is None or passage.hook != "forward":
        return None
    bare = world.derive(without_engines(world.snapshot, passage.netns))
    now = try_hook(bare, passage.netns, "forward", passage.packet, passage.context)
    if any(exempting(conditions) for _, conditions in now.let_go):
        return None
    trial = try_whole_hook(bare, passage.netns, "input", passage.original.packet, _untranslated(passage.original))
    if trial.denied is None:
        return None
    return Bypassed(trial.denied, _not_asked(passage), replace(trial, conditions=()))


def _untranslated(before: Step) -> Context:
    return replace(before.context, oif="", ct_status=before.context.ct_status - {"dnat"})


def _not_asked(passage: Passage) -> str:
    now = end_of(passage.packet.dst, passage.packet.dport)
    return f"it filters packets for {passage.netns} itself; this one is forwarded to {now}"


def _passages(hop: Hop) -> Iterator[Passage]:
    """What a namespace did with a packet that came in from elsewhere."""
    for hook in ("forward", "input"):
        step = next((each for each in hop.steps if each.hook == hook), None)
        if step is not None and step.context.iif not in ("", "lo"):
            yield Passage(hop.netns, hook, step.packet, step.context, _translated(hop))
            return


def _translated(hop: Hop) -> Step | None:
    for step in hop.steps:
        if step.kind is StepKind.NAT and step.after is not None and step.after.dst != step.packet.dst:
            return step
    return None


def _bypassed(world: World, passage: Passage) -> Iterator[Bypassed]:
    bare = world.derive(without_engines(world.snapshot, passage.netns))
    before = passage.original
    if before is not None and passage.hook == "forward":
        trial = try_hook(bare, passage.netns, "input", before.packet, _untranslated(before))
        if trial.denied is not None and aimed(trial.conditions, before.packet):
            yield Bypassed(trial.denied, _not_asked(passage), trial)
    if before is not None:
        why = f"it runs after DNAT, when the destination is {end_of(passage.packet.dst, passage.packet.dport)}"
        yield from _late(bare, replace(passage, packet=before.packet), why)
    yield from _late(bare, passage, "")
    yield from _orphaned(bare, passage)


def _late(world: World, passage: Passage, why: str) -> Iterator[Bypassed]:
    """A rule that denies the packet once those do not let it go that let everybody go."""
    for _ in range(MOST_DOUBTED):
        trial = try_hook(world, passage.netns, passage.hook, passage.packet, passage.context)
        if trial.denied is not None:
            if aimed(trial.conditions, passage.packet):
                yield Bypassed(trial.denied, why or f"a rule before it accepts {passage.packet}", trial)
            return
        general = [ref for ref, conditions in trial.let_go if not exempting(conditions)]
        if not general:
            return
        world = world.derive(blanked(world.snapshot, passage.netns, general))


def _orphaned(world: World, passage: Passage) -> Iterator[Bypassed]:
    """A rule of a chain that nothing leads to."""
    packets = [passage.packet] if passage.original is None else [passage.original.packet, passage.packet]
    for packet in packets:
        for trial in orphans(world, passage.netns, passage.hook, packet, passage.context):
            if trial.denied is not None and aimed(trial.conditions, packet):
                yield Bypassed(trial.denied, f"no rule jumps to chain {trial.denied.key[3]}", trial)


def _purpose(found: Bypassed, denied: Packet, port: str) -> str:
    """What the rule is there for: a source, a port, or both."""
    if at_source(found.trial.conditions):
        return f"block {denied.src} from {port}" if at_port(found.trial.conditions, denied) else f"block {denied.src}"
    return f"close {port}"


def _finding(world: World, question: Question, passage: Passage, found: Bypassed) -> Cause:
    rule = rule_at(world, found.at)
    owner = owner_of(found.at, world.netns(passage.netns).firewall)
    denied = passage.original.packet if passage.original is not None else passage.packet
    port = f"{denied.dport}/{denied.protocol}"
    meant = _purpose(found, denied, port)
    whose = "" if owner == "admin" else f"{owner}'s "
    what = f"the policy of {found.at.words}" if found.at.kind is RefKind.CHAIN else found.at.words
    sentence = f"reachable, although {whose}{what} in {passage.netns} should {meant}: {found.why}"
    evidence = [f"packet at this rule: {passage.packet}"]
    if passage.original is not None:
        evidence.append(f"translated before: {passage.original.packet} to {passage.original.after}")
    if rule is not None and rule[1].packets is not None:
        evidence.append(f"the rule's counter: {rule[1].packets} packets")
    if owner in ELSEWHERE and passage.hook == "forward":
        evidence.append(f"permanent (not checked): {ELSEWHERE[owner]}")
    fixes = closing(Opening(world, question, passage.netns, passage.hook, denied, found.trial.conditions))
    return Cause(CODE, sentence, found.at, owner, tuple(evidence), fixes=fixes)
