"""The difference of two snapshots, in words."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

from engine.change.differences import changes
from engine.model.address import Family
from engine.model.container import Container
from engine.model.firewall import Backend, BaseChain, Chain, Firewall, Rule, Table, VerdictKind
from engine.model.host import Netns, Snapshot
from engine.model.link import Address, Link, Neighbour
from engine.model.packet import Protocol
from engine.model.route import PolicyRule, Route
from engine.model.traffic import Listener

ETH0 = Link(2, "eth0")
HOST = Netns("host", links=(ETH0,))


def told(before: Netns, after: Netns) -> list[str]:
    return [str(each) for each in changes(Snapshot("host", (before,)), Snapshot("host", (after,)))]


def added_and_deleted(after: Netns) -> tuple[list[str], list[str]]:
    return told(HOST, after), told(after, HOST)


def filter_table(*rules: str, policy: VerdictKind = VerdictKind.ACCEPT, packets: int = 0) -> Netns:
    lines = tuple(Rule(index, (), text, packets=packets) for index, text in enumerate(rules))
    chains = (Chain("FORWARD", lines, BaseChain("filter", "forward", 0, policy)),)
    return replace(HOST, firewall=Firewall((Table(Backend.XT_NFT, "ip", "filter", chains),)))


def test_equal_snapshots_have_no_difference() -> None:
    assert told(HOST, HOST) == []


def test_what_a_namespace_holds_comes_and_goes() -> None:
    address = Address(2, ip_address("10.9.0.1"), 24)
    route = Route(ip_network("10.0.0.0/8"), text="10.0.0.0/8 via 10.9.0.2 dev eth0")
    listener = Listener(Protocol.TCP, Family.INET, None, 80)
    rule = PolicyRule(Family.INET, 5, text="5: from all lookup 100")
    neighbour = Neighbour(2, ip_address("10.9.0.2"), "02:00:00:00:00:02", "reachable")
    for field, noun, words in (
        ("links", ETH0, None),
        ("addresses", address, "address 10.9.0.1/24 dev eth0"),
        ("routes", route, "route 10.0.0.0/8 via 10.9.0.2 dev eth0"),
        ("listeners", listener, "listener 0.0.0.0:80/tcp"),
        ("rules", rule, "policy rule 5: from all lookup 100"),
        ("neighbours", neighbour, "neighbour 10.9.0.2 dev eth0"),
    ):
        if words:
            after = replace(HOST, **{field: (noun,)})
            assert added_and_deleted(after) == ([f"{words} added in host"], [f"{words} deleted in host"])
    assert told(HOST, replace(HOST, links=())) == ["link eth0 deleted in host"]


def test_a_changed_thing_says_what_of_it_changed() -> None:
    down = replace(HOST, links=(replace(ETH0, up=False, mtu=9000),))
    assert told(HOST, down) == ["link eth0 changed in host (up yes → no, mtu 1500 → 9000)"]
    on, off = (replace(HOST, sysctls={"net.ipv4.ip_forward": value}) for value in (1, 0))
    assert told(on, off) == ["sysctl net.ipv4.ip_forward changed in host (1 → 0)"]


def test_rules_are_told_by_their_own_lines() -> None:
    before, after = filter_table("-A FORWARD -j A"), filter_table("-A FORWARD -j DROP", "-A FORWARD -j A")
    assert told(before, after) == ["rule -A FORWARD -j DROP of filter/FORWARD added in host"]
    assert told(after, before) == ["rule -A FORWARD -j DROP of filter/FORWARD deleted in host"]
    turned = filter_table("-A FORWARD -j A", "-A FORWARD -j DROP")
    assert told(after, turned) == ["chain filter/FORWARD changed in host (its rules are in another order)"]
    strict = filter_table("-A FORWARD -j A", policy=VerdictKind.DROP)
    assert told(before, strict) == ["chain filter/FORWARD changed in host (policy accept → drop)"]


def test_tables_of_two_backends_that_are_called_alike_are_told_apart() -> None:
    def host(*legacy: Table) -> Netns:
        other = filter_table("-A FORWARD -j A").firewall.tables
        return replace(HOST, firewall=Firewall((*other, *legacy)))

    def table(family: str, *rules: str) -> Table:
        return replace(filter_table(*rules).firewall.tables[0], backend=Backend.XT_LEGACY, family=family)

    (added,) = told(host(table("ip")), host(table("ip", "-A FORWARD -j A")))
    assert added == "rule -A FORWARD -j A of filter/FORWARD added in host"
    (added,) = told(host(table("arp")), host(table("arp", "-A FORWARD -j A")))
    assert added == "rule -A FORWARD -j A of arp filter/FORWARD added in host"


def test_what_passes_by_itself_is_no_change() -> None:
    assert told(filter_table("-A FORWARD -j A"), filter_table("-A FORWARD -j A", packets=7)) == []
    reachable = Neighbour(2, ip_address("10.9.0.2"), "02:00:00:00:00:02", "reachable")
    stale = replace(reachable, state="stale")
    assert told(replace(HOST, neighbours=(reachable,)), replace(HOST, neighbours=(stale,))) == []


def test_namespaces_and_containers_come_go_and_change() -> None:
    one = Snapshot("host", (HOST,), (Container("1", "web", "docker", "running"),))
    other = Snapshot("host", (HOST, Netns("lan")), (Container("1", "web", "docker", "paused"),))
    assert [str(each) for each in changes(one, other)] == [
        "namespace lan added",
        "container web changed (state running → paused)",
    ]
    renamed = replace(one, containers=(replace(one.containers[0], name="site"),))
    assert [str(each) for each in changes(one, renamed)] == ["container site changed (name web → site)"]
