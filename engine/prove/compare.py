"""Side by side: the predicted steps and what was seen of each, and whether both agree. Pure.

A row for each predicted step (`looks` knows who can tell of it), then one for each rule that the kernel tells of and
nobody predicted. They disagree when the symptom is another one, or when a step is contradicted. A symptom that says
less than it seems to (a program that does not know our words) is no contradiction: `tolerated` has these.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.firewall import Rule
from engine.model.host import Netns, Snapshot
from engine.model.packet import Protocol
from engine.model.proof import Agreement, Attempt, Leg, Proof, ProofRow, RuleSeen
from engine.model.ref import Ref, RefKind, rule_name
from engine.model.trace import Step, StepKind, Symptom, Trace
from engine.model.verdict import Verdict
from engine.prove.evidence import Evidence, last_place
from engine.prove.evidence_lookup import LOOK, NO, UNSEEN, YES, At, Case, Seen
from engine.prove.packets.packet_matching import ObservedTalk, traces
from engine.prove.predicted import conversation_for, conversations
from engine.records import replace

#: A place in a firewall: family, table, chain.
Place = tuple[str, str, str]
Told = set[tuple[Leg, str, Place, int | None]]
#: The assumption that the order of legacy and nft chains of equal priority is one of two.
HOOK_ORDER = "ASSUME_HOOK_ORDER"
#: What decides an answer of HTTP that is not known.
INFO_DEPENDS = "INFO_DEPENDS"
#: Legs that are compared rule by rule even where none was predicted.
ALWAYS = frozenset({Leg.FORWARD, Leg.REPLY})


def proof_of(
    snapshot: Snapshot, verdict: Verdict, attempt: Attempt | None, evidence: Evidence, talk: ObservedTalk
) -> Proof:
    """The proof."""
    case = Case(snapshot, verdict, attempt, evidence, talk)
    rows = (*evidence.names, *rows_of(case), *_of_http(case))
    return Proof(
        predicted=verdict.symptom,
        attempt=attempt,
        agrees=_overall(case, rows),
        rows=rows,
        last=last_place(case.seen),
        sightings=case.seen,
        rules=tuple(rule for _, rule in case.met),
        flows=case.flows,
        growths=(*evidence.growths, *(each for each in evidence.rule_growths if each.by)),
        drops=evidence.drops,
        gaps=tuple(dict.fromkeys(evidence.gaps)),
    )


def rows_of(case: Case) -> Iterator[ProofRow]:
    """All predicted steps, then what was seen and not predicted."""
    symptom = case.attempt.symptom if case.attempt else case.verdict.symptom
    told: Told = set()
    legs = set(ALWAYS)
    guessed: set[str] = set()
    for leg, trace in traces(conversation_for(case.verdict, symptom)):
        legs.add(leg)
        guessed |= {hop.netns for hop in trace.hops if order_unknown(trace, hop.netns)}
        for hop in trace.hops:
            for step in hop.steps:
                at = At(case, leg, case.snapshot.by_id[hop.netns], trace, step)
                words, agree, source = _look(at)
                yield ProofRow(leg, hop.netns, said(step), words, agree, source, step.ref)
                if step.kind in (StepKind.RULE, StepKind.POLICY) and step.ref:
                    told.add((leg, hop.netns, _place(step.ref), step.handle))
    for row in _unpredicted(case, told, legs):
        yield replace(row, agree=UNSEEN) if row.netns in guessed else row


def _of_http(case: Case) -> Iterator[ProofRow]:
    """The status that the client got, beside the one that is predicted."""
    predicted, made = case.verdict.conversation.http, case.attempt
    if predicted is None or made is None or not made.status:
        return
    known = predicted.reason != INFO_DEPENDS
    words = f"{predicted.by} answers {predicted.status}" if known else f"the answer of {predicted.by} is not known"
    same = YES if predicted.status == made.status else NO
    yield ProofRow(Leg.REPLY, predicted.netns, words, made.answer, same if known else UNSEEN, "HTTP", predicted.at)


def _look(at: At) -> Seen:
    look = LOOK.get(at.step.kind)
    words, agree, source = (look(at) if look else None) or ("", UNSEEN, "")
    if agree is NO and at.leg is Leg.REPLY and tolerated(at.case):
        return "no answer to see", UNSEEN, source
    if agree is NO and source == "rule trace" and order_unknown(at.trace, at.netns.id):
        return words, UNSEEN, source
    return words, agree, source


def order_unknown(trace: Trace, netns: str) -> bool:
    """Whether the prediction took one of two orders of chains in a namespace, which cannot be seen from outside."""
    about = (each.ref for each in trace.assumptions if each.code == HOOK_ORDER)
    return any(ref is None or ref.netns == netns for ref in about)


def said(step: Step) -> str:
    """A step in one line, with the rule's place and verdict."""
    if step.kind is StepKind.RULE and step.ref:
        return f"{step.ref.name}: {step.verdict}"
    return step.text


def _place(ref: Ref) -> Place:
    """Family, table and chain of a pointer to a rule or chain."""
    return str(ref.key[1]), str(ref.key[2]), str(ref.key[3])


def _unpredicted(case: Case, told: Told, legs: set[Leg]) -> Iterator[ProofRow]:
    """Rules that the kernel's trace has and the prediction has not; a policy that accepts decides nothing."""
    for leg, rule in dict.fromkeys(case.met):
        place = rule.family, rule.table, rule.chain
        quiet = rule.handle is None and rule.verdict == "accept"
        if leg not in legs or quiet or (leg, rule.netns, place, rule.handle) in told:
            continue
        told.add((leg, rule.netns, place, rule.handle))
        ref = rule_ref(case.snapshot.by_id[rule.netns], rule)
        agree = NO if rule.verdict == "drop" or not repeated(case, leg) else UNSEEN
        yield ProofRow(leg, rule.netns, "", f"{ref.name}: {rule.verdict}", agree, "rule trace", ref)


def repeated(case: Case, leg: Leg) -> bool:
    """Whether a packet was sent more than once: what is sent again belongs to a known flow, and meets other rules."""
    seen = [(each.netns, each.device, each.direction) for each in case.seen if each.leg is leg]
    return len(seen) != len(set(seen))


def rule_ref(netns: Netns, seen: RuleSeen) -> Ref:
    """A pointer to the rule (or to the chain whose policy it was) that the kernel told of, as the snapshot has it."""
    for table in netns.firewall.tables:
        chain = table.chain(seen.chain) if (table.family, table.name) == (seen.family, seen.table) else None
        key = str(table.backend), table.family, table.name, seen.chain
        for rule in chain.rules if chain else ():
            if rule.handle is not None and rule.handle == seen.handle:
                return _of_rule(netns, key, rule)
        if chain is not None and seen.handle is None:
            return Ref(RefKind.CHAIN, netns.id, key, f"{table.name}/{seen.chain}", f"chain {seen.chain}")
    name = f"{seen.table}/{seen.chain}"
    return Ref(RefKind.CHAIN, netns.id, ("nft", seen.family, seen.table, seen.chain), name, f"handle {seen.handle}")


def _of_rule(netns: Netns, key: tuple[str, ...], rule: Rule) -> Ref:
    return Ref(
        RefKind.RULE, netns.id, (*key, rule.index), rule_name(f"{key[2]}/{key[3]}", rule.index, rule.handle), rule.text
    )


def _overall(case: Case, rows: tuple[ProofRow, ...]) -> Agreement:
    if case.attempt is not None and case.attempt.symptom not in {each.symptom for each in conversations(case.verdict)}:
        return UNSEEN if tolerated(case) else NO
    return NO if any(row.agree is NO for row in rows) else YES


def tolerated(case: Case) -> bool:
    """Whether the attempt got where it was predicted to get, and only nobody answered words that nobody may know."""
    made, predicted = case.attempt, case.verdict.conversation
    if made is None or not made.doubt or predicted.symptom is not Symptom.CONNECTED:
        return False
    if case.talk.protocol is Protocol.TCP:
        return made.symptom is Symptom.ACCEPTED_THEN_SILENT
    arrived = bool(case.on(Leg.FORWARD, predicted.forward.hops[-1].netns))
    answered = any(each.leg in (Leg.REPLY, Leg.ERROR) for each in case.seen)
    return made.symptom is Symptom.TIMEOUT and arrived and not answered
