"""Twins as plans: names, what is built and left out, and what a stranger's file can make a tool do (nothing)."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

import pytest

from engine.change.batch import Batch, line_of
from engine.change.program import RelayPort, Serve
from engine.change.restore import IPSET, NFT, Restore
from engine.change.sysctl import SetSysctls
from engine.lab.errors import LabError
from engine.lab.twin.firewall import ipsets, safe_rules
from engine.lab.twin.firewall.nft_sets import declared
from engine.lab.twin.left_out import Omissions
from engine.lab.twin.namespaces import nodes_of
from engine.lab.twin.origin import blueprint
from engine.lab.twin.rebuild import Rebuilt, TwinOptions, rebuild
from engine.lab.twin.route_order import in_order
from engine.model.address import Family
from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Firewall,
    Interval,
    MapElement,
    Name,
    NamedSet,
    NatValue,
    Rule,
    RuleVerdict,
    Table,
    VerdictKind,
)
from engine.model.host import Netns, Snapshot
from engine.model.link import Address, Link, Neighbour
from engine.model.packet import Protocol
from engine.model.route import NextHop, Route
from engine.model.traffic import Listener, Process
from engine.records import replace
from tests.fidelity.record import read_host
from tests.hosts.stock import docker_world, three_in_line
from workbench.session.twins import part_of

#: What no plan may ever hold: a stranger's words that would be more than one word to a tool.
EVIL = "; touch /tmp/x"


def lone(**parts: object) -> Snapshot:
    """A host with a loopback device, and what is given."""
    links = (Link(1, "lo", "loopback"), *parts.pop("links", ()))  # type: ignore[misc]
    return Snapshot("host", (Netns("host", links=links, **parts),))  # type: ignore[arg-type]


def texts(rebuilt: Rebuilt) -> str:
    """All that any tool would read."""
    found = []
    for change in rebuilt.plan.changes:
        if isinstance(change, (Batch, Restore)):
            found += change.lines
        elif isinstance(change, SetSysctls):
            found += [f"{name} = {value}" for name, value in change.values]
        elif isinstance(change, Serve):
            found.append(change.server_words("x"))
        elif isinstance(change, RelayPort):
            found.append(f"{change.holder} {change.relay_words}")
    return "\n".join(found)


def left_out(rebuilt: Rebuilt) -> str:
    return "\n".join(map(str, rebuilt.left_out))


def test_a_node_stands_for_each_namespace_by_a_name_that_it_can_have() -> None:
    names = ("web", "../etc", "a b", "a-b", "host2", "x" * 90, "\n")
    spaces = (Netns("the host", links=(Link(1, "lo", "loopback"),)), *(Netns(name) for name in names))
    nodes = nodes_of(Snapshot("the host", spaces), "twin")
    assert [node.origin for node in nodes] == ["the host", *names]
    assert [node.name for node in nodes] == ["host", "web", "etc", "a-b", "a-b-2", "host2", "x" * 60, "node"]
    assert all(node.netns == f"twin-{node.name}" for node in nodes)
    assert [node.renamed for node in nodes] == [True, False, True, True, True, False, True, True]


def test_everything_is_done_in_namespaces_of_the_twin() -> None:
    rebuilt = rebuild(read_host("docker-user-drop"), "twin", TwinOptions())
    places = {getattr(change, "netns", None) or getattr(change, "name", "") for change in rebuilt.plan.changes}
    assert places == {node.netns for node in rebuilt.nodes} | {each.stub.node.netns for each in rebuilt.beyond}
    assert all(place.startswith("twin-") for place in places)


def test_a_twin_is_a_lab_with_the_ports_that_an_engine_published() -> None:
    rebuilt = rebuild(read_host("docker-user-drop"), "twin", TwinOptions())
    lab = blueprint(rebuilt, "twin", "x.json")
    assert lab.netns_by_node["web"] == "twin-web"
    assert [(port.service, port.host_port, port.container_port) for port in lab.published] == [("web", 8080, 80)]
    assert lab.origin is not None
    assert ("web", "twin-web", "web") in lab.origin.nodes
    assert lab.backend == "iptables-nft"


def test_what_leads_out_of_the_snapshot_ends_at_a_node_that_has_the_gateway_and_a_client() -> None:
    uplink = Link(2, "eth0", "", mac="02:00:00:00:00:01")
    address = Address(2, ip_address("192.168.1.2"), 24, broadcast=ip_address("192.168.1.255"))
    way = Route(ip_network("0.0.0.0/0"), nexthops=(NextHop(2, ip_address("192.168.1.254")),))
    silent = Neighbour(2, ip_address("192.168.1.9"), None, "failed")
    seen = Neighbour(2, ip_address("192.168.1.254"), "02:00:00:00:00:fe", "reachable")
    rebuilt = rebuild(
        lone(links=(uplink,), addresses=(address,), routes=(way,), neighbours=(silent, seen)), "twin", TwinOptions()
    )
    (beyond,) = rebuilt.beyond
    assert [str(each) for each in beyond.addresses] == ["192.168.1.254", "192.168.1.1"]
    assert beyond.mac == "02:00:00:00:00:fe"
    assert (beyond.stub.node.name, beyond.stub.link.name) == ("beyond-eth0", "eth0")
    assert rebuilt.left_out == ()


def test_a_gateway_that_did_not_answer_is_not_there() -> None:
    uplink = Link(2, "eth0", "")
    way = Route(ip_network("0.0.0.0/0"), nexthops=(NextHop(2, ip_address("192.168.1.254")),))
    silent = Neighbour(2, ip_address("192.168.1.254"), None, "failed")
    (beyond,) = rebuild(lone(links=(uplink,), routes=(way,), neighbours=(silent,)), "twin", TwinOptions()).beyond
    assert beyond.addresses == ()


def test_a_kind_that_the_kernel_lacks_is_said_with_what_it_does_to_answers() -> None:
    links = (Link(2, "eth0", ""), Link(3, "eth0.5", "vlan", parent=2, detail={"id": "5", "protocol": "802.1Q"}))
    whole = rebuild(lone(links=links), "twin", TwinOptions())
    assert "link add link eth0 name eth0.5 index 3 netns twin-host mtu 1500 type vlan protocol 802.1Q id 5" in texts(
        whole
    )
    assert whole.left_out == ()
    rebuilt = rebuild(lone(links=links), "twin", TwinOptions({"vlan": "no VLANs here"}))
    assert left_out(rebuilt) == (
        "host: vlan eth0.5: no VLANs here; a veth to beyond-eth0.5 stands in: what goes by it ends there"
    )
    assert [each.stub.link.name for each in rebuilt.beyond] == ["eth0", "eth0.5"]


def test_only_what_a_question_can_meet_is_built() -> None:
    snapshot = three_in_line().snapshot("router")
    rebuilt = rebuild(part_of(snapshot, frozenset({"server"})), "twin", TwinOptions())
    assert {node.origin for node in rebuilt.nodes} == {"router", "server"}
    assert [each.stub.origin for each in rebuilt.beyond] == ["router"]
    docker = read_host("docker-user-drop")
    part = part_of(docker, frozenset({"web"}))
    assert len(part.host_netns.links) < len(docker.host_netns.links)
    assert [each.stub.link.name for each in rebuild(part, "twin", TwinOptions()).beyond] == ["up0"]


def test_more_namespaces_than_can_be_built_are_refused_with_what_to_do() -> None:
    spaces = tuple(Netns(f"n{number}") for number in range(5001))
    with pytest.raises(LabError, match="--only TARGET"):
        rebuild(Snapshot("n0", spaces), "twin", TwinOptions())


@pytest.mark.parametrize("name", ["a b", "../x", "x;y", "-eth0", "eth0\n", "a" * 16, "", "#x", '"', "eth%d", "$(id)"])
def test_a_device_with_a_name_that_is_no_word_is_left_out(name: str) -> None:
    rebuilt = rebuild(lone(links=(Link(2, name, "dummy"),)), "twin", TwinOptions())
    assert "type dummy" not in texts(rebuilt)
    assert "no device here can have this name and number" in left_out(rebuilt)


def test_a_kind_that_nothing_is_known_of_is_never_given_to_the_kernel() -> None:
    rebuilt = rebuild(lone(links=(Link(2, "x0", "evil_module"),)), "twin", TwinOptions())
    assert "evil_module" not in texts(rebuilt)
    assert left_out(rebuilt).startswith("host: evil_module x0: no such device is built")


@pytest.mark.parametrize(
    "setting",
    [
        "kernel.core_pattern",
        "net.core.bpf_jit_enable",
        "net.ipv4.conf.../../../kernel/core_pattern.x",
        "net.ipv4.ip_forward\nkernel.modprobe",
        "vm.overcommit_memory",
        "net.ipv4.conf.eth0/../../x.rp_filter",
    ],
)
def test_a_setting_that_is_not_of_a_namespace_is_not_written(setting: str) -> None:
    rebuilt = rebuild(lone(sysctls={setting: 1, "net.ipv4.ip_forward": 1}), "twin", TwinOptions())
    written = [name for change in rebuilt.plan.changes if isinstance(change, SetSysctls) for name, _ in change.values]
    assert "ipv4/ip_forward" in written
    assert not [name for name in written if "core" in name or "kernel" in name or "vm" in name or ".." in name]
    assert "setting" in left_out(rebuilt)


@pytest.mark.parametrize(
    "rule",
    [
        "-A INPUT -M /tmp/x -j ACCEPT",
        "-A INPUT -4M/tmp/x -j ACCEPT",
        "-A INPUT --modprobe=/tmp/x -j ACCEPT",
        "-A INPUT --modp /tmp/x -j ACCEPT",
        "-A INPUT -m ../../tmp/x -j ACCEPT",
        "-A INPUT -j ../../tmp/x",
        "-A INPUT -j LED --led-trigger-id x",
        "-A INPUT -t nat -j ACCEPT",
        "-A OTHER -j ACCEPT",
        "-F INPUT",
        "-A INPUT -j ACCEPT\n-A INPUT -M /tmp/x",
        '-A INPUT -m comment --comment "open',
        "-A INPUT -m comment --comment 'a -M /tmp/x'",
        "-A INPUT -m comment --comment a\\\\ -M /tmp/x",
        '-A INPUT -m comment --comment "a\\\\" -M "/tmp/x"',
    ],
)
def test_a_rule_that_is_more_than_a_rule_is_not_given_to_iptables(rule: str) -> None:
    assert safe_rules.restore_rule(rule, "INPUT") is not None


@pytest.mark.parametrize(
    "rule",
    [
        "-A INPUT ! -d 127.0.0.0/8 -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 80 -j DNAT --to-destination :80",
        '-A INPUT -m comment --comment "a; b $(c) it\'s" -j ACCEPT',
        "-A INPUT -m statistic --mode random --probability 0.5 -j DROP",
        "-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -g my-chain",
        "-A INPUT -m set --match-set banned src -j DROP",
        "-A INPUT -i eth+ -f -m mark --mark 0x1/0xff -j MARK --set-xmark 0x1/0x1",
    ],
)
def test_rules_that_people_have_are_given_to_iptables(rule: str) -> None:
    assert safe_rules.restore_rule(rule, "INPUT") is None


@pytest.mark.parametrize(
    "rule",
    [
        'include "/etc/shadow"',
        'accept; include "/etc/shadow"',
        "accept }",
        'accept\ninclude "x"',
        "define x = 1",
        "ip saddr $x accept",
        'counter comment "x',
        "# accept",
        "tcp dport { 22, 80",
        "",
        "-A INPUT -j ACCEPT",
    ],
)
def test_a_rule_that_is_more_than_a_rule_is_not_given_to_nft(rule: str) -> None:
    assert safe_rules.nft_rule(rule) is not None


@pytest.mark.parametrize(
    "rule",
    [
        'iifname != "docker0" tcp dport 8080 dnat to 172.17.0.2:80 comment "a; b } $x"',
        "tcp dport 80 ct status vmap { snat : drop, dnat : drop }",
        "oifname vmap @jumps",
        "meta l4proto { tcp, udp } th dport 80 tproxy to :3128 meta mark set 0x00000008 accept",
    ],
)
def test_rules_that_people_have_are_given_to_nft(rule: str) -> None:
    assert safe_rules.nft_rule(rule) is None


def ruled(*tables: Table) -> Rebuilt:
    return rebuild(lone(firewall=Firewall(tables)), "twin", TwinOptions())


def test_hostile_rules_are_left_out_and_said_and_the_others_are_built() -> None:
    rules = tuple(
        Rule(number, (), text)
        for number, text in enumerate(("tcp dport 22 accept", 'include "/etc/shadow"', f"accept{EVIL}", "drop"))
    )
    base = BaseChain("filter", "input", 0, VerdictKind.ACCEPT)
    rebuilt = ruled(Table(Backend.NFT, "inet", "t", (Chain("c", rules, base), Chain("x {}", rules))))
    (script,) = (change for change in rebuilt.plan.changes if isinstance(change, Restore))
    assert script.lines == (
        "table inet t {",
        "chain c {",
        "type filter hook input priority 0; policy accept;",
        "tcp dport 22 accept",
        "drop",
        "}",
        "}",
    )
    assert "/etc/shadow" in left_out(rebuilt)
    assert "chain x {}: its name is no plain word" in left_out(rebuilt)


def test_a_table_of_iptables_is_restored_with_the_rules_that_nft_added_at_their_places() -> None:
    rules = (
        Rule(0, (), "tcp dport 22 accept"),
        Rule(1, (), "[5:300] -A INPUT -j DROP"),
        Rule(2, (), "counter"),
    )
    base = BaseChain("filter", "input", 0, VerdictKind.DROP)
    rebuilt = ruled(Table(Backend.XT_NFT, "ip", "filter", (Chain("INPUT", rules, base), Chain("MINE"))))
    texts_of = [change.lines for change in rebuilt.plan.changes if isinstance(change, Restore)]
    assert texts_of == [
        ("*filter", ":INPUT DROP [0:0]", ":MINE - [0:0]", "-A INPUT -j DROP", "COMMIT"),
        ("insert rule ip filter INPUT tcp dport 22 accept", "add rule ip filter INPUT index 1 counter"),
    ]


def test_tables_are_loaded_in_the_order_in_which_their_chains_were_hooked_in() -> None:
    def table(name: str, backend: Backend, registered: int | None) -> Table:
        base = BaseChain("filter", "input", 0, VerdictKind.ACCEPT, registered)
        rule = "drop" if backend is Backend.NFT else "-A INPUT -j DROP"
        return Table(backend, "ip", name, (Chain("INPUT", (Rule(0, (), rule),), base),))

    rebuilt = ruled(
        table("late", Backend.NFT, 9),
        table("filter", Backend.XT_NFT, 5),
        table("early", Backend.NFT, 2),
        table("filter", Backend.XT_LEGACY, None),
    )
    restored = [change for change in rebuilt.plan.changes if isinstance(change, Restore)]
    assert [change.loader[0] for change in restored] == [
        "iptables-legacy-restore",
        "nft",
        "iptables-nft-restore",
        "nft",
    ]
    assert [change.lines[0] for change in restored][1::2] == ["table ip early {", "table ip late {"]
    assert "iptables-legacy runs first in the twin" in left_out(rebuilt)


SETS = (
    (
        NamedSet("bad", ("ipv4_addr",), ((Interval(0x0A000001, 0x0A000001),), (Interval(0x0A4D0000, 0x0A4D00FF),))),
        "set bad { type ipv4_addr; flags interval; elements = { 10.0.0.1, 10.77.0.0-10.77.0.255 }; }",
    ),
    (
        NamedSet(
            "jumps",
            ("ifname",),
            entries=(MapElement((Name("docker0"),), RuleVerdict(VerdictKind.JUMP, "in__docker0")),),
            is_map=True,
        ),
        'map jumps { type ifname : verdict; elements = { "docker0" : jump in__docker0 }; }',
    ),
    (
        NamedSet(
            "pub",
            ("inet_service",),
            entries=(
                MapElement((Interval(80, 80),), NatValue(ip_address("10.0.0.2"), ip_address("10.0.0.2"), 8080, 8080)),
            ),
            is_map=True,
        ),
        "map pub { type inet_service : ipv4_addr . inet_service; elements = { 80 : 10.0.0.2 . 8080 }; }",
    ),
    (NamedSet("o", ("opaque",), ((Name("x"),),)), None),
    (NamedSet("a b", ("mark",), ()), None),
    (NamedSet("s", ("ifname",), ((Name('x"; y'),),)), None),
    (NamedSet("c", ("mark",), (), (MapElement((), RuleVerdict(VerdictKind.GOTO, "a b")),), is_map=True), None),
)


@pytest.mark.parametrize(("named", "text"), SETS)
def test_sets_of_nft_are_declared_with_what_they_hold_or_not_at_all(named: NamedSet, text: str | None) -> None:
    assert declared(Table(Backend.NFT, "ip", "t", sets=(named,)), named) == text


def test_sets_of_iptables_keep_family_parts_and_members() -> None:
    one6 = NamedSet("one6", ("ip",), ((Interval(1, 1),),), kind="hash:ip")
    nets = NamedSet(
        "nets",
        ("net", "proto", "port"),
        ((Interval(0x0A000000, 0x0A0000FF), Interval(6, 6), Interval(80, 80)),),
        kind="hash:net,port",
    )
    both = NamedSet("both", ("ip",), kind="list:set", members=("one6", "nets"))
    evil = NamedSet("e vil", ("ip",), kind="hash:ip")
    asking = Table(
        Backend.XT_LEGACY,
        "ip6",
        "filter",
        (Chain("INPUT", (Rule(0, (), "-A INPUT -m set --match-set one6 src -j DROP"),)),),
    )
    out = Omissions()
    found = ipsets.restored("host", "twin-host", Firewall((asking,), (both, one6, nets, evil)), out)
    assert found is not None
    assert found.loader == IPSET
    assert found.lines == (
        "create one6 hash:ip family inet6 maxelem 65536",
        "add one6 ::1",
        "create nets hash:net,port maxelem 65536",
        "add nets 10.0.0.0-10.0.0.255,tcp:80",
        "create both list:set size 8",
        "add both one6",
        "add both nets",
    )
    assert [row.what for row in out.rows] == ["ipset e vil"]


def test_a_route_that_hides_the_network_of_a_gateway_comes_after_those_by_it() -> None:
    def route(destination: str, gateway: str = "", metric: int = 0) -> Route:
        hop = NextHop(2, ip_address(gateway) if gateway else None)
        return Route(ip_network(destination), metric=metric, nexthops=(hop,))

    connected = route("10.0.0.0/24")
    default, narrow, host = (
        route("0.0.0.0/0", "10.0.0.1"),
        route("10.0.0.0/25", "10.0.0.3"),
        route("10.0.0.3/32", "10.0.0.9"),
    )
    assert in_order([host, narrow, default], [connected, host, narrow, default]) == [default, narrow, host]
    assert in_order([default, connected], [connected, default]) == [connected, default]


def test_a_listener_is_bound_as_it_was_and_one_that_does_not_run_stays_silent() -> None:
    busy = Listener(Protocol.TCP, Family.INET, None, 80, queued=6, backlog=5, process=Process(7, "app"))
    stopped = Listener(Protocol.UDP, Family.INET6, None, 53, v6only=True, device=2, process=Process(8, "dns", "T"))
    rebuilt = rebuild(lone(links=(Link(2, "eth0", ""),), listeners=(busy, stopped)), "twin", TwinOptions())
    words = [change.server_words("x") for change in rebuilt.plan.changes if isinstance(change, Serve)]
    assert words == [
        "x tcp 0.0.0.0 80 host free=1 frozen=1 backlog=6 queued=6",
        "x udp :: 53 host free=1 v6only=1 frozen=1 device=eth0",
    ]


def test_many_things_of_one_kind_are_counted() -> None:
    rebuilt = rebuild(lone(sysctls={f"kernel.x{number}": 1 for number in range(50)}), "twin", TwinOptions())
    assert len(rebuilt.left_out) == 50  # each has a reason of its own: its name
    links = tuple(Link(number, f"a b{number}", "dummy") for number in range(2, 60))
    rebuilt = rebuild(lone(links=links), "twin", TwinOptions())
    assert len(rebuilt.left_out) == 21
    assert rebuilt.left_out[-1].what == "38 more"


def test_a_line_of_a_batch_has_no_room_for_another_one() -> None:
    for word in ("a b", "a\nb", '"a', "a'b", "a\\", "#a", ""):
        with pytest.raises(ValueError, match="no word of a batch"):
            line_of(["link", "set", word])


def test_a_refused_line_is_found_in_what_each_tool_says() -> None:
    lines = ("a", "b", "c")
    assert Restore("x", NFT, lines).refused("/dev/stdin:2:4-9: Error: syntax") == {1}
    assert Restore("x", IPSET, lines).refused("ipset v7: Error in line 3: no") == {2}
    legacy = Restore("x", ("iptables-legacy-restore", "-w", "--noflush"), lines)
    assert legacy.refused("Error occurred at line: 1") == {0}
    assert legacy.refused("iptables-restore: line 9 failed") == frozenset()
    assert legacy.without({1}).lines == ("a", "c")


def test_no_word_of_a_hostile_snapshot_reaches_a_tool_that_would_read_more_than_a_word() -> None:
    world = docker_world()
    snapshot = world.snapshot() if hasattr(world, "snapshot") else world
    spaces = []
    for netns in snapshot.namespaces:
        links = tuple(replace(link, alias=EVIL, detail={"mode": EVIL, "id": EVIL}) for link in netns.links)
        routes = tuple(replace(route, text=EVIL, protocol=EVIL) for route in netns.routes)
        rules = tuple(replace(rule, text=EVIL, iif=EVIL) for rule in netns.rules)
        spaces.append(replace(netns, links=links, routes=routes, rules=rules))
    rebuilt = rebuild(replace(snapshot, namespaces=tuple(spaces)), "twin", TwinOptions())
    assert not re.search(re.escape("touch"), texts(rebuilt))
