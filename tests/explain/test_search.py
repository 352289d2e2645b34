"""Several faults at once: each is named in the order in which the packet meets it, and all fixes together connect."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.change import applied
from engine.explain import ask
from engine.explain.failure import failure_of
from engine.explain.question import resolve
from engine.explain.search.search import MOST_WALKS, Search
from engine.model.host import Snapshot
from engine.model.trace import Symptom
from engine.model.verdict import Question, Verdict
from engine.path.choices import Choices
from engine.path.exchange.conversation import converse
from engine.path.world import World as Walked
from tests.explain.faults import card_down, first_fixes, line, serving
from tests.hosts.build import World
from tests.hosts.stock import one_bridge
from tests.path.endings import filtered

Break = Callable[[World], object]
DROP = "-d 10.2.0.2/32 -p tcp -m tcp --dport 80 -j DROP"

FORWARDING: Break = lambda w: w["router"].sysctl("net.ipv4.ip_forward", 0)  # noqa: E731
ROUTER_RULE: Break = lambda w: filtered(w["router"], "FORWARD", DROP)  # noqa: E731
SERVER_RULE: Break = lambda w: filtered(w["server"], "INPUT", DROP)  # noqa: E731
NO_WAY: Break = lambda w: w["client"].routes.clear()  # noqa: E731
NO_WAY_BACK: Break = lambda w: w["server"].route("blackhole 10.1.0.0/24")  # noqa: E731
CLOSED: Break = serving()

TWO = [
    ((FORWARDING, ROUTER_RULE), ["HOST_IP_FORWARD_OFF", "FW_RULE_DROP"]),
    ((ROUTER_RULE, SERVER_RULE), ["FW_RULE_DROP", "FW_RULE_DROP"]),
    ((NO_WAY, ROUTER_RULE), ["SRC_NO_ROUTE", "FW_RULE_DROP"]),
    ((SERVER_RULE, NO_WAY_BACK), ["FW_RULE_DROP", "RET_ROUTE_BLACKHOLE"]),
    ((ROUTER_RULE, CLOSED), ["FW_RULE_DROP", "DST_NO_LISTENER"]),
]
THREE = [
    ((NO_WAY, ROUTER_RULE, CLOSED), ["SRC_NO_ROUTE", "FW_RULE_DROP", "DST_NO_LISTENER"]),
    ((FORWARDING, SERVER_RULE, NO_WAY_BACK), ["HOST_IP_FORWARD_OFF", "FW_RULE_DROP", "RET_ROUTE_BLACKHOLE"]),
]


def broken(breaks: tuple[Break, ...]) -> Snapshot:
    return line(lambda world: [change(world) for change in breaks])


def asked(snapshot: Snapshot, target: str = "10.2.0.2:80") -> tuple[Question, Verdict]:
    question = resolve(snapshot, target)
    return question, ask(snapshot, question)


@pytest.mark.parametrize(("breaks", "codes"), [*TWO, *THREE])
def test_each_fault_is_named_where_the_packet_meets_it(breaks: tuple[Break, ...], codes: list[str]) -> None:
    snapshot = broken(breaks)
    question, verdict = asked(snapshot)
    assert [cause.code for cause in verdict.causes] == codes
    assert all(cause.fixes for cause in verdict.causes)
    assert [cause.fixes[0].then is Symptom.CONNECTED for cause in verdict.causes] == [False] * (len(codes) - 1) + [True]
    assert ask(applied(snapshot, first_fixes(verdict)), question).symptom is Symptom.CONNECTED


@pytest.mark.parametrize(("breaks", "codes"), TWO)
def test_a_part_of_the_fixes_is_not_enough(breaks: tuple[Break, ...], codes: list[str]) -> None:
    snapshot = broken(breaks)
    question, verdict = asked(snapshot)
    for cause in verdict.causes:
        assert ask(applied(snapshot, cause.fixes[0].plan.changes), question).symptom is not Symptom.CONNECTED


def test_one_fault_is_one_cause() -> None:
    _, verdict = asked(broken((SERVER_RULE,)))
    assert len(verdict.causes) == 1


def test_two_rules_in_a_row_are_two_causes() -> None:
    rules = f"-A FORWARD {DROP}\n-A FORWARD -s 10.1.0.2/32 -p tcp -m tcp --dport 80 -j DROP\n"
    text = f"*filter\n:FORWARD ACCEPT [0:0]\n{rules}COMMIT\n"
    snapshot = line(lambda world: world["router"].iptables(text))
    question, verdict = asked(snapshot)
    assert ask(applied(snapshot, first_fixes(verdict)), question).symptom is Symptom.CONNECTED
    assert {cause.code for cause in verdict.causes} == {"FW_RULE_DROP"}


def test_a_later_cause_points_at_its_row_as_the_host_has_it_now() -> None:
    back = "-s 10.2.0.2/32 -p tcp -m tcp --sport 80 -j DROP"
    text = f"*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD {DROP}\n-A FORWARD {back}\nCOMMIT\n"
    _, verdict = asked(line(lambda world: world["router"].iptables(text)))
    assert [cause.at.name for cause in verdict.causes] == ["filter/FORWARD 1", "filter/FORWARD 2"]
    assert [cause.at.key[4] for cause in verdict.causes] == [0, 1]
    later = verdict.causes[1]
    assert "rule 2 of filter/FORWARD" in later.sentence
    assert all("#0" not in fix.title for fix in later.fixes)


def test_a_rule_that_a_fix_would_add_is_no_near_miss_of_a_later_cause() -> None:
    text = f"*filter\n:FORWARD DROP [0:0]\n-A FORWARD {DROP}\nCOMMIT\n"
    _, verdict = asked(line(lambda world: world["router"].iptables(text)))
    assert [(cause.code, cause.near_misses) for cause in verdict.causes] == [
        ("FW_RULE_DROP", ()),
        ("FW_POLICY_DROP", ()),
    ]


def test_what_cannot_be_mended_is_named_last_and_without_a_fix() -> None:
    world = one_bridge()
    filtered(world["left"], "OUTPUT", "-d 10.3.0.9/32 -p tcp -m tcp --dport 80 -j DROP")
    _, verdict = asked(world.snapshot("left"), "10.3.0.9:80")
    assert [cause.code for cause in verdict.causes] == ["FW_RULE_DROP", "SRC_NEIGH_FAILED"]
    assert verdict.causes[-1].fixes == ()


def test_a_fault_before_the_packet_leaves_the_view_is_named_with_its_fix() -> None:
    _, verdict = asked(card_down(), "198.51.100.7:80")
    assert [(cause.code, bool(cause.fixes)) for cause in verdict.causes] == [
        ("LINK_DOWN", True),
        ("INFO_EXITS_HOST", False),
    ]


def test_a_connection_that_works_is_not_searched() -> None:
    snapshot = broken(())
    question = resolve(snapshot, "10.2.0.2:80")
    walked = Walked(snapshot)
    search = Search(question)
    assert search.run(walked, converse(walked, question, Choices())) == []
    assert search.walks == 0


def test_the_search_of_a_hopeless_host_ends() -> None:
    rules = "".join(f"-A FORWARD -s 10.1.0.2/32 -m comment --comment n{number} -j DROP\n" for number in range(40))
    text = f"*filter\n:FORWARD ACCEPT [0:0]\n{rules}COMMIT\n"
    snapshot = line(lambda world: [world["router"].iptables(text), CLOSED(world), NO_WAY_BACK(world)])
    question = resolve(snapshot, "10.2.0.2:80")
    walked = Walked(snapshot)
    conversation = converse(walked, question, Choices())
    search = Search(question)
    assert search.run(walked, conversation)
    assert search.walks <= MOST_WALKS + 50
    assert failure_of(walked, question, conversation) is not None


def test_many_faults_in_a_row_are_told_with_their_fixes() -> None:
    """More than are tried in every combination, where the likeliest remedy of each leads on to the next."""
    text = ""
    for table, chains in (
        ("raw", ("PREROUTING",)),
        ("mangle", ("PREROUTING", "FORWARD", "POSTROUTING")),
        ("filter", ("FORWARD",)),
        ("security", ("FORWARD",)),
    ):
        declared = "".join(f":{chain} ACCEPT [0:0]\n" for chain in chains)
        drops = "".join(f"-A {chain} -d 10.2.0.2/32 -p tcp -m tcp --dport 80 -j DROP\n" for chain in chains)
        text += f"*{table}\n{declared}{drops}COMMIT\n"
    _, verdict = asked(line(lambda world: world["router"].iptables(text)))
    assert [cause.code for cause in verdict.causes] == ["FW_RULE_DROP"] * 6
    assert all(cause.fixes for cause in verdict.causes)
