"""What netlink tells of a namespace, against what iproute2 prints for the same namespace."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address

import pytest

from engine.model.host import Gap
from engine.model.route import NextHop
from engine.observe.base.namespaces import NetnsRef, apart, enter
from engine.observe.netlink.stack import NetworkStack, read_stack
from engine.observe.proc.sysctls import read_sysctls
from tests.harness.needs import require
from tests.harness.netns import CommandFailed, End, Netns, World

require("ip", "bridge", "sysctl", root=True)

ADDRESSES = (
    "10.1.0.1/24 dev a0",
    "10.1.0.2/24 dev a0",
    "10.9.0.1 peer 10.9.0.2 dev a0",
    "192.0.2.1/32 dev lo scope link",
    "2001:db8::1/64 dev a0 nodad",
    "2001:db8::2/64 dev a0 nodad preferred_lft 0",
)
ROUTES = (
    "default via 10.1.0.254 dev a0",
    "default via 10.1.0.253 dev a0 metric 50 mtu 1400",
    "10.20.0.0/16 nexthop via 10.1.0.7 dev a0 weight 3 realm 9 nexthop via 10.2.0.7 dev br0",
    "10.21.0.0/16 via 172.31.0.1 dev a0 onlink src 10.1.0.2 proto static",
    "10.22.0.0/16 via inet6 fe80::7 dev a0",
    "10.23.0.0/16 dev a0 scope link tos 0x10",
    "10.24.0.0/16 via 10.1.0.7 dev a0 realm 4/5 mtu 1400",
    "unreachable 10.30.0.0/16 metric 7",
    "blackhole 10.31.0.0/16",
    "prohibit 10.32.0.0/16 table 1000",
    "throw 10.33.0.0/16 table 1000",
    "local 10.34.0.0/16 dev lo",
    "10.35.0.1 dev d0",
    "10.40.0.0/16 nhid 1",
    "10.41.0.0/16 nhid 10",
    "2001:db8:2::/64 via 2001:db8::7 dev a0 metric 5 pref high",
    "2001:db8:3::/64 nexthop via 2001:db8::7 dev a0 weight 2 nexthop via 2001:db8::8 dev a0",
    "unreachable 2001:db8:4::/64",
    "default via fe80::1 dev a0 table 1000",
)
RULES = (
    "pref 100 from 10.0.0.0/8 lookup 1000",
    "pref 101 not from 10.0.0.1 to 10.2.0.0/16 tos 0x10 fwmark 0x10/0xf0 iif a0 oif gone lookup main"
    " suppress_prefixlength 0",
    "pref 102 fwmark 7 ipproto tcp sport 5-9 dport 80 uidrange 0-1000 lookup 1000",
    "pref 103 goto 200",
    "pref 104 goto 32766",
    "pref 105 nop",
    "pref 106 from 1.2.3.4 blackhole",
    "pref 107 to 1.0.0.0/8 unreachable",
    "pref 108 prohibit",
    "pref 109 l3mdev",
    "pref 110 lookup main suppress_ifgroup 3",
    "pref 111 from 10.0.0.9 lookup main realms 5/6",
    "pref 113 iif lo lookup default proto static",
    "pref 119 fwmark 0/0x1 ipproto udp lookup 9",
    "pref 120 sport 8-8 dport 443 lookup 9",
)
RULES6 = ("pref 100 from 2001:db8::/32 ipproto ipv6-icmp lookup 1000", "pref 101 to 2001:db8::1 iif a0 lookup main")

BRIDGE = (
    "link set dev port hairpin on isolated on learning off flood off guard on",
    "fdb add 02:00:00:00:00:01 dev port master static",
    "fdb add 02:00:00:00:00:02 dev port master",
)


@pytest.fixture(scope="module")
def box() -> Iterator[Netns]:
    """A namespace with a bit of everything that this kernel has for certain."""
    with World() as world:
        made, far = world.netns("box"), world.netns("far")
        world.veth(End(made, "a0"), End(made, "b0"))
        world.veth(End(made, "d0"), End(far, "up0"))
        world.veth(End(made, "port"), End(far, "eth0"))
        world.bridge(made, "br0", "10.2.0.1/24", ports=("port",))
        fill(made)
        far.ip("link set up0 down")
        settle(made)
        yield made


def settle(made: Netns) -> None:
    """Waits for what the kernel does later by itself: lost carriers, duplicate address detection."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        links = {row["ifname"]: row for row in made.ip_json("address")}
        states = {name: row["operstate"] for name, row in links.items()}
        inet6 = [entry for row in links.values() for entry in row["addr_info"] if entry["family"] == "inet6"]
        own = {name for name, row in links.items() if any(one["scope"] == "link" for one in row["addr_info"])}
        lost = "linkdown" in made.run("ip", "route", "show", "10.35.0.1")
        if lost and states["br0"] == "UP" and {"a0", "b0", "port"} <= own and not any("tentative" in e for e in inet6):
            return
        time.sleep(0.05)
    raise AssertionError("the namespace did not come to rest")


def fill(made: Netns) -> None:
    for address in ADDRESSES:
        made.ip(f"address add {address}")
    made.ip("link set a0 alias way-out")
    made.ip("link set a0 mtu 1400")
    made.ip("link set br0 type bridge ageing_time 1000 group_fwd_mask 8 nf_call_iptables 1")
    for command in BRIDGE:
        made.run("bridge", *command.split())
    made.ip("nexthop add id 1 via 10.1.0.9 dev a0")
    made.ip("nexthop add id 2 dev br0")
    made.ip("nexthop add id 10 group 1,4/2")
    for route in ROUTES:
        made.ip(f"{'-6' if ':' in route and 'inet6' not in route else '-4'} route add {route}")
    for rule in RULES:
        made.ip(f"rule add {rule}")
    for rule in RULES6:
        made.ip(f"-6 rule add {rule}")
    made.ip("neigh add 10.1.0.50 dev a0 lladdr 02:00:00:00:00:50 nud permanent")
    made.ip("neigh add 10.1.0.51 dev a0 lladdr 02:00:00:00:00:51 nud stale")
    made.ip("neigh add 2001:db8::50 dev a0 lladdr 02:00:00:00:00:52 nud permanent")
    made.ip("neigh add proxy 10.1.0.60 dev a0")
    made.sysctl("net/ipv4/conf/a0/rp_filter", 2)
    made.sysctl("net/ipv4/conf/a0/route_localnet", 1)
    made.sysctl("net/ipv4/conf/a0/src_valid_mark", 1)
    made.sysctl("net/ipv4/conf/br0/arp_ignore", 1)
    made.sysctl("net/ipv6/conf/br0/disable_ipv6", 1)
    made.sysctl("net/ipv4/conf/all/accept_local", 1)
    made.sysctl("net/ipv6/conf/a0/use_tempaddr", 2)
    with suppress(CommandFailed):  # Linux has it from 6.17 on
        made.sysctl("net/ipv6/conf/a0/force_forwarding", 1)


def inside(netns: Netns) -> NetworkStack:
    """The stack of a namespace, read in a thread that enters it."""

    def read() -> NetworkStack:
        enter(NetnsRef(os.stat(netns.path).st_ino, ways=(netns.path,)))
        return read_stack(netns.name)

    return apart(read)


def words(text: str) -> set[str]:
    """Lines of iproute2, each with single blanks; a line that starts with a blank goes on with the one before."""
    return {" ".join(line.split()) for line in re.sub(r"\n\s+", " ", text).splitlines()}


def test_links_are_those_that_ip_shows(box: Netns) -> None:
    seen = {each.link.name: each for each in inside(box).links}
    rows = {row["ifname"]: row for row in box.ip_json("-d link")}
    assert seen.keys() == rows.keys()
    for name, row in rows.items():
        link, info = seen[name].link, row.get("linkinfo", {})
        assert (link.index, link.mtu, link.mac) == (row["ifindex"], row["mtu"], row["address"])
        assert (link.up, link.carrier) == ("UP" in row["flags"], "LOWER_UP" in row["flags"])
        assert link.kind == info.get("info_kind", "loopback")
        assert link.alias == row.get("ifalias", "")
        assert link.group == int(row["group"].replace("default", "0"))
        assert link.promiscuous == (row["promiscuity"] > 0)
        assert link.master == (rows[row["master"]]["ifindex"] if "master" in row else None)


def test_a_bridge_and_its_port_have_their_settings(box: Netns) -> None:
    links = {each.link.name: each.link for each in inside(box).links}
    (row,) = box.ip_json("-d link show br0")
    options, data = links["br0"].bridge, row["linkinfo"]["info_data"]
    assert options is not None
    assert (options.ageing_time, options.group_fwd_mask, options.stp) == (data["ageing_time"], 8, False)
    assert links["br0"].detail["nf_call_iptables"] == "1"
    (row,) = box.ip_json("-d link show port")
    port, data = links["port"].port, row["linkinfo"]["info_slave_data"]
    assert port is not None
    assert (port.state, port.isolated, port.hairpin) == (data["state"], data["isolated"], data["hairpin"])
    assert (port.learning, port.flood, port.guard) == (data["learning"], data["flood"], data["guard"])
    assert (port.isolated, port.hairpin, port.learning, port.flood, port.guard) == (True, True, False, False, True)


def test_far_ends_are_told_by_index_and_namespace_number(box: Netns) -> None:
    seen = {each.link.name: each for each in inside(box).links}
    (row,) = box.ip_json("link show port")
    assert seen["port"].far is not None
    assert (seen["port"].far.index, seen["port"].far.nsid) == (row["link_index"], row["link_netnsid"])
    assert seen["a0"].far is not None
    assert (seen["a0"].far.index, seen["a0"].far.nsid) == (seen["b0"].link.index, None)


def test_addresses_are_those_that_ip_shows(box: Netns) -> None:
    stack = inside(box)
    names = {each.link.index: each.link.name for each in stack.links}
    shown = {
        (row["ifname"], entry["local"], entry["prefixlen"], entry["scope"], entry.get("address"))
        for row in box.ip_json("address")
        for entry in row["addr_info"]
    }
    assert shown == {
        (names[each.link], str(each.address), each.prefixlen, each.scope, str(each.peer) if each.peer else None)
        for each in stack.addresses
    }
    flags = {str(each.address): each.flags for each in stack.addresses}
    assert "secondary" in flags["10.1.0.2"]
    assert "deprecated" in flags["2001:db8::2"]


def test_every_route_reads_as_ip_route_prints_it(box: Netns) -> None:
    shown = words(box.run("ip", "-4", "route", "show", "table", "all"))
    shown |= words(box.run("ip", "-6", "route", "show", "table", "all"))
    assert {route.text for route in inside(box).routes} == shown


def test_routes_have_their_parts(box: Netns) -> None:
    stack = inside(box)
    index = {each.link.name: each.link.index for each in stack.links}
    routes = {(str(route.destination), route.metric): route for route in stack.routes}
    hops = routes["10.20.0.0/16", 0].nexthops
    assert [(hop.link, str(hop.gateway), hop.weight) for hop in hops] == [
        (index["a0"], "10.1.0.7", 3),
        (index["br0"], "10.2.0.7", 1),
    ]
    assert routes["10.21.0.0/16", 0].nexthops[0].flags == {"onlink"}
    assert routes["10.22.0.0/16", 0].nexthops[0].gateway == ip_address("fe80::7")
    assert (routes["10.30.0.0/16", 7].kind, routes["10.30.0.0/16", 7].nexthops) == ("unreachable", ())
    assert routes["0.0.0.0/0", 50].mtu == 1400
    assert routes["10.23.0.0/16", 0].tos == 0x10
    assert routes["10.35.0.1/32", 0].nexthops[0].flags == {"linkdown"}
    assert routes["2001:db8:4::/64", 1024].nexthops == ()


def test_nexthop_objects_are_resolved_when_the_kernel_gives_numbers_alone(box: Netns) -> None:
    before = {route.text: route for route in inside(box).routes}
    box.sysctl("net.ipv4.nexthop_compat_mode", 0)
    try:
        routes = {str(route.destination): route for route in inside(box).routes if "nhid" in route.text}
    finally:
        box.sysctl("net.ipv4.nexthop_compat_mode", 1)
    index = {each.link.name: each.link.index for each in inside(box).links}
    assert routes["10.40.0.0/16"].nexthops == (NextHop(index["a0"], ip_address("10.1.0.9")),)
    assert routes["10.41.0.0/16"].nexthops == (
        NextHop(index["a0"], ip_address("10.1.0.9"), 4),
        NextHop(index["br0"], None, 1),
    )
    assert {each.nexthops for each in before.values() if "nhid" in each.text} == {
        each.nexthops for each in routes.values()
    }


def test_every_rule_reads_as_ip_rule_prints_it_in_the_same_order(box: Netns) -> None:
    rules = inside(box).rules
    for version in ("4", "6"):
        shown = [" ".join(line.split()) for line in box.run("ip", f"-{version}", "rule").splitlines()]
        assert [rule.text for rule in rules if rule.family == ("inet" if version == "4" else "inet6")] == shown


def test_neighbours_are_those_that_ip_shows(box: Netns) -> None:
    stack = inside(box)
    names = {each.link.index: each.link.name for each in stack.links}
    shown = {(row["dst"], row["dev"], row.get("lladdr"), row["state"][0].lower()) for row in box.ip_json("neigh")}
    assert shown == {
        (str(each.address), names[each.link], each.mac, each.state) for each in stack.neighbours if not each.proxy
    }
    assert [str(each.address) for each in stack.neighbours if each.proxy] == ["10.1.0.60"]


def test_forwarding_entries_are_those_of_the_bridge(box: Netns) -> None:
    stack = inside(box)
    names = {each.link.index: each.link.name for each in stack.links}
    lines = box.run("bridge", "fdb", "show", "br", "br0").splitlines()
    shown = {tuple(line.split()[0:3:2]) for line in lines if "master br0" in line}
    assert {(each.mac, names[each.link]) for each in stack.fdb} == shown
    assert ("02:00:00:00:00:01", False) in {(each.mac, each.local) for each in stack.fdb}
    assert ("02:00:00:00:00:02", True) in {(each.mac, each.local) for each in stack.fdb}


def test_sysctls_of_devices_and_namespace_have_the_values_of_their_files(box: Netns) -> None:
    def read() -> tuple[dict[str, int], tuple[Gap, ...]]:
        enter(NetnsRef(os.stat(box.path).st_ino, ways=(box.path,)))
        return read_sysctls(box.name)

    found, gaps = apart(read)
    for each in inside(box).links:
        found.update(each.sysctls)
    assert gaps == ()
    assert found["net.ipv4.conf.a0.rp_filter"] == 2
    assert found["net.ipv4.conf.all.accept_local"] == 1
    assert found["net.ipv6.conf.br0.disable_ipv6"] == 1
    assert found["net.ipv6.conf.a0.use_tempaddr"] == 2
    assert found.get("net.ipv6.conf.a0.force_forwarding", 1) == 1
    assert found["net.ipv4.icmp_ratelimit"] == 0
    low, high = box.run("sysctl", "-n", "net.ipv4.ip_local_port_range").split()
    assert found.pop("net.ipv4.ip_local_port_range.low") == int(low)
    assert found.pop("net.ipv4.ip_local_port_range.high") == int(high)
    found.pop("net.netfilter.nf_conntrack_count", None)
    assert {name: box.read_sysctl(name) for name in found} == found


STACKED = {
    "macvlan": ("link a0 name over type macvlan mode bridge", {"mode": "bridge"}),
    "vxlan": (
        "name over type vxlan id 42 remote 10.1.0.9 dstport 4789 dev a0",
        {"id": "42", "remote": "10.1.0.9", "dstport": "4789"},
    ),
}


@pytest.mark.parametrize("kind", STACKED)
def test_a_device_over_another_has_its_parent_and_settings(box: Netns, kind: str) -> None:
    how, detail = STACKED[kind]
    try:
        box.ip(f"link add {how}")
    except CommandFailed as error:
        pytest.skip(f"this kernel makes no {kind}: {error}")
    try:
        links = {each.link.name: each.link for each in inside(box).links}
    finally:
        box.ip("link delete over")
    assert (links["over"].kind, links["over"].parent) == (kind, links["a0"].index)
    assert detail.items() <= links["over"].detail.items()
