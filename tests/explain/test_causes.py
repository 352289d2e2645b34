"""Every diagnosis on a host with just that fault: what is named, whose it is, that the fix works and opens little."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address

import pytest

from engine.change import applied
from engine.change.chain_policy import SetPolicy
from engine.change.listener import Listen
from engine.change.rule import InsertRule, ReplaceRule
from engine.change.sysctl import SetSysctl
from engine.explain import ask
from engine.model.firewall import Match, Nat, NatKind, Rule, RuleVerdict, VerdictKind
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.plan import Change
from engine.model.trace import Outcome, Symptom
from engine.model.verdict import Fix, Question, Reach, Source
from engine.model.verdict import Verdict as Answer
from tests.explain.faults import Fault, first_fixes
from tests.explain.golden import same_as_golden
from tests.explain.table import FAULTS
from tests.fidelity.record import read_host, read_truth

PORTS = {f"{protocol} {end}" for protocol in ("tcp", "udp", "sctp", "th") for end in ("sport", "dport")}
ADDRESSES = {f"{family} {end}" for family in ("ip", "ip6") for end in ("saddr", "daddr")}
#: Words that would take away more than one rule, or let through everything.
WIDE = {"-F", "--flush", "flush", "-P", "--policy", "policy", "-X", "--delete-chain", "ruleset"}

with_a_fix = [fault for fault in FAULTS if fault.mended]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_first_cause_is_the_fault(fault: Fault) -> None:
    verdict = fault.verdict()
    first = verdict.causes[0]
    assert (first.code, first.at.name, first.owner) == (fault.code, fault.at, fault.owner), first.sentence
    ends = {trace.outcome for trace in (verdict.conversation.forward, verdict.conversation.reply) if trace}
    undecided = ends & {Outcome.LEAVES_VIEW, Outcome.UNKNOWN}
    assert verdict.reach is (Reach.DEPENDS if undecided else Reach.NO)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_cause_has_a_fix_where_this_host_can_mend_it(fault: Fault) -> None:
    assert bool(fault.verdict().causes[0].change) is fault.mended


@pytest.mark.parametrize("fault", with_a_fix, ids=str)
def test_the_first_fixes_of_all_causes_together_connect(fault: Fault) -> None:
    verdict = fault.verdict()
    mended = ask(applied(fault.snapshot, first_fixes(verdict)), fault.question)
    assert mended.symptom is Symptom.CONNECTED
    fixed = [cause for cause in verdict.causes if cause.fixes]
    assert fixed[-1].fixes[0].then is Symptom.CONNECTED
    assert all(fix.verified == "model" for cause in fixed for fix in cause.fixes)


@pytest.mark.parametrize("fault", with_a_fix, ids=str)
def test_every_fix_has_commands_unless_only_a_programs_owner_can_make_it(fault: Fault) -> None:
    for cause in fault.verdict().causes:
        for fix in cause.fixes:
            by_hand = fix.ask is not None or all(isinstance(change, Listen) for change in fix.plan.changes)
            assert bool(fix.commands) is not by_hand, fix.title


@cache
def answers() -> tuple[tuple[str, Snapshot, Answer], ...]:
    """The answers of this file, and one for every recorded host that fails somewhere."""
    found = [(fault.name, fault.snapshot, fault.verdict()) for fault in FAULTS]
    for name, rows in read_truth().items():
        row = next((row for row in rows if row.symptom != "connected"), None)
        if row is not None:
            snapshot = read_host(name)
            question = Question(Source(row.source), ip_address(row.address), row.port, Protocol(row.protocol))
            found.append((name, snapshot, ask(snapshot, question)))
    return tuple(found)


def all_fixes() -> Iterator[tuple[str, Snapshot, Fix]]:
    for name, snapshot, verdict in answers():
        for cause in verdict.causes:
            for fix in cause.fixes:
                yield name, snapshot, fix


def all_changes() -> Iterator[tuple[str, Snapshot, Change]]:
    for name, snapshot, fix in all_fixes():
        for change in fix.plan.changes:
            yield name, snapshot, change


def fields_of(rule: Rule) -> set[str]:
    matches = [s for s in rule.statements if isinstance(s, Match) and not s.negate]
    return {field.name for match in matches for field in match.fields}


def test_no_fix_lets_through_more_than_a_service_or_answers_or_a_host_s_own() -> None:
    """A protocol, a port and an address; or what is nobody else's."""
    for name, _snapshot, change in all_changes():
        if not isinstance(change, InsertRule):
            continue
        fields, target = fields_of(change.rule), change.rule.statements[-1]
        about = f"{name}: {change.rule.text}"
        if isinstance(target, Nat) and target.kind is NatKind.MASQUERADE:
            assert fields & ADDRESSES, about
            continue
        if fields == {"ether type"}:  # no packets of IP
            assert name == "ARP dropped by a bridge", about
            continue
        if fields in ({"ct state"}, {"meta iifname"}):  # answers, and what a host sends itself
            said = change.rule.text.lower()
            assert "related,established" in said or "-i lo " in said or "iifname lo " in said, about
            continue
        assert "meta l4proto" in fields, about
        if name == "neighbour discovery dropped":  # questions to everybody on the link, which have no port
            assert fields == {"meta l4proto", "icmpv6 type"}, about
            continue
        assert fields & PORTS, about
        if isinstance(target, Nat):
            assert target.value.low is not None, about
        else:
            assert isinstance(target, RuleVerdict), about
            assert target.kind in (VerdictKind.ACCEPT, VerdictKind.RETURN), about
            assert fields & ADDRESSES, about


def test_a_fix_changes_the_policy_of_a_chain_without_rules_only() -> None:
    for name, snapshot, change in all_changes():
        if isinstance(change, SetPolicy):
            place = change.place
            table = snapshot.by_id[place.netns].firewall.table(place.backend, place.family, place.table)
            chain = table.chain(place.chain) if table is not None else None
            assert chain is not None, name
            assert not chain.rules, (name, change)


def test_no_fix_flushes_or_closes_anything() -> None:
    for name, _snapshot, fix in all_fixes():
        opened = any(isinstance(each, SetPolicy) and each.policy is VerdictKind.ACCEPT for each in fix.plan.changes)
        for argv in fix.commands if not opened else ():
            firewall = any("tables" in word or word == "nft" for word in argv)
            assert not (firewall and set(argv) & WIDE), (name, argv)


def test_a_fix_changes_only_what_it_says() -> None:
    """A changed rule keeps its place, a setting is one that was there before."""
    for name, snapshot, change in all_changes():
        if isinstance(change, ReplaceRule):
            assert change.rule.index == change.place.index, name
        if isinstance(change, SetSysctl):
            assert change.name in snapshot.by_id[change.netns].sysctls, (name, change)


def test_no_answer_to_a_question_that_fails_is_without_a_cause() -> None:
    assert all(fault.verdict().causes for fault in FAULTS)


def test_what_the_main_causes_say() -> None:
    told = []
    for fault in FAULTS:
        cause = fault.verdict().causes[0]
        told += [f"# {fault}", f"{cause.code}: {cause.sentence}"]
        told += [f"  evidence: {text}" for text in cause.evidence]
        told += [f"  near: {miss.text} ({miss.because})" for miss in cause.near_misses]
        told += [f"  fix: {fix.title}" for fix in cause.fixes]
        told.append("")
    same_as_golden("causes.txt", "\n".join(told))
