"""Addresses and routes as netlink messages: read back by the classes that read the kernel's own."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

import pytest
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from engine.apply.rtnetlink import SCOPES, new_address, new_veth, route_request, set_link
from engine.model.link import Address
from engine.model.route import NextHop, Route

NET = ip_network("10.8.0.0/16")
GATEWAY = NextHop(2, IPv4Address("10.9.0.1"))


def read(kind: Any, data: bytes) -> Any:
    message = kind(data)
    message.decode()
    return message


@pytest.mark.parametrize(
    ("route", "verb", "scope"),
    [
        (Route(NET, nexthops=(GATEWAY,)), "add", "global"),
        (Route(NET, nexthops=(NextHop(2),)), "add", "link"),
        (Route(NET, nexthops=(NextHop(2),)), "del", "nowhere"),
        (Route(NET, kind="local", nexthops=(NextHop(1),)), "add", "host"),
        (Route(NET, kind="blackhole"), "add", "global"),
        (Route(NET, scope="host", nexthops=(NextHop(1),)), "del", "host"),
        (Route(ip_network("fd00::/64"), nexthops=(NextHop(2),)), "add", "global"),
    ],
)
def test_a_route_gets_the_scope_that_ip_would_give_it(route: Route, verb: str, scope: str) -> None:
    assert read(rtmsg, route_request(verb, route))["scope"] == SCOPES[scope]


def test_a_route_says_no_more_than_it_must() -> None:
    found = read(rtmsg, route_request("add", Route(ip_network("0.0.0.0/0"), nexthops=(GATEWAY,))))
    assert dict(found["attrs"]) == {"RTA_TABLE": 254, "RTA_GATEWAY": "10.9.0.1", "RTA_OIF": 2}
    assert [found[name] for name in ("family", "dst_len", "proto", "type", "flags")] == [2, 0, 3, 1, 0]


def test_a_protocol_goes_by_its_name_or_number_and_a_large_table_by_its_attribute() -> None:
    found = read(rtmsg, route_request("add", Route(NET, table=1000, protocol="static", nexthops=(GATEWAY,))))
    assert (found["proto"], found["table"], dict(found["attrs"])["RTA_TABLE"]) == (4, 0, 1000)
    assert read(rtmsg, route_request("add", Route(NET, protocol="99")))["proto"] == 99


def test_several_next_hops_have_their_weights_from_zero() -> None:
    route = Route(NET, nexthops=(GATEWAY, NextHop(3, IPv4Address("10.9.0.2"), weight=4, flags=frozenset({"onlink"}))))
    hops = dict(read(rtmsg, route_request("add", route))["attrs"])["RTA_MULTIPATH"]
    assert [(hop["oif"], hop["hops"], hop["flags"], dict(hop["attrs"])) for hop in hops] == [
        (2, 0, 0, {"RTA_GATEWAY": "10.9.0.1"}),
        (3, 3, 4, {"RTA_GATEWAY": "10.9.0.2"}),
    ]


def test_a_gateway_of_the_other_family_is_named_with_its_own() -> None:
    route = Route(NET, nexthops=(NextHop(2, IPv6Address("fe80::1")),))
    via = dict(read(rtmsg, route_request("add", route))["attrs"])["RTA_VIA"]
    assert via == {"family": 10, "addr": "fe80::1"}


def test_an_address_with_a_peer_names_both_ends() -> None:
    address = Address(0, IPv4Address("10.0.0.1"), 32, peer=IPv4Address("10.0.0.2"))
    found = read(ifaddrmsg, new_address(7, address))
    assert dict(found["attrs"]) == {"IFA_LOCAL": "10.0.0.1", "IFA_ADDRESS": "10.0.0.2"}
    assert (found["index"], found["prefixlen"], found["scope"]) == (7, 32, 0)
    assert read(ifaddrmsg, new_address(7, Address(0, IPv6Address("fe80::1"), 64, scope="link")))["scope"] == 253


def test_a_veth_pair_names_its_far_end_bridge_and_size() -> None:
    found = dict(read(ifinfmsg, new_veth("veth1", "eth0", 5, 3, 1400))["attrs"])
    peer = dict(dict(dict(found["IFLA_LINKINFO"]["attrs"])["IFLA_INFO_DATA"]["attrs"])["VETH_INFO_PEER"]["attrs"])
    assert (found["IFLA_IFNAME"], found["IFLA_MASTER"], found["IFLA_MTU"]) == ("veth1", 3, 1400)
    assert peer == {"IFLA_IFNAME": "eth0", "IFLA_NET_NS_FD": 5, "IFLA_MTU": 1400}


def test_a_link_is_told_only_what_shall_change() -> None:
    marked = read(ifinfmsg, set_link(2, mark="portscope:x:1"))
    assert (dict(marked["attrs"]), marked["change"]) == ({"IFLA_IFALIAS": "portscope:x:1"}, 0)
    down = read(ifinfmsg, set_link(2, up=False, master=0))
    assert (dict(down["attrs"]), down["flags"], down["change"]) == ({"IFLA_MASTER": 0}, 0, 1)
