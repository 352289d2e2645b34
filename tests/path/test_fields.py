"""Every field that a rule can ask for: its value, and what it is where the packet has none."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from engine.model.packet import TCP_ACK, TCP_RST, TCP_SYN, Protocol
from engine.model.trace import Arp
from engine.model.traffic import Tuple4
from engine.observe.firewall.fields import FIELDS as VOCABULARY
from engine.observe.firewall.fields import is_exact
from engine.path.fields.table import FIELDS, read
from engine.path.lookup.flow import tuple_of
from engine.path.lookup.values import UNKNOWN, Unknown
from engine.path.lookup.view import View
from tests.hosts.build import World
from tests.hosts.stock import one_bridge, three_in_line
from tests.path.journeys import packet, view

V4, V6 = ("10.1.0.2", "10.2.0.2"), ("fd01::2", "fd02::2")
FLOW = Tuple4(ip_address("10.1.0.2"), ip_address("10.2.0.9"), 50000, 8080)
FLOW6 = Tuple4(ip_address("fd01::2"), ip_address("fd02::9"), 50000, 8080)
BACK = Tuple4(ip_address("10.2.0.2"), ip_address("10.2.0.1"), 80, 40000)
BACK6 = Tuple4(ip_address("fd02::2"), ip_address("fd02::1"), 80, 40000)
ROUTED = {"iif": "left", "oif": "right"}
ABSENT = None


#: Saturday, 29 February 2020, 12:00:00 UTC.
NOON = 1582977600


def seen(
    protocol: Protocol = Protocol.TCP,
    ends: tuple[str, str] = V4,
    hook: str = "forward",
    world: World | None = None,
    **more: Any,
) -> View:
    """A packet at the router's hook; what is not of the packet itself is of its context."""
    of_packet = {
        name: more.pop(name)
        for name in list(more)
        if name in ("sport", "dport", "icmp_type", "icmp_code", "ttl", "length", "mss", "tos", "tcp_flags", "stripped")
    }
    if protocol in (Protocol.ICMP, Protocol.ICMPV6):
        of_packet = {"sport": None, "dport": None, **of_packet}
    sent = packet(*ends, protocol=protocol, **of_packet)
    return view((world or three_in_line()).snapshot(), "router", sent, hook, **{**ROUTED, **more})


def _serving(address: str | None) -> View:
    """A packet for a program of the router itself."""
    world = three_in_line()
    world["router"].listen(80, address)
    return seen(ends=("10.1.0.2", "10.1.0.1"), hook="prerouting", world=world, dport=80, tcp_flags=TCP_SYN)


def _wrapped() -> View:
    """A packet that a policy leads through IPsec."""
    world = three_in_line()
    world["router"].ipsec("out", "10.1.0.0/24", "10.2.0.0/24", transforms=True)
    return seen(world=world)


WILD, TAKEN = _serving(None), _serving("10.1.0.1")
TCP, UDP, SCTP = seen(), seen(Protocol.UDP), seen(Protocol.SCTP)
ACK = seen(tcp_flags=TCP_ACK)
TCP6 = seen(ends=V6)
ICMP = seen(Protocol.ICMP, icmp_type=3, icmp_code=1)
ICMP6 = seen(Protocol.ICMPV6, V6, icmp_type=1, icmp_code=4)
ABOUT_UDP = seen(Protocol.ICMP, icmp_type=3, icmp_code=3, ct_state="related", ct_protocol=Protocol.UDP)
TRANSLATED = seen(
    ct_protocol=Protocol.TCP,
    ct_original=FLOW,
    ct_reply=BACK,
    ct_zone=7,
    ct_status=frozenset({"dnat"}),
    ct_mark=5,
    mark=9,
)
TRANSLATED6 = seen(ends=V6, ct_original=FLOW6, ct_reply=BACK6)
UNTRACKED, INVALID = seen(ct_state="untracked"), seen(ct_state="invalid")
BRIDGED = seen(iif="br0", oif="br0", physin="p1", physout="p2")
OF_PORTS = view(one_bridge().snapshot("sw"), "sw", packet(*V4), "forward", iif="left0", oif="right0")
ARP = seen(arp=Arp(1, "02:00:00:00:00:01"), source_mac="02:00:00:00:00:01")
ARP_REPLY = seen(arp=Arp(2, "", "02:00:00:00:00:01"))
WRAPPED = _wrapped()
SENT = seen(hook="output", iif="", oif="left", uid=1000)
BY_KERNEL = seen(hook="output", iif="", oif="left", uid=-1)
ANONYMOUS = seen(hook="output", iif="", oif="left")


def number(address: str) -> int:
    return int(ip_address(address))


CASES: list[tuple[str, View, object]] = [
    ("ip saddr", TCP, number(V4[0])),
    ("ip saddr", TCP6, ABSENT),
    ("ip daddr", TCP, number(V4[1])),
    ("ip daddr", TCP6, ABSENT),
    ("ip6 saddr", TCP6, number(V6[0])),
    ("ip6 saddr", TCP, ABSENT),
    ("ip6 daddr", TCP6, number(V6[1])),
    ("ip6 daddr", TCP, ABSENT),
    ("ip protocol", TCP, 6),
    ("ip protocol", UDP, 17),
    ("ip protocol", TCP6, ABSENT),
    ("ip6 nexthdr", ICMP6, 58),
    ("ip6 nexthdr", TCP, ABSENT),
    ("ip6 length", seen(ends=V6, length=80), 40),
    ("ip6 length", TCP, ABSENT),
    ("ip ttl", seen(ttl=3), 3),
    ("ip ttl", TCP6, ABSENT),
    ("ip6 hoplimit", TCP6, 64),
    ("ip6 hoplimit", TCP, ABSENT),
    ("ip dscp", seen(tos=0xB9), 46),
    ("ip dscp", TCP, 0),
    ("ip dscp", TCP6, ABSENT),
    ("ip ecn", seen(tos=0xB9), 1),
    ("ip ecn", TCP6, ABSENT),
    ("ip6 ecn", TCP6, 0),
    ("ip6 dscp", TCP6, 0),
    ("ip tos", seen(tos=0xB9), 0xB9),
    ("ip6 tos", TCP, ABSENT),
    ("ip version", TCP, 4),
    ("ip version", TCP6, ABSENT),
    ("ip hdrlength", TCP, 5),
    ("ip hdrlength", TCP6, ABSENT),
    *((f"ip option {name}", TCP, "missing") for name in ("lsrr", "rr", "ssrr", "ra")),
    *((f"exthdr {name}", TCP6, "missing") for name in ("frag", "hbh", "rt", "dst", "mh", "srh")),
    ("exthdr frag", TCP, ABSENT),
    ("nft exthdr", TCP6, ABSENT),
    *((f"xt {name}", TCP6, ABSENT) for name in ("frag", "hbh", "rt", "dst", "srh")),
    ("ip6 version", TCP6, 6),
    ("ip6 version", TCP, ABSENT),
    ("ip length", seen(length=60), 60),
    ("ip length", seen(Protocol.TCP, V6, length=80), ABSENT),
    ("meta length", seen(Protocol.TCP, V6, length=80), 80),
    ("meta length", TCP, Unknown(52, 0xFFFF)),
    ("meta length", UDP, Unknown(28, 0xFFFF)),
    ("meta l4proto", TCP, 6),
    ("meta l4proto", SCTP, 132),
    ("meta l4proto", ICMP6, 58),
    ("meta nfproto", TCP, "ipv4"),
    ("meta nfproto", TCP6, "ipv6"),
    ("meta protocol", TCP, 0x0800),
    ("meta protocol", TCP6, 0x86DD),
    ("ether type", TCP6, 0x86DD),
    ("meta mark", TRANSLATED, 9),
    ("meta mark", TCP, 0),
    ("meta iifname", TCP, "left"),
    ("meta iifname", SENT, ""),
    ("meta oifname", TCP, "right"),
    ("meta oifname", seen(oif=""), ""),
    ("meta iif", TCP, "left"),
    ("meta oif", TCP, "right"),
    ("meta ibrname", OF_PORTS, "br0"),
    ("meta ibrname", TCP, ""),
    ("meta obrname", OF_PORTS, "br0"),
    ("arp htype", ARP, 1),
    ("arp ptype", ARP, 0x0800),
    ("arp hlen", ARP, 6),
    ("arp plen", ARP, 4),
    ("arp operation", ARP, 1),
    ("arp operation", ARP_REPLY, 2),
    ("arp operation", TCP, ABSENT),
    ("arp saddr ip", ARP, int(ip_address(V4[0]))),
    ("arp daddr ip", ARP, int(ip_address(V4[1]))),
    ("arp saddr ether", ARP, 0x020000000001),
    ("arp saddr ether", ARP_REPLY, UNKNOWN),
    ("arp daddr ether", ARP, 0),
    ("arp daddr ether", ARP_REPLY, 0x020000000001),
    ("ether type", ARP, 0x0806),
    ("meta protocol", ARP, 0x0806),
    ("ether saddr", ARP, 0x020000000001),
    ("meta iifname", ARP, "left"),
    ("meta pkttype", OF_PORTS, UNKNOWN),
    ("meta pkttype", replace(OF_PORTS, context=replace(OF_PORTS.context, target_mac="02:00:00:00:00:77")), "other"),
    ("meta pkttype", ARP, UNKNOWN),
    ("ip saddr", ARP, ABSENT),
    ("tcp dport", ARP, ABSENT),
    ("meta obrname", TCP, ""),
    ("meta iifgroup", TCP, 0),
    ("meta iifgroup", SENT, ABSENT),
    ("meta oifgroup", TCP, 0),
    ("meta iiftype", seen(iif="lo"), 772),
    ("meta iiftype", OF_PORTS, 1),
    ("meta iiftype", SENT, ABSENT),
    ("meta oiftype", OF_PORTS, 1),
    ("ct helper", TCP, ABSENT),
    ("ct helper", seen(ct_status=frozenset({"expected"})), UNKNOWN),
    ("ct helper or none", TCP, ""),
    ("physdev in", BRIDGED, "p1"),
    ("physdev in", TCP, ""),
    ("physdev out", BRIDGED, "p2"),
    ("physdev is-in", BRIDGED, "yes"),
    ("physdev is-in", TCP, "no"),
    ("physdev is-out", BRIDGED, "yes"),
    ("physdev is-out", seen(physin="p1"), "no"),
    ("physdev is-bridged", BRIDGED, "yes"),
    ("physdev is-bridged", seen(physin="p1"), "no"),
    ("meta pkttype", TCP, "unicast"),
    ("meta pkttype", seen(ends=("10.1.0.2", "224.0.0.5")), "multicast"),
    ("meta pkttype", seen(ends=("10.1.0.2", "224.0.0.5"), iif=""), "unicast"),
    ("owner socket", SENT, "exists"),
    ("owner socket", TCP, "missing"),
    ("owner socket", BY_KERNEL, UNKNOWN),
    ("meta cgroup", SENT, UNKNOWN),
    ("meta cgroup", TCP, ABSENT),
    ("xt cgroup", TCP, ABSENT),
    ("meta skuid", SENT, 1000),
    ("meta skuid", TCP, ABSENT),
    ("meta skuid", ANONYMOUS, UNKNOWN),
    ("owner uid", SENT, 1000),
    ("owner uid", TCP, ""),
    ("owner uid", ANONYMOUS, UNKNOWN),
    ("ether saddr", seen(source_mac="02:00:00:00:00:0a"), 0x02000000000A),
    ("ether saddr", TCP, UNKNOWN),
    ("ether saddr", SENT, ABSENT),
    ("ether saddr", seen(iif="lo"), ABSENT),
    ("ether daddr", seen(target_mac="02:00:00:00:00:0b"), 0x02000000000B),
    ("ether daddr", TCP, UNKNOWN),
    ("ip fragment", TCP, "first"),
    ("ip frag-off", TCP, 0),
    ("meta iifkind", TCP, "veth"),
    ("meta iifkind", SENT, ABSENT),
    ("meta oifkind", TCP, "veth"),
    ("meta skgid", SENT, UNKNOWN),
    ("meta skgid", TCP, ABSENT),
    ("meta skuid", BY_KERNEL, ABSENT),
    ("owner uid", BY_KERNEL, ""),
    ("owner gid", SENT, UNKNOWN),
    ("owner gid", TCP, ""),
    ("tcp sport", TCP, 50000),
    ("tcp sport", UDP, ABSENT),
    ("tcp dport", TCP, 80),
    ("tcp dport", UDP, ABSENT),
    ("tcp flags", TCP, TCP_SYN),
    ("tcp flags", UDP, ABSENT),
    ("tcp option maxseg", TCP, "exists"),
    ("tcp option maxseg", ACK, "missing"),
    ("tcp option maxseg", UDP, "missing"),
    ("tcp option maxseg", seen(stripped=frozenset({"maxseg"})), "missing"),
    ("tcp option maxseg size", seen(mss=1460, stripped=frozenset({"maxseg"})), ABSENT),
    ("tcp option sack-perm", TCP, "exists"),
    ("tcp option sack-perm", ACK, "missing"),
    ("tcp option window", seen(tcp_flags=TCP_RST), "missing"),
    ("tcp option timestamp", ACK, "exists"),
    *((f"tcp option {name}", TCP, "missing") for name in ("sack", "md5sig", "mptcp", "fastopen")),
    ("tcp option timestamp", seen(tcp_flags=TCP_RST), "missing"),
    ("tcp option maxseg size", seen(mss=1460), 1460),
    ("tcp option maxseg size", TCP, UNKNOWN),
    ("tcp option maxseg size", ACK, ABSENT),
    ("tcp option maxseg size", UDP, ABSENT),
    ("tcp option maxseg size or none", seen(mss=1460), 1460),
    ("tcp option maxseg size or none", ACK, ""),
    ("udp sport", UDP, 50000),
    ("udp sport", TCP, ABSENT),
    ("udp dport", UDP, 80),
    ("udp dport", TCP, ABSENT),
    ("sctp sport", SCTP, 50000),
    ("sctp sport", TCP, ABSENT),
    ("sctp dport", SCTP, 80),
    ("sctp dport", TCP, ABSENT),
    ("th sport", UDP, 50000),
    ("th sport", ICMP, ABSENT),
    ("th dport", TCP, 80),
    ("th dport", ICMP, ABSENT),
    ("icmp type", ICMP, 3),
    ("icmp type", TCP, ABSENT),
    ("icmp code", ICMP, 1),
    ("icmp code", ICMP6, ABSENT),
    ("icmpv6 type", ICMP6, 1),
    ("icmpv6 type", ICMP, ABSENT),
    ("icmpv6 code", ICMP6, 4),
    ("icmpv6 code", TCP6, ABSENT),
    ("ct state", TCP, frozenset({"new"})),
    ("ct state", TRANSLATED, frozenset({"new", "dnat"})),
    ("ct state", UNTRACKED, frozenset({"untracked"})),
    ("ct status", TRANSLATED, frozenset({"dnat"})),
    ("ct status", UNTRACKED, ABSENT),
    ("ct direction", TCP, "original"),
    ("ct direction", seen(ct_reply_direction=True), "reply"),
    ("ct direction", INVALID, ABSENT),
    ("ct mark", TRANSLATED, 5),
    ("ct mark", UNTRACKED, ABSENT),
    ("ct label", seen(ct_labels=1 << 100), 1 << 100),
    ("ct label", UNTRACKED, ABSENT),
    ("ct label or none", TRANSLATED, 0),
    ("ct label or none", INVALID, ""),
    ("ct l3proto", TCP6, "ipv6"),
    ("ct l3proto", INVALID, ABSENT),
    ("ct protocol", TRANSLATED, 6),
    ("ct protocol", ABOUT_UDP, 17),
    ("ct protocol", UNTRACKED, ABSENT),
    ("ct original ip saddr", TRANSLATED, number("10.1.0.2")),
    ("ct original ip saddr", TCP, ABSENT),
    ("ct original ip daddr", TRANSLATED, number("10.2.0.9")),
    ("ct original ip6 saddr", TRANSLATED6, number("fd01::2")),
    ("ct original ip6 daddr", TRANSLATED6, number("fd02::9")),
    ("ct original proto-src", TRANSLATED, 50000),
    ("ct original proto-dst", TRANSLATED, 8080),
    ("ct original proto-dst", TCP, ABSENT),
    ("ct reply ip saddr", TRANSLATED, number("10.2.0.2")),
    ("ct reply ip saddr", TCP, ABSENT),
    ("ct reply ip daddr", TRANSLATED, number("10.2.0.1")),
    ("ct reply ip6 saddr", TRANSLATED6, number("fd02::2")),
    ("ct reply ip6 daddr", TRANSLATED6, number("fd02::1")),
    ("ct reply proto-src", TRANSLATED, 80),
    ("ct reply proto-dst", TRANSLATED, 40000),
    ("ct zone", TRANSLATED, 7),
    ("ct zone", UNTRACKED, ABSENT),
    ("fib daddr type", TCP, "unicast"),
    ("fib daddr type", seen(ends=("10.1.0.2", "10.2.0.1")), "local"),
    ("fib daddr type", seen(ends=("10.1.0.2", "10.2.0.255")), "broadcast"),
    ("fib daddr type", seen(ends=("10.1.0.2", "224.0.0.5")), "multicast"),
    ("fib daddr type", seen(ends=("10.1.0.2", "127.0.0.9")), "local"),
    ("fib saddr type", seen(ends=("10.1.0.1", "10.2.0.2")), "local"),
    ("fib saddr type", TCP, "unicast"),
    ("fib daddr . iif type", seen(ends=("10.1.0.2", "10.1.0.1")), "local"),
    ("fib daddr . iif type", seen(ends=("10.1.0.2", "10.2.0.1")), "unicast"),
    ("fib saddr . iif type", seen(ends=("10.1.0.1", "10.2.0.2")), "local"),
    ("fib daddr . oif type", seen(ends=("10.1.0.2", "10.2.0.1")), "local"),
    ("fib saddr . oif type", seen(ends=("10.1.0.1", "10.2.0.2")), "unicast"),
    ("fib saddr . iif oif", TCP, "exists"),
    ("fib saddr . iif oif", seen(iif="right"), "missing"),
    ("fib saddr . iif oif", seen(ends=("192.0.2.1", V4[1])), "missing"),
    ("fib saddr . iif oif", seen(ends=("10.1.0.1", "10.1.0.1"), iif="lo", hook="input"), "exists"),
    ("fib saddr . mark . iif oif", TCP, "exists"),
    ("fib saddr oif", seen(iif="right"), "exists"),
    ("fib saddr oif", seen(ends=("192.0.2.1", V4[1])), "missing"),
    ("fib saddr oif", seen(ends=("10.2.0.1", V4[1])), "missing"),
    ("fib saddr . mark oif", TCP, "exists"),
    ("fib saddr oifname", TCP, "left"),
    ("fib saddr . iif oifname", TCP, "left"),
    ("fib saddr . iif oifname", seen(iif="right"), ""),
    ("fib saddr . mark oifname", TCP, "left"),
    ("fib saddr . mark . iif oifname", TCP, "left"),
    ("fib daddr oif", TCP, "exists"),
    ("fib daddr oif", seen(ends=("10.1.0.2", "10.2.0.1")), "missing"),
    ("fib daddr . iif oif", TCP, "missing"),
    ("fib daddr . mark oif", TCP, "exists"),
    ("fib daddr . mark . iif oif", seen(iif="right"), "exists"),
    ("fib daddr oifname", TCP, "right"),
    ("fib daddr oifname", seen(ends=("10.1.0.2", "192.0.2.1")), ""),
    ("fib daddr . iif oifname", TCP, ""),
    ("fib daddr . mark oifname", TCP, "right"),
    ("fib daddr . mark . iif oifname", TCP, ""),
    *(
        (f"fib saddr{marked}{device} oif or local", seen(ends=("10.1.0.1", V4[1])), "exists")
        for marked in ("", " . mark")
        for device in ("", " . iif")
    ),
    *(
        (f"fib daddr{marked}{device} oif or local", seen(ends=(V4[0], "192.0.2.1")), "missing")
        for marked in ("", " . mark")
        for device in ("", " . iif")
    ),
    *(
        (f"fib {end} . mark{device} type", TCP, "unicast")
        for end in ("saddr", "daddr")
        for device in ("", " . iif", " . oif")
    ),
    ("ipsec in", TCP, "missing"),
    ("ipsec in", WRAPPED, UNKNOWN),
    ("ipsec out", TCP, "missing"),
    ("ipsec out", WRAPPED, "exists"),
    ("meta ipsec", TCP, "missing"),
    ("rt ipsec", TCP, "missing"),
    ("rt ipsec", seen(hook="prerouting"), ABSENT),
    *((f"ipsec {way} {part}", TCP, ABSENT) for way in ("in", "out") for part in ("reqid", "spi", "saddr", "daddr")),
    ("ipsec out reqid", WRAPPED, UNKNOWN),
    ("rt ip nexthop", TCP, number(V4[1])),
    ("rt ip nexthop", seen(gateway=ip_address("10.2.0.9")), number("10.2.0.9")),
    ("rt ip nexthop", seen(hook="prerouting"), ABSENT),
    ("rt ip nexthop", seen(hook="prerouting", iif="lo"), number(V4[1])),
    ("rt ip nexthop", TCP6, ABSENT),
    ("rt ip6 nexthop", TCP6, number(V6[1])),
    ("rt mtu", TCP, 1460),
    ("rt classid", TCP, 0),
    ("meta rtclassid", seen(hook="prerouting"), ABSENT),
    *(
        (f"ct {way}{what}", TRANSLATED, Unknown(0, most))
        for way in ("", "original ", "reply ")
        for what, most in (("bytes", 1 << 18), ("packets", 16), ("avgpkt", 1 << 16))
    ),
    ("ct bytes", UNTRACKED, ABSENT),
    ("ct bytes", seen(ct_old=True), UNKNOWN),
    ("socket", TAKEN, "exists"),
    ("socket", WILD, "missing"),
    ("socket", replace(WILD, hook="forward"), UNKNOWN),
    ("socket", replace(WILD, sockets={("router", tuple_of(WILD.packet)): True}), "exists"),
    ("socket or wildcard", WILD, "exists"),
    ("socket or wildcard", replace(WILD, packet=replace(WILD.packet, tcp_flags=TCP_ACK)), "missing"),
    ("socket transparent", TAKEN, UNKNOWN),
    ("socket transparent", replace(TAKEN, packet=replace(TAKEN.packet, tcp_flags=TCP_ACK)), ABSENT),
    ("socket transparent", replace(WILD, sockets={("router", tuple_of(WILD.packet)): True}), 1),
    ("socket wildcard", WILD, 1),
    ("socket wildcard", TAKEN, 0),
    ("socket wildcard", replace(WILD, sockets={("router", tuple_of(WILD.packet)): None}), 0),
    ("clock", replace(TCP, now=NOON), NOON),
    ("clock", TCP, UNKNOWN),
    ("clock second", replace(TCP, now=NOON), 12 * 3600),
    ("clock weekday", replace(TCP, now=NOON), 6),
    ("clock day", replace(TCP, now=NOON), 29),
    ("zoned", replace(TCP, now=NOON), NOON),
    ("zoned second", replace(TCP, now=NOON), 12 * 3600),
    ("zoned weekday", replace(TCP, now=NOON), 6),
    ("zoned day", replace(TCP, now=NOON), 29),
    ("meta time", replace(TCP, now=NOON), NOON),
    ("meta hour", replace(TCP, now=NOON), 12 * 3600),
    ("meta day", replace(TCP, now=NOON), 6),
]


@pytest.mark.parametrize(
    ("name", "where", "value"), CASES, ids=[f"{number}-{name}" for number, (name, _, _) in enumerate(CASES)]
)
def test_field(name: str, where: View, value: object) -> None:
    found = read(name, where)
    assert (found, type(found)) == (value, type(value))


def test_every_field_has_a_case() -> None:
    assert {name for name, _, _ in CASES} == set(FIELDS)


def test_what_parses_exactly_is_read_exactly() -> None:
    """A parser that calls a field exact promises that the walk knows it."""
    exact = {name for name in VOCABULARY if is_exact(name)}
    assert exact - set(FIELDS) == set()


def test_what_is_no_field_is_unknown() -> None:
    for name in ("xt recent", "nft limit", "no such field"):
        assert read(name, TCP) is UNKNOWN


def test_the_way_back_is_the_best_route_and_not_one_by_the_incoming_device() -> None:
    world = three_in_line()
    world["router"].route("192.0.2.0/24 via 10.2.0.2 dev right").route("default via 10.1.0.2 dev left")
    where = seen(ends=("192.0.2.7", V4[1]), world=world)
    assert read("fib saddr . iif oif", where) == "missing"
    assert read("fib saddr oif", where) == "exists"


def test_a_mark_may_lead_the_way_back() -> None:
    world = three_in_line()
    world["router"].policy(50, 100, fwmark=7).route("192.0.2.0/24 via 10.1.0.2 dev left table 100")
    where = seen(ends=("192.0.2.7", V4[1]), world=world, mark=7)
    assert read("fib saddr . mark . iif oif", where) == "exists"
    assert read("fib saddr . mark oif", where) == "exists"
    assert read("fib saddr . iif oif", where) == "missing"


def test_the_protocol_of_a_flow_is_not_that_of_an_error_about_it() -> None:
    assert read("ct protocol", seen(ct_state="related", ct_protocol=Protocol.UDP)) == 17
    assert read("ct protocol", seen(ct_state="established")) == 6
