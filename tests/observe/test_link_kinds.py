"""Links of kinds that the kernel at hand may lack: their settings from bytes laid out as include/uapi/linux says."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from hypothesis import given

from engine.model.link import BridgeVlan, FdbEntry, Program
from engine.model.route import NextHop, NextHopObject
from engine.observe.base.errors import NetlinkError
from engine.observe.netlink.bridge_links import parse_vlans
from engine.observe.netlink.client import Message
from engine.observe.netlink.link_programs import parse_disciplines, parse_filters, xdp_programs
from engine.observe.netlink.links import parse_links
from engine.observe.netlink.neighbours import parse_fdb
from engine.observe.netlink.nexthops import parse_nexthop_objects
from engine.observe.netlink.route_exceptions import parse_exceptions
from tests.observe import wire
from tests.observe.bodies import bodies
from tests.observe.wire import attr, ip, name, u32

BRIDGE = 7


def u16(value: int) -> bytes:
    return struct.pack("=H", value)


def be(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big")


def info(kind: str, *data: bytes) -> bytes:
    return attr(18, attr(1, name(kind)) + attr(2, b"".join(data)))


def port_of(kind: str, *data: bytes) -> bytes:
    return attr(10, u32(9)) + attr(18, attr(4, name(kind)) + attr(5, b"".join(data)))


KINDS: list[tuple[str, tuple[bytes, ...], dict[str, str]]] = [
    ("vlan", (attr(1, u16(100)), attr(5, be(0x88A8, 2))), {"id": "100", "protocol": "802.1ad"}),
    ("ipvlan", (attr(1, u16(1)), attr(2, u16(1))), {"mode": "l3", "flags": "private"}),
    ("macvlan", (attr(1, u32(16)),), {"mode": "source"}),
    (
        "macvlan",
        (attr(1, u32(16)), attr(5, attr(4, bytes(5) + b"\2") + attr(4, bytes(5) + b"\1"))),
        {"mode": "source", "sources": "00:00:00:00:00:01 00:00:00:00:00:02"},
    ),
    (
        "bond",
        (attr(1, b"\1"), attr(2, u32(4)), attr(14, b"\1"), attr(3, u32(100))),
        {"mode": "active-backup", "active_slave": "4", "xmit_hash_policy": "layer3+4", "miimon": "100"},
    ),
    ("vrf", (attr(1, u32(10)),), {"table": "10"}),
    (
        "netkit",
        (attr(3, u32(0)), attr(4, u32(2)), attr(5, u32(1))),
        {"policy": "forward", "peer policy": "blackhole", "mode": "l3"},
    ),
    (
        "geneve",
        (attr(1, u32(7)), attr(2, ip("192.0.2.9")), attr(5, be(6081, 2))),
        {"id": "7", "remote": "192.0.2.9", "dstport": "6081"},
    ),
    (
        "gre",
        (attr(6, ip("192.0.2.1")), attr(7, ip("192.0.2.2")), attr(4, be(5, 4))),
        {"local": "192.0.2.1", "remote": "192.0.2.2", "ikey": "5"},
    ),
    (
        "ip6tnl",
        (attr(2, ip("2001:db8::1")), attr(3, ip("2001:db8::2"))),
        {"local": "2001:db8::1", "remote": "2001:db8::2"},
    ),
    (
        "vti",
        (attr(4, ip("192.0.2.1")), attr(5, ip("192.0.2.2")), attr(3, be(6, 4))),
        {"local": "192.0.2.1", "remote": "192.0.2.2", "okey": "6"},
    ),
    (
        "vxlan",
        (attr(1, u32(42)), attr(25, b"\1"), attr(10, be(100, 2) + be(200, 2)), attr(23, b"")),
        {"id": "42", "external": "1", "srcport": "100-200", "gbp": "1"},
    ),
    ("wireguard", (), {}),
]


@pytest.mark.parametrize(("kind", "data", "detail"), KINDS)
def test_a_kind_has_its_settings_by_iproute2_s_names(
    kind: str, data: tuple[bytes, ...], detail: dict[str, str]
) -> None:
    (seen,) = parse_links([wire.link(3, "x0", info(kind, *data))])
    assert seen.link.kind == kind
    assert dict(seen.link.detail) == detail


@pytest.mark.parametrize(("kind", "place"), [("vxlan", 3), ("gre", 1), ("ipip", 1), ("vti", 1)])
def test_a_tunnel_names_its_lower_device_in_its_own_settings(kind: str, place: int) -> None:
    (seen,) = parse_links([wire.link(3, "x0", info(kind, attr(place, u32(2))))])
    assert (seen.link.parent, seen.far) == (2, None)


def test_a_bond_knows_which_of_its_links_is_active() -> None:
    active, backup = parse_links([
        wire.link(3, "eth0", port_of("bond", attr(1, b"\0"), attr(2, b"\0"))),
        wire.link(4, "eth1", port_of("bond", attr(1, b"\1"), attr(2, b"\2"))),
    ])  # fmt: skip
    assert active.link.slave == {"state": "ACTIVE", "mii_status": "UP"}
    assert backup.link.slave == {"state": "BACKUP", "mii_status": "DOWN"}
    assert (active.link.master, active.link.port) == (9, None)


def test_a_link_of_a_vrf_has_its_table() -> None:
    (seen,) = parse_links([wire.link(3, "eth0", port_of("vrf", attr(1, u32(10))))])
    assert seen.link.slave == {"table": "10"}


def test_a_bridge_tells_how_it_filters_by_vlan() -> None:
    data = (attr(7, b"\1"), attr(8, be(0x88A8, 2)), attr(39, u16(5)), attr(23, b"\0"))
    (seen,) = parse_links([wire.link(3, "br0", info("bridge", *data))])
    assert seen.link.bridge is not None
    assert (seen.link.bridge.vlan_filtering, seen.link.bridge.vlan_protocol) == (True, "802.1ad")
    assert (seen.link.bridge.default_pvid, seen.link.bridge.multicast_snooping) == (5, False)


def test_a_port_has_settings_that_only_newer_kernels_know() -> None:
    data = (attr(27, b"\0"), attr(30, b"\0"), attr(32, b"\1"), attr(39, b"\1"), attr(34, u32(8)), attr(29, b"\1"))
    (seen,) = parse_links([wire.link(3, "eth0", port_of("bridge", *data))])
    port = seen.link.port
    assert port is not None
    assert (port.multicast_flood, port.broadcast_flood, port.flood) == (False, False, True)
    assert (port.neigh_suppress, port.locked, port.vlan_tunnel, port.backup) == (True, True, True, 8)


def vlan(flags: int, number: int) -> bytes:
    return attr(2, struct.pack("=HH", flags, number))


def vlans(index: int, *infos: bytes) -> Message:
    return 16, struct.pack("=BxHiII", BRIDGE, 1, index, 0, 0) + attr(26, b"".join(infos))


def test_vlans_come_alone_and_as_runs() -> None:
    rows = parse_vlans([
        vlans(3, vlan(0x6, 1), vlan(0x8, 10), vlan(0x10, 12), vlan(0xC, 20), vlan(0x14, 21)),
        vlans(4, attr(0, u16(1)), vlan(0, 7)),
        vlans(5),
    ])  # fmt: skip
    tagged = tuple(BridgeVlan(number) for number in (10, 11, 12))
    bare = tuple(BridgeVlan(number, untagged=True) for number in (20, 21))
    assert rows == (
        (3, (BridgeVlan(1, pvid=True, untagged=True), *tagged, *bare)),
        (4, (BridgeVlan(7),)),
        (5, ()),
    )


def test_a_vlan_that_cannot_be_is_refused() -> None:
    with pytest.raises(NetlinkError):
        parse_vlans([vlans(3, vlan(0x8, 1), vlan(0x10, 65535))])


@pytest.mark.parametrize(("mode", "kind"), [(1, "native"), (2, "generic"), (3, "offloaded"), (4, "several")])
def test_xdp_is_noted_with_how_it_is_attached(mode: int, kind: str) -> None:
    assert xdp_programs(attr(2, bytes([mode])) + attr(4, u32(17))) == (Program("xdp", kind, number=17),)
    assert xdp_programs(attr(2, b"\0")) == xdp_programs(None) == ()


def tc(kind: int, index: int, handle: int, parent: int, *attributes: bytes) -> Message:
    return kind, struct.pack("=BxxxiIII", 0, index, handle, parent, 0) + b"".join(attributes)


def test_only_clsact_and_ingress_have_classifiers_that_matter() -> None:
    found = parse_disciplines([
        tc(36, 2, 0xFFFF0000, 0xFFFFFFF1, attr(1, name("clsact"))),
        tc(36, 3, 0x10000, 0xFFFFFFFF, attr(1, name("htb"))),
        tc(36, 4, 0xFFFF0000, 0xFFFFFFF1, attr(1, name("ingress"))),
    ])  # fmt: skip
    assert found == (2, 4)


def test_a_bpf_classifier_has_its_name_and_number() -> None:
    options = attr(2, attr(7, name("cil_from_container")) + attr(11, u32(99)))
    found = parse_filters(
        [tc(44, 2, 0, 0xFFFFFFF2, attr(1, name("bpf"))), tc(44, 2, 1, 0xFFFFFFF2, attr(1, name("bpf")), options)],
        "ingress",
    )
    assert found == (Program("ingress", "bpf", "cil_from_container", 99),)


def test_a_forwarding_entry_may_name_a_nexthop_object() -> None:
    mac = attr(2, bytes.fromhex("020000000001"))
    (entry,) = parse_fdb([wire.neighbour(BRIDGE, 6, 0x40, mac, attr(13, u32(7)), attr(15, u32(2)), flags=0x50)])
    assert entry == FdbEntry(
        6, None, "02:00:00:00:00:01", nexthop=7, flags=frozenset({"static", "extern_learn", "sticky", "locked"})
    )


def test_nexthop_objects_may_be_for_forwarding_entries_or_lead_nowhere() -> None:
    rows = parse_nexthop_objects([
        (104, bytes(8) + attr(1, u32(1)) + attr(6, ip("192.0.2.1")) + attr(11, b"")),
        (104, bytes(8) + attr(1, u32(2)) + attr(4, b"")),
        (104, bytes(8) + attr(1, u32(3)) + attr(2, struct.pack("=IBBH", 1, 4, 0, 0)) + attr(11, b"")),
    ])  # fmt: skip
    assert rows == (
        NextHopObject(1, NextHop(None, wire.address("192.0.2.1")), fdb=True),
        NextHopObject(2, blackhole=True),
        NextHopObject(3, group=((1, 5),), fdb=True),
    )


def test_an_ordinary_route_is_no_exception() -> None:
    assert parse_exceptions([wire.route(2, 32, attr(1, ip("192.0.2.1")))], {}) == ()


Parser = Callable[[Sequence[Message]], object]
PARSERS: list[tuple[int, Parser]] = [
    (16, parse_vlans),
    (16, parse_links),
    (36, parse_disciplines),
    (44, lambda messages: parse_filters(messages, "ingress")),
    (104, parse_nexthop_objects),
    (24, lambda messages: parse_exceptions(messages, {})),
]


@pytest.mark.parametrize(("kind", "parse"), PARSERS)
@given(body=bodies())
def test_whatever_the_kernel_sends_a_parser_raises_nothing_but_its_own_error(
    kind: int, parse: Parser, body: bytes
) -> None:
    with suppress(NetlinkError):
        parse([(kind, body)])
