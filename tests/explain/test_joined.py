"""What stops the packet and its answer is one cause, whose fix lets both pass; what is between them stays."""

from __future__ import annotations

import pytest

from engine.change import applied
from engine.explain import ask
from engine.explain.question import resolve
from engine.model.firewall import Backend, BaseChain, Chain, Rule, RuleVerdict, Table, VerdictKind
from engine.model.trace import Symptom
from tests.explain.faults import first_fixes, line
from tests.explain.test_search import CLOSED, DROP, NO_WAY_BACK, Break, asked
from tests.hosts.stock import docker_world
from tests.path.endings import filtered

POLICY: Break = lambda w: filtered(w["router"], "FORWARD", policy="DROP")  # noqa: E731
RULE: Break = lambda w: filtered(w["router"], "FORWARD", "-p tcp -m tcp -j DROP")  # noqa: E731


@pytest.mark.parametrize(
    ("breaks", "codes"),
    [
        ((POLICY,), ["FW_POLICY_DROP"]),
        ((RULE,), ["FW_RULE_DROP"]),
        ((RULE, CLOSED), ["FW_RULE_DROP", "DST_NO_LISTENER"]),
        ((POLICY, NO_WAY_BACK), ["FW_POLICY_DROP", "RET_ROUTE_BLACKHOLE"]),
        ((POLICY, CLOSED, NO_WAY_BACK), ["FW_POLICY_DROP", "DST_NO_LISTENER", "RET_ROUTE_BLACKHOLE"]),
    ],
)
def test_a_rule_that_is_met_both_ways_is_one_cause(breaks: tuple[Break, ...], codes: list[str]) -> None:
    snapshot = line(lambda world: [change(world) for change in breaks])
    question, verdict = asked(snapshot)
    assert [cause.code for cause in verdict.causes] == codes
    assert ask(applied(snapshot, first_fixes(verdict)), question).symptom is Symptom.CONNECTED
    assert "past that it stops 10.2.0.2:80 → 10.1.0.2:50123/tcp" in verdict.causes[0].evidence
    then = [cause.fixes[0].then for cause in verdict.causes]
    assert (then[-1], Symptom.CONNECTED in then[:-1]) == (Symptom.CONNECTED, False)


def test_its_fix_is_one_plan_for_both_directions_and_the_whole_rule_may_go_instead() -> None:
    snapshot = line(RULE)
    question, verdict = asked(snapshot)
    both, deletion = verdict.causes[0].fixes
    assert [len(fix.commands) for fix in (both, deletion)] == [2, 1]
    assert ask(applied(snapshot, deletion.plan.changes), question).symptom is Symptom.CONNECTED
    assert both.title.count("rule 1 of filter/FORWARD") == 2


def test_two_rules_are_two_causes() -> None:
    back = "-s 10.2.0.2/32 -p tcp -m tcp --sport 80 -j DROP"
    text = f"*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD {DROP}\n-A FORWARD {back}\nCOMMIT\n"
    _, verdict = asked(line(lambda world: world["router"].iptables(text)))
    assert [cause.at.name for cause in verdict.causes] == ["filter/FORWARD 1", "filter/FORWARD 2"]


def test_exceptions_stay_apart_where_another_remedy_between_them_moves_the_chain() -> None:
    text = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -s 10.2.0.2/32 -p tcp -m tcp --sport 80 -j DROP\nCOMMIT\n"
    snapshot = line(lambda world: world["router"].iptables(text))
    question, verdict = asked(snapshot)
    assert [cause.code for cause in verdict.causes][:2] == ["FW_POLICY_DROP", "FW_RULE_DROP"]
    assert ask(applied(snapshot, first_fixes(verdict)), question).symptom is Symptom.CONNECTED


def test_the_second_exception_of_a_native_table_stands_before_the_rule_too() -> None:
    rule = Rule(0, (RuleVerdict(VerdictKind.DROP),), "drop", handle=7)
    chain = Chain("c", (rule,), BaseChain("filter", "forward", -10))
    snapshot = line(lambda world: world["router"].table(Table(Backend.NFT, "ip", "fw", (chain,))))
    _, verdict = asked(snapshot)
    (exceptions,) = verdict.causes[0].fixes
    first, second = (" ".join(argv) for argv in exceptions.commands)
    assert "nft insert rule ip fw c ip daddr" in first
    assert "nft insert rule ip fw c handle 7 ip saddr" in second


def test_a_network_that_has_the_addresses_of_both_ends_is_one_cause_with_a_route_for_each() -> None:
    """The uplink's second network has the addresses of db, which asks, and of web, which answers."""
    world = docker_world()
    world["host"].address("up0", "172.17.0.77/24")
    snapshot = world.snapshot()
    question = resolve(snapshot, "10.77.0.1:8080", "db")
    (cause,) = ask(snapshot, question).causes
    (fix,) = cause.fixes
    assert cause.code == "SRC_SUBNET_OVERLAP"
    assert [argv[argv.index("add") + 1] for argv in fix.commands] == ["172.17.0.3/32", "172.17.0.2/32"]
    assert ask(applied(snapshot, fix.plan.changes), question).symptom is Symptom.CONNECTED
