"""Elements of sets in the words of their tools."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from engine.change.set_element import ipset_words, nft_words
from engine.model.firewall import Atom, Interval, Name, NamedSet


def part(text: str) -> Atom:
    """An address, a network, a range of numbers, or a name."""
    if "." in text or ":" in text:
        network = ip_network(text)
        return Interval(int(network[0]), int(network[-1]))
    low, _, high = text.partition("-")
    return Interval(int(low), int(high or low)) if low.isdigit() else Name(text)


@pytest.mark.parametrize(
    ("fields", "parts", "words"),
    [
        (("ipv4_addr",), ("10.0.0.1",), "10.0.0.1"),
        (("ipv4_addr",), ("10.0.0.0/8",), "10.0.0.0/8"),
        (("ipv6_addr", "inet_service"), ("fd00::1", "80"), "fd00::1 . 80"),
        (("inet_proto", "inet_service"), ("6", "80-89"), "tcp . 80-89"),
        (("inet_proto",), ("200",), "200"),
        (("ipv4_addr", "ifname"), ("10.0.0.1", "eth0"), None),
        (("ether_addr",), ("5",), None),
    ],
)
def test_nft(fields: tuple[str, ...], parts: tuple[str, ...], words: str | None) -> None:
    assert nft_words(NamedSet("s", fields), tuple(map(part, parts))) == words


@pytest.mark.parametrize(
    ("fields", "parts", "words"),
    [
        (("net",), ("10.0.0.0/8",), "10.0.0.0/8"),
        (("ip", "proto", "port"), ("10.0.0.1", "17", "53"), "10.0.0.1,udp:53"),
        (("net", "proto", "port", "net"), ("10.0.0.1", "6", "80", "10.1.0.0/16"), "10.0.0.1,tcp:80,10.1.0.0/16"),
        (("net", "iface"), ("10.0.0.0/8", "eth0"), None),
        (("opaque",), ("10",), None),
    ],
)
def test_ipset(fields: tuple[str, ...], parts: tuple[str, ...], words: str | None) -> None:
    assert ipset_words(NamedSet("s", fields), tuple(map(part, parts)), 4) == words


def test_a_range_that_is_no_network_and_the_elements_of_a_set_with_exceptions() -> None:
    element = (Interval(int(ip_address("10.0.0.1")), int(ip_address("10.0.0.6"))),)
    assert nft_words(NamedSet("s", ("ipv4_addr",)), element) == "10.0.0.1-10.0.0.6"
    assert ipset_words(NamedSet("s", ("net",), flags=frozenset({"nomatch"})), element, 4) is None
