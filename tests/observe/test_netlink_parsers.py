"""Links, addresses, routes, rules, neighbours and forwarding entries out of netlink bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given

from engine.model.address import Family
from engine.model.link import Address, BridgeOptions, BridgePort, FdbEntry, Neighbour
from engine.model.route import NextHop
from engine.observe.base.errors import NetlinkError
from engine.observe.netlink.addresses import parse_addresses
from engine.observe.netlink.client import Message
from engine.observe.netlink.links import FarEnd, parse_links
from engine.observe.netlink.neighbours import parse_fdb, parse_neighbours
from engine.observe.netlink.nexthops import parse_nexthop_objects
from engine.observe.netlink.peers import parse_nsid
from engine.observe.netlink.policy_rules import parse_rules
from engine.observe.netlink.routes import needs_objects, parse_routes
from tests.observe import wire
from tests.observe.bodies import bodies
from tests.observe.wire import attr, ip, name, u32

INET, INET6, BRIDGE = 2, 10, 7


def test_what_moves_by_itself_makes_no_other_value() -> None:
    def port(statistics: int, timer: int, master: int = 3, hairpin: int = 0) -> Message:
        settings = attr(1, b"\3") + attr(4, bytes([hairpin])) + attr(22, struct.pack("=Q", timer))
        info = attr(1, name("veth")) + attr(4, name("bridge")) + attr(5, settings)
        return wire.link(5, "veth0", attr(7, u32(statistics) * 3), attr(10, u32(master)), attr(18, info))

    def bridge(timer: int, stp: int = 0) -> Message:
        return wire.link(
            3, "br0", attr(18, attr(1, name("bridge")) + attr(2, attr(5, u32(stp)) + attr(19, u32(timer) * 2)))
        )

    (first,) = parse_links([port(1, 1)])
    assert parse_links([port(2, 2)])[0] is first
    assert parse_links([port(1, 1, master=4)])[0].link.master == 4
    (turned,) = parse_links([port(1, 1, hairpin=1)])
    assert turned.link.port is not None
    assert turned.link.port.hairpin
    assert parse_links([bridge(1)])[0] is parse_links([bridge(2)])[0]
    assert parse_links([bridge(1, stp=1)])[0].link.bridge == BridgeOptions(stp=True)
    body = struct.pack("=BxxxiHBB", INET, 2, 0x02, 0, 1) + attr(1, ip("10.0.0.2")) + attr(2, bytes(range(6)))
    old, young = (parse_neighbours([(28, body + attr(3, u32(age) * 4))]) for age in (9, 1))
    assert old[0] is young[0]


def test_a_veth_in_a_bridge_has_its_master_its_port_settings_and_its_far_end() -> None:
    port = attr(1, b"\4") + attr(4, b"\1") + attr(8, b"\0") + attr(33, b"\1")
    info = attr(1, name("veth")) + attr(4, name("bridge")) + attr(5, port)
    message = wire.link(
        5, "veth0", attr(1, bytes(range(6))), attr(4, u32(1400)), attr(5, u32(4)), attr(10, u32(3)),
        attr(18, info), attr(20, name("to web")), attr(37, u32(2)), flags=0x1,
    )  # fmt: skip
    (seen,) = parse_links([message])
    link = seen.link
    assert (link.index, link.name, link.kind, link.mtu, link.mac) == (5, "veth0", "veth", 1400, "00:01:02:03:04:05")
    assert (link.up, link.carrier, link.master, link.alias) == (True, False, 3, "to web")
    assert link.port == BridgePort(state="blocking", isolated=True, hairpin=True, learning=False)
    assert seen.far == FarEnd(index=4, nsid=2)
    assert link.parent is None


def test_a_bridge_has_its_options_and_its_own_firewall_switches() -> None:
    data = attr(4, u32(100)) + attr(5, u32(1)) + attr(7, b"\1") + attr(9, b"\x08\0") + attr(36, b"\1")
    (seen,) = parse_links([wire.link(3, "br0", attr(18, attr(1, name("bridge")) + attr(2, data)))])
    assert seen.link.bridge == BridgeOptions(vlan_filtering=True, stp=True, group_fwd_mask=8, ageing_time=100)
    assert seen.link.detail == {"nf_call_iptables": "1"}


def test_the_loopback_is_known_by_its_hardware_type() -> None:
    (seen,) = parse_links([wire.link(1, "lo", hardware=772)])
    assert (seen.link.kind, seen.link.mac, seen.far) == ("loopback", "", None)


@pytest.mark.parametrize(
    ("kind", "data", "detail"),
    [
        ("vlan", attr(1, b"\x64\0") + attr(5, b"\x81\0"), {"id": "100", "protocol": "802.1Q"}),
        ("macvlan", attr(1, u32(4)), {"mode": "bridge"}),
        ("ipvlan", attr(1, b"\2\0") + attr(2, b"\0\0"), {"mode": "l3s", "flags": "bridge"}),
        (
            "vxlan",
            attr(1, u32(42)) + attr(3, u32(2)) + attr(2, ip("192.0.2.1")) + attr(15, b"\x12\xb5"),
            {"id": "42", "remote": "192.0.2.1", "dstport": "4789"},
        ),
        ("vrf", attr(1, u32(10)), {"table": "10"}),
    ],
)
def test_a_stacked_device_has_its_parent_and_its_settings(kind: str, data: bytes, detail: dict[str, str]) -> None:
    info = attr(18, attr(1, name(kind)) + attr(2, data))
    (seen,) = parse_links([wire.link(7, "up", attr(5, u32(2)), info)])
    assert (seen.link.kind, seen.link.parent, seen.far) == (kind, 2, None)
    assert seen.link.detail == detail


def test_a_lower_device_in_another_namespace_is_a_far_end() -> None:
    (seen,) = parse_links([wire.link(7, "mv", attr(5, u32(2)), attr(37, u32(0)), attr(18, attr(1, name("macvlan"))))])
    assert (seen.link.parent, seen.far) == (None, FarEnd(2, 0))


def test_a_device_that_names_itself_from_another_namespace_has_nothing_below_it() -> None:
    info = attr(18, attr(1, name("wireguard")))
    (seen,) = parse_links([wire.link(7, "wg0", attr(5, u32(7)), attr(37, u32(0)), info)])
    assert (seen.link.parent, seen.far) == (None, None)


def test_a_link_brings_the_sysctls_of_its_device() -> None:
    inet = struct.pack("=33i", *range(1, 34))
    inet6 = struct.pack("=60i", *range(60))
    spec = attr(INET, attr(1, inet)) + attr(INET6, attr(2, inet6))
    (seen,) = parse_links([wire.link(2, "eth0", attr(26, spec))])
    assert seen.sysctls["net.ipv4.conf.eth0.forwarding"] == 1
    assert seen.sysctls["net.ipv4.conf.eth0.rp_filter"] == 8
    assert seen.sysctls["net.ipv4.conf.eth0.route_localnet"] == 26
    assert seen.sysctls["net.ipv6.conf.eth0.disable_ipv6"] == 26


def test_a_kernel_with_fewer_settings_gives_those_that_it_has() -> None:
    (seen,) = parse_links([wire.link(2, "eth0", attr(26, attr(INET, attr(1, struct.pack("=8i", *[7] * 8)))))])
    assert set(seen.sysctls) == {f"net.ipv4.conf.eth0.{key}" for key in ("forwarding", "proxy_arp", "rp_filter")}


def test_an_address_has_its_scope_broadcast_and_flags() -> None:
    body = struct.pack("=BBBBI", INET, 24, 0x80, 253, 2)
    body += attr(1, ip("10.0.0.1")) + attr(2, ip("10.0.0.1")) + attr(4, ip("10.0.0.255")) + attr(8, u32(0x81))
    flags = frozenset({"permanent", "secondary"})
    assert parse_addresses([(20, body)]) == (
        Address(2, ip_address("10.0.0.1"), 24, "link", None, ip_address("10.0.0.255"), flags),
    )


def test_on_a_point_to_point_link_the_far_end_is_the_peer() -> None:
    body = struct.pack("=BBBBI", INET, 32, 0, 0, 2) + attr(1, ip("10.0.0.2")) + attr(2, ip("10.0.0.1"))
    (address,) = parse_addresses([(20, body)])
    assert (str(address), address.peer) == ("10.0.0.1/32", ip_address("10.0.0.2"))


def test_a_tentative_ipv6_address_says_so() -> None:
    body = struct.pack("=BBBBI", INET6, 64, 0x40, 253, 2) + attr(1, ip("fe80::1"))
    (address,) = parse_addresses([(20, body)])
    assert address.flags == {"tentative"}


def test_a_route_through_a_gateway() -> None:
    metrics = attr(8, attr(2, u32(1400)))
    message = wire.route(INET, 0, attr(4, u32(2)), attr(5, ip("10.0.0.254")), attr(6, u32(100)), metrics, protocol=16)
    (route,) = parse_routes([message], {2: "eth0"})
    assert route.destination == ip_network("0.0.0.0/0")
    assert route.nexthops == (NextHop(2, ip_address("10.0.0.254")),)
    assert (route.metric, route.mtu, route.protocol) == (100, 1400, "dhcp")
    assert route.text == "default via 10.0.0.254 dev eth0 proto dhcp metric 100 mtu 1400"


def test_a_multipath_route_has_its_weights_and_flags() -> None:
    hops = b"".join(
        struct.pack("=HBBi", 8 + len(extra), flags, weight - 1, index) + extra
        for index, weight, flags, extra in (
            (2, 1, 0x11, attr(5, ip("10.0.0.1"))),
            (3, 5, 4, attr(18, b"\x0a\0" + ip("fe80::1"))),
        )
    )
    (route,) = parse_routes([wire.route(INET, 8, attr(1, ip("10.0.0.0")), attr(9, hops))], {2: "a", 3: "b"})
    assert route.nexthops == (
        NextHop(2, ip_address("10.0.0.1"), 1, frozenset({"dead", "linkdown"})),
        NextHop(3, ip_address("fe80::1"), 5, frozenset({"onlink"})),
    )
    assert route.text == (
        "10.0.0.0/8 proto static nexthop via 10.0.0.1 dev a weight 1 dead linkdown"
        " nexthop via inet6 fe80::1 dev b weight 5 onlink"
    )


def test_a_dead_end_has_no_way_out_even_where_the_kernel_names_a_device() -> None:
    (route,) = parse_routes([wire.route(INET6, 0, attr(4, u32(1)), kind=7, table=255)], {1: "lo"})
    assert (route.kind, route.nexthops, route.table) == ("unreachable", (), 255)


def test_a_table_above_255_is_in_its_attribute() -> None:
    (route,) = parse_routes([wire.route(INET, 0, attr(4, u32(2)), attr(15, u32(1000)), table=252)], {2: "eth0"})
    assert route.table == 1000
    assert route.text == "default dev eth0 table 1000 proto static"


def test_a_route_by_object_number_is_resolved_through_groups() -> None:
    header = struct.pack("=BBBxI", INET, 0, 4, 0)
    objects = parse_nexthop_objects([
        (104, header + attr(1, u32(1)) + attr(5, u32(2)) + attr(6, ip("10.0.0.1"))),
        (104, header + attr(1, u32(2)) + attr(5, u32(3))),
        (104, header + attr(1, u32(3)) + attr(4, b"")),
        (104, header + attr(1, u32(9)) + attr(2, struct.pack("=IBBHIBBHIBBH", 1, 0, 0, 0, 2, 4, 1, 0, 3, 0, 0, 0))),
    ])  # fmt: skip
    messages = [wire.route(INET, 0, attr(30, u32(9)))]
    assert needs_objects(messages)
    (route,) = parse_routes(messages, {2: "a", 3: "b"}, {each.number: each for each in objects})
    assert route.nexthops == (NextHop(2, ip_address("10.0.0.1"), 1), NextHop(3, None, 261))


def test_a_route_with_its_ways_out_needs_no_objects() -> None:
    assert not needs_objects([wire.route(INET, 0, attr(30, u32(9)), attr(4, u32(2)))])


def test_learned_exceptions_and_other_families_are_no_routes() -> None:
    kind, body = wire.route(INET, 32, attr(1, ip("10.0.0.1")), attr(4, u32(2)))
    cloned = body[:8] + u32(0x200) + body[12:]
    assert parse_routes([(kind, cloned), wire.route(128, 0), (3, b"")], {}) == ()


def test_a_rule_with_every_selector() -> None:
    body = wire.rule(
        INET, attr(6, u32(100)), attr(1, ip("10.2.0.0")), attr(2, ip("10.0.0.1")), attr(3, name("eth0")),
        attr(17, name("eth1")), attr(10, u32(16)), attr(16, u32(0xF0)), attr(15, u32(1000)), attr(14, u32(0)),
        attr(20, struct.pack("=II", 0, 1000)), attr(22, b"\6"), attr(23, struct.pack("=HH", 5, 9)),
        attr(24, struct.pack("=HH", 80, 80)), attr(21, b"\4"), lengths=(16, 32), flags=2,
    )  # fmt: skip
    (rule,) = parse_rules([(32, body)])
    assert (rule.family, rule.priority, rule.action, rule.table) == (Family.INET, 100, "table", 1000)
    assert (rule.source, rule.destination) == (ip_network("10.0.0.1/32"), ip_network("10.2.0.0/16"))
    assert (rule.iif, rule.oif, rule.fwmark, rule.fwmask) == ("eth0", "eth1", 16, 0xF0)
    assert (rule.uid_range, rule.ip_protocol, rule.sport, rule.dport) == ((0, 1000), 6, (5, 9), (80, 80))
    assert (rule.suppress_prefixlength, rule.invert, rule.unmodelled) == (0, True, ())
    assert rule.text == (
        "100: not from 10.0.0.1 to 10.2.0.0/16 fwmark 0x10/0xf0 iif eth0 oif eth1 uidrange 0-1000 ipproto tcp"
        " sport 5-9 dport 80 lookup 1000 suppress_prefixlength 0 proto static"
    )


def test_a_rule_without_selectors_matches_everything() -> None:
    (rule,) = parse_rules([(32, wire.rule(INET6, attr(14, u32(0xFFFFFFFF))))])
    assert (rule.priority, rule.source, rule.fwmark, rule.suppress_prefixlength) == (0, None, None, None)
    assert rule.text == "0: from all lookup main"


def test_a_selector_without_a_field_is_kept_in_words() -> None:
    masks = attr(28, b"\x0f\0") + attr(29, b"\xff\xff")
    (rule,) = parse_rules([(32, wire.rule(INET, attr(12, (5).to_bytes(8, "big")), masks))])
    assert rule.unmodelled == ("tun_id 5", "sport mask 0xf")
    assert rule.text == "0: from all lookup main tun_id 5 sport mask 0xf"


@pytest.mark.parametrize(
    ("action", "attributes", "text"),
    [
        (2, (attr(4, u32(200)),), "0: from all goto 200"),
        (3, (), "0: from all nop"),
        (6, (), "0: from all blackhole"),
        (7, (), "0: from all unreachable"),
        (8, (), "0: from all prohibit"),
    ],
)
def test_a_rule_that_looks_nothing_up(action: int, attributes: tuple[bytes, ...], text: str) -> None:
    (rule,) = parse_rules([(32, wire.rule(INET, *attributes, action=action))])
    assert rule.text == text


def test_neighbours_have_their_state_and_failed_ones_no_address() -> None:
    rows = parse_neighbours([
        wire.neighbour(INET, 2, 0x02, attr(1, ip("10.0.0.1")), attr(2, bytes(6))),
        wire.neighbour(INET6, 2, 0x20, attr(1, ip("fe80::1"))),
        wire.neighbour(INET, 2, 0x00, attr(1, ip("10.0.0.9")), flags=0x08),
        wire.neighbour(INET, 2, 0x40, attr(1, ip("224.0.0.1")), attr(2, bytes(6))),
        wire.neighbour(BRIDGE, 2, 0x80, attr(2, bytes(6))),
    ])  # fmt: skip
    assert rows == (
        Neighbour(2, ip_address("10.0.0.1"), "00:00:00:00:00:00", "reachable"),
        Neighbour(2, ip_address("fe80::1"), None, "failed"),
        Neighbour(2, ip_address("10.0.0.9"), None, "permanent", proxy=True),
    )


def test_forwarding_entries_are_those_of_bridges_and_vxlans() -> None:
    mac = attr(2, bytes.fromhex("020000000001"))
    rows = parse_fdb([
        wire.neighbour(BRIDGE, 5, 0x02, mac, attr(9, u32(3)), attr(5, b"\x0a\0")),
        wire.neighbour(BRIDGE, 5, 0x80, mac, attr(9, u32(3))),
        wire.neighbour(BRIDGE, 6, 0x80, mac, attr(1, ip("192.0.2.1")), flags=2),
        wire.neighbour(BRIDGE, 2, 0x80, mac, flags=2),
    ])  # fmt: skip
    assert rows == (
        FdbEntry(5, 3, "02:00:00:00:00:01", vlan=10),
        FdbEntry(5, 3, "02:00:00:00:00:01", local=True),
        FdbEntry(6, None, "02:00:00:00:00:01", destination=ip_address("192.0.2.1")),
    )


def test_a_namespace_without_a_number_has_none() -> None:
    assert parse_nsid((88, bytes(4) + attr(1, struct.pack("=i", 3)))) == 3
    assert parse_nsid((88, bytes(4) + attr(1, struct.pack("=i", -1)))) is None


Parser = Callable[[Sequence[Message]], object]
PARSERS: list[tuple[int, Parser]] = [
    (16, parse_links),
    (20, parse_addresses),
    (24, lambda messages: parse_routes(messages, {})),
    (24, needs_objects),
    (104, parse_nexthop_objects),
    (32, parse_rules),
    (28, parse_neighbours),
    (28, parse_fdb),
    (88, lambda messages: parse_nsid(messages[0])),
]


@pytest.mark.parametrize(("kind", "parse"), PARSERS)
@given(body=bodies())
def test_whatever_the_kernel_sends_a_parser_raises_nothing_but_its_own_error(
    kind: int, parse: Parser, body: bytes
) -> None:
    with suppress(NetlinkError):
        parse([(kind, body)])
