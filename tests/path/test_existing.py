"""Flows that a namespace tracked before the question: who belongs to them, and what is said of clients on them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from engine.change.conntrack import DeleteFlow
from engine.change.rule import ReplaceRule
from engine.change.sysctl import SetSysctl
from engine.explain import ask
from engine.model.packet import Protocol
from engine.model.trace import Outcome, StepKind, Symptom, Trace
from engine.model.traffic import ConntrackEntry, Tuple4
from engine.model.verdict import Question, Reach, Source, Verdict
from engine.path.lookup.conntrack_snapshot import client_port
from engine.path.world import World as Walked
from tests.hosts.build import World
from tests.hosts.stock import three_in_line

CLIENT, ROUTER, SERVER, NOBODY = "10.1.0.2", "10.1.0.1", "10.2.0.2", "10.2.0.99"
OUTSIDE = Source("router", ip_address(CLIENT), "left")
UDP, TCP = Protocol.UDP, Protocol.TCP


def entry(target: str, sport: int = 4000, protocol: Protocol = UDP, **more: Any) -> ConntrackEntry:
    """The client asked the router's port 53; its packets go to `target`:80 (the router itself: to where they asked)."""
    port = 53 if target == ROUTER else 80
    there = Tuple4(ip_address(CLIENT), ip_address(ROUTER), sport, 53)
    back = Tuple4(ip_address(target), there.src, port, sport)
    status = frozenset({"confirmed"} | ({"dnat"} if target != ROUTER else set()))
    return replace(ConntrackEntry(protocol, there, back, status, timeout=20), **more)


def router(*entries: ConntrackEntry, rule: str = "", held: int | None = None) -> World:
    """A router that sends port 53 on to the server, and tracks flows already. The client may hold a port."""
    world = three_in_line()
    lines = "".join(
        f"-A PREROUTING -p {p} -m {p} --dport 53 -j DNAT --to-destination {SERVER}:80\n" for p in ("udp", "tcp")
    )
    world["router"].iptables(f"*nat\n:PREROUTING ACCEPT [0:0]\n{lines}COMMIT\n")
    if rule:
        world["router"].iptables(f"*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD {rule}\nCOMMIT\n")
    world["router"].conntrack += entries
    if held is not None:
        world["client"].listen(held, protocol=UDP)
    return world


def verdict(world: World, source: Source, protocol: Protocol = UDP) -> Verdict:
    return ask(world.snapshot("router"), Question(source, ip_address(ROUTER), 53, protocol))


def keeping(port: int) -> Source:
    return replace(OUTSIDE, port=port)


def kinds(trace: Trace) -> list[StepKind]:
    return [step.kind for step in trace.steps]


def test_a_new_client_takes_a_port_that_no_flow_has() -> None:
    flows = [entry(NOBODY, port) for port in (50123, 50124)]
    answer = verdict(router(*flows), OUTSIDE)
    assert answer.reach is Reach.YES
    assert answer.conversation.forward.hops[0].packet.sport == 50125


def test_ports_are_taken_from_the_first_on_and_then_from_below() -> None:
    tables = Walked(router(*(entry(NOBODY, port) for port in range(60990, 61000))).snapshot()).tracking()
    assert client_port(tables, UDP, 60990) == 32768
    assert client_port(tables, UDP, 60980, skip=3) == 60983
    assert client_port(tables, TCP, 60990) == 60990


def test_a_packet_of_a_tracked_flow_goes_where_that_goes() -> None:
    answer = verdict(router(entry(NOBODY)), keeping(4000))
    forward = answer.conversation.forward
    assert (answer.reach, answer.symptom) == (Reach.NO, Symptom.TIMEOUT)
    assert StepKind.CONNTRACK in kinds(forward)
    assert str(forward.last.packet.dst) == NOBODY
    (cause,) = answer.causes
    assert (cause.code, cause.owner) == ("CT_STALE_ENTRY", "kernel")
    assert cause.fixes[0].plan.changes == (DeleteFlow("router", entry(NOBODY)),)
    assert cause.at.text == (f"udp {CLIENT}:4000 → {ROUTER}:53, translated to {NOBODY}:80, unanswered, expires in 20 s")


def test_a_flow_that_began_before_the_port_was_published_stays_untranslated() -> None:
    answer = verdict(router(entry(ROUTER)), keeping(4000))
    assert answer.reach is Reach.NO
    assert answer.causes[0].code == "CT_STALE_ENTRY"
    assert "passes it untranslated" in answer.causes[0].sentence


def test_a_flow_that_leads_where_a_new_one_does_is_no_cause() -> None:
    answer = verdict(router(entry(SERVER)), keeping(4000))
    assert (answer.reach, answer.causes) == (Reach.YES, ())


@pytest.mark.parametrize(("status", "passes"), [({"seen-reply"}, True), (set(), False)])
def test_rules_see_the_state_of_the_flow(status: set[str], passes: bool) -> None:
    old = entry(SERVER, status=frozenset({"dnat", *status}))
    answer = verdict(
        router(old, rule="-p udp -s 10.1.0.0/24 -m conntrack ! --ctstate ESTABLISHED -j DROP"), keeping(4000)
    )
    assert (answer.reach is Reach.YES) is passes


def test_rules_see_the_mark_of_the_flow() -> None:
    rule = "-m connmark --mark 0x7 -j DROP"
    assert verdict(router(entry(SERVER, mark=7), rule=rule), keeping(4000)).reach is Reach.NO
    assert verdict(router(entry(SERVER), rule=rule), keeping(4000)).reach is Reach.YES


@pytest.mark.parametrize("change", [{"zone": 3}, {"status": frozenset({"dnat", "dying"})}], ids=["zone", "dying"])
def test_a_flow_out_of_reach_is_no_flow(change: dict[str, Any]) -> None:
    assert verdict(router(entry(NOBODY, **change)), keeping(4000)).reach is Reach.YES


@pytest.mark.parametrize(
    ("state", "reach"), [("ESTABLISHED", Reach.NO), ("TIME_WAIT", Reach.YES), ("CLOSE", Reach.YES)]
)
def test_a_connection_that_is_over_gives_way_to_a_new_one(state: str, reach: Reach) -> None:
    assert verdict(router(entry(NOBODY, protocol=TCP, state=state)), keeping(4000), TCP).reach is reach


def test_flows_of_the_same_address_that_lead_elsewhere_are_told() -> None:
    answer = verdict(router(entry(NOBODY), entry(SERVER, 4001), entry(NOBODY, 4002)), OUTSIDE)
    assert answer.reach is Reach.YES
    (about,) = (each for each in answer.assumptions if each.code == "ASSUME_NEW_FLOW")
    assert "(4000, 4002)" in about.sentence
    assert f"{NOBODY}:80" in about.sentence
    assert about.ref is not None
    assert about.ref.key[:3] == ("udp", CLIENT, 4000)


def test_a_client_whose_socket_holds_the_port_of_a_flow_makes_the_answer_depend() -> None:
    answer = verdict(router(entry(NOBODY), held=4000), Source("client"))
    assert answer.reach is Reach.DEPENDS
    assert [cause.code for cause in answer.causes] == ["CT_STALE_ENTRY", "INFO_DEPENDS"]
    assert answer.causes[0].fixes[0].then is Symptom.CONNECTED


@pytest.mark.parametrize(("target", "held"), [(NOBODY, 4001), (SERVER, 4000)], ids=["other port", "same target"])
def test_a_client_that_is_not_stuck_does_not(target: str, held: int) -> None:
    answer = verdict(router(entry(target), held=held), Source("client"))
    assert (answer.reach, answer.causes) == (Reach.YES, ())


# -- flows that clash -----------------------------------------------------------------------------------------


def untranslated(*entries: ConntrackEntry) -> World:
    """The same router, without its nat chains."""
    world = router(*entries, rule="-m conntrack --ctstate NEW -j ACCEPT")
    world["router"].tables[:] = [table for table in world["router"].tables if table.name != "nat"]
    return world


def past(world: World, port: int = 4000, protocol: Protocol = UDP) -> Verdict:
    """The client asks the server itself, from that port."""
    return ask(world.snapshot("router"), Question(keeping(port), ip_address(SERVER), 80, protocol))


@pytest.mark.parametrize("protocol", [UDP, TCP])
@pytest.mark.parametrize("state", ["ESTABLISHED", "TIME_WAIT"])
def test_a_flow_whose_answers_another_one_waits_for_is_dropped(protocol: Protocol, state: str) -> None:
    answer = past(untranslated(entry(SERVER, protocol=protocol, state=state)), protocol=protocol)
    assert answer.conversation.forward.outcome is Outcome.CONNTRACK_CLASH
    (cause,) = answer.causes
    assert (cause.code, cause.owner) == ("CT_CLASH", "kernel")
    assert cause.fixes[0].plan.changes == (DeleteFlow("router", entry(SERVER, protocol=protocol, state=state)),)


@pytest.mark.parametrize("change", [{"zone": 3}, {"status": frozenset({"dnat", "dying"})}], ids=["zone", "dying"])
def test_a_flow_out_of_reach_is_in_nobodys_way(change: dict[str, Any]) -> None:
    assert past(untranslated(entry(SERVER, **change))).reach is Reach.YES


@pytest.mark.parametrize("protocol", [UDP, TCP])
def test_where_nat_is_at_work_the_flow_gets_another_port(protocol: Protocol) -> None:
    answer = past(router(entry(SERVER, protocol=protocol)), protocol=protocol)
    assert answer.reach is Reach.YES
    assert answer.conversation.forward.last.packet.sport == 4001
    assert "ASSUME_NAT_PORT" in [each.code for each in answer.assumptions]


def one_port(*entries: ConntrackEntry, to: str = "5000") -> World:
    """What the router sends on leaves from a port, or a few."""
    world = untranslated(*entries)
    lines = f"-A POSTROUTING -p tcp -j SNAT --to-source 10.2.0.1:{to}\n"
    lines += f"-A POSTROUTING -p udp -j MASQUERADE --to-ports {to}\n"
    world["router"].iptables(f"*nat\n:POSTROUTING ACCEPT [0:0]\n{lines}COMMIT\n")
    return world


def leaving(port: int = 5000, **more: Any) -> ConntrackEntry:
    """Another client's flow to the server, from that port of the router."""
    there = Tuple4(ip_address("10.1.0.9"), ip_address(SERVER), 4000, 80)
    back = Tuple4(there.dst, ip_address("10.2.0.1"), 80, port)
    return replace(ConntrackEntry(TCP, there, back, frozenset({"snat"}), "ESTABLISHED", timeout=20), **more)


@pytest.mark.parametrize("protocol", [UDP, TCP])
def test_a_rule_that_gives_all_flows_one_port_gives_it_once(protocol: Protocol) -> None:
    answer = past(one_port(leaving(protocol=protocol)), 4500, protocol)
    assert answer.conversation.forward.outcome is Outcome.CONNTRACK_CLASH
    (cause,) = answer.causes
    assert (cause.code, cause.at.name, cause.owner) == ("CT_CLASH", f"nat/POSTROUTING {1 + (protocol is UDP)}", "admin")
    assert [type(fix.plan.changes[0]) for fix in cause.fixes] == [ReplaceRule, DeleteFlow]
    assert past(one_port(), 4500, protocol).reach is Reach.YES


@pytest.mark.parametrize(("taken", "port"), [((5000,), 5001), ((5000, 5001), 5002), ((5001,), 5000)])
def test_of_a_range_a_flow_gets_a_port_that_is_free(taken: tuple[int, ...], port: int) -> None:
    answer = past(one_port(*map(leaving, taken), to="5000-5002"), 4500, TCP)
    assert answer.conversation.forward.last.packet.sport == port


def test_where_a_range_is_used_up_the_flow_is_dropped() -> None:
    answer = past(one_port(*map(leaving, (5000, 5001)), to="5000-5001"), 4500, TCP)
    assert answer.causes[0].code == "CT_CLASH"


def test_a_connection_that_is_over_may_give_its_port_up() -> None:
    answer = past(one_port(leaving(state="TIME_WAIT")), 4500, TCP)
    assert answer.reach is Reach.DEPENDS
    assert {branch.symptom for branch in answer.branches} == {Symptom.CONNECTED, Symptom.TIMEOUT}
    assert "ASSUME_EVICTION" in [each.code for each in answer.assumptions]


# -- a full table ---------------------------------------------------------------------------------------------


def full(*entries: ConntrackEntry, most: int = 1) -> World:
    world = router(*entries)
    world["router"].sysctl("net.netfilter.nf_conntrack_count", len(entries))
    world["router"].sysctl("net.netfilter.nf_conntrack_max", most)
    return world


ASSURED = entry(SERVER, protocol=TCP, status=frozenset({"assured", "dnat"}), state="ESTABLISHED")


def test_a_full_table_of_assured_flows_drops_new_ones_and_more_may_be_allowed() -> None:
    answer = verdict(full(ASSURED), OUTSIDE)
    assert (answer.reach, answer.symptom) == (Reach.NO, Symptom.TIMEOUT)
    (cause,) = answer.causes
    assert (cause.code, cause.at.name) == ("CT_TABLE_FULL", "net.netfilter.nf_conntrack_max")
    assert isinstance(cause.fixes[0].plan.changes[0], SetSysctl)
    assert cause.fixes[0].plan.changes[0].value == 2


def test_what_is_tracked_already_passes_a_full_table() -> None:
    assert verdict(full(replace(ASSURED, protocol=UDP, state="")), keeping(4000)).reach is Reach.YES


def test_a_full_table_may_give_up_a_flow_that_is_not_assured() -> None:
    answer = verdict(full(ASSURED, entry(SERVER, 4001), most=2), OUTSIDE)
    assert answer.reach is Reach.DEPENDS
    assert "CT_TABLE_FULL" in [cause.code for cause in answer.causes]


@pytest.mark.parametrize("most", [0, 2])
def test_a_table_with_room_or_without_a_limit_takes_new_flows(most: int) -> None:
    assert verdict(full(ASSURED, most=most), OUTSIDE).reach is Reach.YES
