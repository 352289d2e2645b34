"""ipsets: their elements, and what a rule compares with them."""

from __future__ import annotations

import pytest

from engine.model.firewall import Field, Interval, Name, NamedSet
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.xt.ipsets import fields, parse_ipset_save

TCP, UDP = Interval(6, 6), Interval(17, 17)


def one(text: str) -> NamedSet:
    return parse_ipset_save(text)[0]


def at(value: int) -> Interval:
    return Interval(value, value)


def test_addresses_are_single_or_ranges() -> None:
    found = one("create a hash:ip family inet hashsize 1024\nadd a 0.0.0.5\nadd a 0.0.1.0-0.0.1.9 timeout 5\n")
    assert found == NamedSet(
        "a", ("ip",), ((at(5),), (Interval(256, 265),)), kind="hash:ip", flags=frozenset({"timeout"})
    )


def test_a_netmask_makes_addresses_networks() -> None:
    assert one("create a hash:ip family inet netmask 24\nadd a 0.0.1.0\n").elements == ((Interval(256, 511),),)


def test_a_port_of_a_hash_is_a_protocol_and_a_port() -> None:
    found = one(
        'create a hash:ip,port family inet comment\nadd a 0.0.0.1,udp:53 comment "a nomatch b"\nadd a 0.0.0.2,tcp:80\n'
    )
    assert found.fields == ("ip", "proto", "port")
    assert found.elements == ((at(1), UDP, at(53)), (at(2), TCP, at(80)))


def test_a_bitmap_of_ports_has_no_protocol() -> None:
    assert one("create a bitmap:port range 1-1000\nadd a 80\n") == NamedSet(
        "a", ("port",), ((at(80),),), kind="bitmap:port"
    )


def test_an_exception_is_cut_out_of_its_network() -> None:
    found = one("create a hash:net family inet\nadd a 0.0.0.64/26 nomatch\nadd a 0.0.0.0/24\nadd a 0.0.0.80/32\n")
    assert found.elements == ((Interval(0, 63),), (at(80),), (Interval(128, 255),))


def test_a_list_holds_what_its_members_hold() -> None:
    text = "create a hash:ip family inet\nadd a 0.0.0.1\ncreate b hash:net family inet\nadd b 0.0.1.0/24\n"
    found = parse_ipset_save(text + "create c list:set size 8\nadd c a\nadd c b\n")[2]
    assert found.elements == ((at(1),), (Interval(256, 511),))


@pytest.mark.parametrize(
    "text",
    [
        "create a hash:net,iface family inet\nadd a 10.0.0.0/8,physdev:eth1\n",
        "create a hash:ip,port family inet\nadd a 1.2.3.4,icmp:echo-request\n",
        "create a hash:net,port family inet\nadd a 10.0.0.0/8,tcp:80\nadd a 10.1.0.0/16,tcp:80 nomatch\n",
        "create a hash:ip family inet bitmask 255.0.255.0\nadd a 10.0.1.0\n",
        "create a list:set size 8\nadd a gone\n",
        "create a hash:new,kind family inet\nadd a 1,2\n",
    ],
)
def test_what_has_no_exact_form_is_opaque_and_keeps_its_elements(text: str) -> None:
    found = one(text)
    assert found.fields == ("opaque",)
    assert found.elements
    assert all(isinstance(element[0], Name) for element in found.elements)
    assert fields("ip", found, ["src"]) is None


def test_devices_and_macs_are_parts() -> None:
    of_devices = "create a hash:net,iface family inet\nadd a 0.0.0.0/0,eth wildcard\n"
    devices, macs = parse_ipset_save(of_devices + "create b hash:mac\nadd b 00:00:00:00:01:00\n")
    assert devices.elements == ((Interval(0, (1 << 32) - 1), Name("eth*")),)
    assert macs.elements == ((at(256),),)


def test_of_networks_with_devices_the_most_specific_one_decides() -> None:
    nested = (
        "create a hash:net,iface family inet\nadd a 10.0.0.0/8,eth0\nadd a 10.0.0.0/9,eth1\nadd a 10.0.0.0/9,eth2\n"
    )
    (found,) = parse_ipset_save(nested)
    low, middle, high = 10 << 24, (10 << 24) + (1 << 23), 11 << 24
    half, rest = Interval(low, middle - 1), Interval(middle, high - 1)
    assert found.elements == ((rest, Name("eth0")), (half, Name("eth1")), (half, Name("eth2")))


def test_directions_choose_the_fields() -> None:
    named = NamedSet("a", ("ip", "proto", "port", "net"))
    assert fields("ip6", named, ["src", "dst", "dst"]) == (
        Field("ip6 saddr"),
        Field("meta l4proto"),
        Field("th dport"),
        Field("ip6 daddr"),
    )
    assert fields("ip", named, ["src", "dst"]) is None
    assert fields("ip", None, ["src"]) is None


def test_other_text_is_refused() -> None:
    with pytest.raises(FirewallTextError, match="ipset save"):
        parse_ipset_save("hello\n")


def test_a_set_tells_its_type_its_members_and_the_words_of_its_elements() -> None:
    text = (
        "create one hash:net family inet timeout 300\n"
        "add one 10.0.0.0/8 timeout 100\nadd one 10.1.0.0/16 nomatch timeout 9\n"
        "create two hash:ip,port,net family inet\nadd two 10.0.0.1,tcp:80,10.2.0.0/16\n"
        "create all list:set size 8\nadd all one\n"
    )
    one, two, every = parse_ipset_save(text)
    assert (one.kind, one.flags) == ("hash:net", {"timeout", "nomatch"})
    assert (two.kind, two.flags, two.members) == ("hash:ip,port,net", frozenset(), ())
    assert (every.kind, every.members) == ("list:set", ("one",))
