"""Which hosts share a segment: by MAC addresses, else by addresses that fit, and never against what an entry says."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from engine.explain.across_hosts import Expected
from engine.model.machine import JoinedBy
from engine.model.packet import Protocol
from engine.records import replace
from engine.several.joining import joined
from engine.several.naming import Given, HostsError
from tests.several.hosts import MACS, docker_machine, machine, pair, seen, together


def test_namespaces_carry_the_name_of_their_host() -> None:
    whole = together({"one": docker_machine("one"), "two": docker_machine("two")})
    assert [netns.id for netns in whole.namespaces] == ["one", "one/web", "one/db", "two", "two/web", "two/db"]
    assert {each.machine for each in whole.containers if each.name == "web"} == {"one", "two"}
    veth = whole.by_id["two"].links_by_name["vethweb"]
    assert veth.peer is not None
    assert veth.peer.netns == "two/web"


def test_a_part_of_several_is_a_host_of_its_own() -> None:
    whole = together({"one": docker_machine("one"), "two": docker_machine("two")})
    part = whole.around("two/web")
    assert (part.host, part.host_netns.machine, part.hostname) == ("two", "two", "two")
    assert {netns.machine for netns in part.namespaces} == {each.machine for each in part.containers} == {"two"}
    assert whole.with_part(part) == whole


def test_a_neighbours_mac_address_joins() -> None:
    (join,) = pair().joins
    assert (join.by, join.segment) == (JoinedBy.MAC, "10.9.0.0/24")
    assert join.text == f"eth0 of app1 knows 10.9.0.2 at {MACS['db1']}, which is eth0 of db1"


def test_addresses_that_fit_join_where_nothing_speaks_against_it() -> None:
    (join,) = pair(known=False).joins
    assert join.by is JoinedBy.PREFIX


@pytest.mark.parametrize("address", ["10.9.0.2", "10.9.0.254"])
def test_an_entry_that_says_otherwise_forbids_it(address: str) -> None:
    """Two homes that number alike: the other's address, or the router, is known at another MAC address."""
    app, one = machine("10.9.0.1/24", MACS["app1"])
    data, other = machine("10.9.0.2/24", MACS["db1"])
    one.neighbour("eth0", address, "3c:fd:fe:00:00:77", "reachable")
    other.neighbour("eth0", "10.9.0.254", MACS["router"], "reachable")
    assert together({"app1": seen(app, "app1"), "db1": seen(data, "db1")}).joins == ()


def test_the_same_router_joins_two_that_never_spoke() -> None:
    app, one = machine("10.9.0.1/24", MACS["app1"])
    data, other = machine("10.9.0.2/24", MACS["db1"])
    for host in (one, other):
        host.neighbour("eth0", "10.9.0.254", MACS["router"], "stale")
    (join,) = together({"app1": seen(app, "app1"), "db1": seen(data, "db1")}).joins
    assert (join.by, join.text.endswith(f"both know 10.9.0.254 at {MACS['router']}")) == (JoinedBy.MAC, True)


@pytest.mark.parametrize("mac", ["00:00:5e:00:01:07", "42:01:0a:80:00:01"])
def test_a_routers_mac_address_that_is_everywhere_proves_nothing(mac: str) -> None:
    """VRRP's, and one that a cloud makes of the address, are the same in networks that are strangers."""
    app, one = machine("10.9.0.1/24", MACS["app1"])
    data, other = machine("10.9.0.2/24", MACS["db1"])
    for host in (one, other):
        host.neighbour("eth0", "10.9.0.254", mac, "stale")
    (join,) = together({"app1": seen(app, "app1"), "db1": seen(data, "db1")}).joins
    assert join.by is JoinedBy.PREFIX


def test_forty_hosts_are_not_joined_by_the_engines_subnet() -> None:
    """Each has docker0 with 172.17.0.1/16, and an uplink in a subnet of its own."""
    hosts = {}
    for number in range(40):
        snapshot = docker_machine(f"node{number}")
        host = snapshot.host_netns
        moved = tuple(
            replace(each, address=ip_address(f"10.{number}.0.1")) if str(each.address) == "10.77.0.1" else each
            for each in host.addresses
        )
        hosts[f"node{number}"] = snapshot.with_netns(replace(host, addresses=moved))
    assert together(hosts).joins == ()


def test_the_same_address_twice_is_no_segment() -> None:
    """Every host of libvirt has 192.168.122.1: a guest is on the segment of the one that knows its MAC address."""
    one_world, one = machine("192.168.122.1/24", MACS["app1"])
    two_world, _ = machine("192.168.122.1/24", MACS["db1"])
    guest_world, _ = machine("192.168.122.5/24", "52:54:00:00:00:05")
    one.neighbour("eth0", "192.168.122.5", "52:54:00:00:00:05", "reachable")
    parts = {"one": seen(one_world, "one"), "two": seen(two_world, "two"), "guest": seen(guest_world, "guest")}
    (join,) = together(parts).joins
    assert {join.near.netns, join.far.netns} == {"one", "guest"}


def test_a_mac_address_that_two_have_proves_nothing() -> None:
    """Guests that were cloned have one MAC address."""
    app, one = machine("10.9.0.1/24", MACS["app1"])
    one.neighbour("eth0", "10.9.0.2", MACS["db1"], "reachable")
    data, _ = machine("10.9.0.2/24", MACS["db1"])
    clone, _ = machine("10.9.0.3/24", MACS["db1"])
    parts = {"app1": seen(app, "app1"), "db1": seen(data, "db1"), "db2": seen(clone, "db2")}
    assert {join.by for join in together(parts).joins} == {JoinedBy.PREFIX}


def test_a_device_behind_a_bridge_and_a_vlan_is_joined_by_the_one_that_leads_out() -> None:
    world, host = machine()
    host.bridge("br0", "eth0").address("br0", "10.9.0.1/24")
    host.neighbour("br0", "10.9.0.2", MACS["db1"], "stale")
    data, _ = machine("10.9.0.2/24", MACS["db1"])
    whole = together({"app1": seen(world, "app1"), "db1": seen(data, "db1")})
    (join,) = whole.joins
    assert whole.by_id["app1"].links_by_index[join.near.link].name == "eth0"


def test_two_of_one_name_are_refused_with_both_files() -> None:
    app, _ = machine("10.9.0.1/24")
    host = seen(app, "app1")
    with pytest.raises(
        HostsError, match=r"two hosts are called 'app1': a\.json and b\.json; write --with NAME=b\.json"
    ):
        joined([Given(host, "a.json"), Given(host, "b.json")])
    assert set(joined([Given(host, "a.json"), Given(host, "b.json", "app2")]).machines_by_name) == {"app1", "app2"}


def test_several_can_be_joined_with_one_more() -> None:
    more, _ = machine("10.9.0.3/24", "3c:fd:fe:00:00:03")
    whole = joined([Given(pair(), "shop.json"), Given(seen(more, "web1"), "web1.json")])
    assert [each.name for each in whole.machines] == ["app1", "db1", "web1"]
    assert [netns.id for netns in whole.namespaces] == ["app1", "db1", "web1"]
    assert len(whole.joins) == 2


def test_of_a_bridges_ports_the_one_that_leads_there_is_joined() -> None:
    """A host of guests: its bridge has a network card, and a tap device for each guest, of which one is db1."""
    world, host = machine()
    host.change("eth0", mac=MACS["app1"])
    for number in (1, 2):
        host.link(f"tap{number}", "tun", mac=f"fe:54:00:00:00:0{number}")
    host.bridge("vmbr0", "eth0", "tap1", "tap2").address("vmbr0", "10.9.0.1/24")
    host.neighbour("vmbr0", "10.9.0.2", MACS["db1"], "reachable")
    data, _ = machine("10.9.0.2/24", MACS["db1"])
    guest = seen(data, "db1")
    (join,) = together({"app1": seen(world, "app1"), "db1": guest}).joins
    assert (join.by, join.near.link) == (JoinedBy.MAC, host.links["eth0"].index)
    host.learned("tap2", MACS["db1"])
    (join,) = together({"app1": seen(world, "app1"), "db1": guest}).joins
    assert join.near.link == host.links["tap2"].index


def test_a_host_is_asked_for_where_the_asker_has_no_route() -> None:
    app, _ = machine("10.9.0.1/24", MACS["app1"])
    nas, other = machine("192.168.1.10/24", MACS["nas"])
    other.listen(80)
    whole = joined([Given(seen(app, "app1"), "app1.json"), Given(seen(nas, "nas"), "nas.json")])
    expected = Expected("nas", whole, whole.part("nas"))
    asker = whole.part("app1").host_netns
    assert expected.nearest(asker, ":80", Protocol.TCP) == "192.168.1.10:80"
