"""Conditions: which values are in which elements, and when nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import pytest

from engine.model.firewall import (
    Backend,
    Element,
    Field,
    Interval,
    MapElement,
    Match,
    Name,
    NamedSet,
    RuleVerdict,
    Table,
    VerdictKind,
)
from engine.model.packet import Protocol
from engine.model.traffic import Tuple4
from engine.path.fields.matches import Answer, look_up, matches
from tests.hosts.stock import three_in_line
from tests.path.journeys import packet, view

ADDRESSES = NamedSet("addresses", ("ipv4_addr",), ((Interval(167903234, 167903234),),))  # 10.2.0.2
PAIRS = NamedSet("pairs", ("ipv4_addr", "inet_service"), ((Interval(0, 2**32 - 1), Interval(80, 80)),))
RECENT = NamedSet("recent", ("ipv4_addr",), (), dynamic=True)
ACCEPT, DROP = RuleVerdict(VerdictKind.ACCEPT), RuleVerdict(VerdictKind.DROP)
PORTS = NamedSet("ports", ("inet_service",), entries=(MapElement((Interval(80, 80),), DROP),), is_map=True)
TABLE = Table(Backend.NFT, "inet", "t", sets=(ADDRESSES, PAIRS, RECENT, PORTS))

FLOW = Tuple4(ip_address("10.1.0.2"), ip_address("10.2.0.1"), 50123, 8080)
STATE: dict[str, Any] = {
    "iif": "left",
    "oif": "right",
    "mark": 0x13,
    "ct_status": frozenset({"dnat", "seen-reply"}),
    "ct_original": FLOW,
}
WORLD = three_in_line()
WORLD["router"].ipsets.append(NamedSet("ipset", ("ipv4_addr",), ((Interval(167837698, 167837698),),)))  # 10.1.0.2
SNAPSHOT = WORLD.snapshot()
TCP = view(SNAPSHOT, "router", packet("10.1.0.2", "10.2.0.2"), **STATE)
UDP = view(SNAPSHOT, "router", packet("10.1.0.2", "10.2.0.2", protocol=Protocol.UDP), **STATE)


def asks(*names: str, values: Sequence[Element] = (), **more: object) -> Match:
    return Match(tuple(Field(name) for name in names), tuple(values), **more)  # type: ignore[arg-type]


def ports(low: int, high: int | None = None) -> Element:
    return (Interval(low, high if high is not None else low),)


def named(*patterns: str) -> list[Element]:
    return [(Name(pattern),) for pattern in patterns]


def test_the_numbers_of_this_file_are_the_addresses_that_they_stand_for() -> None:
    assert [int(ip_address(text)) for text in ("10.2.0.2", "10.1.0.2")] == [167903234, 167837698]


@pytest.mark.parametrize(
    ("match", "answer"),
    [
        (asks("tcp dport", values=[ports(80)]), Answer.YES),
        (asks("tcp dport", values=[ports(81)]), Answer.NO),
        (asks("tcp dport", values=[ports(0, 79), ports(80, 90)]), Answer.YES),
        (asks("tcp dport", values=[ports(81, 90)]), Answer.NO),
        (asks("tcp dport", values=[ports(80)], negate=True), Answer.NO),
        (asks("tcp dport", values=[ports(81)], negate=True), Answer.YES),
        (asks("tcp dport"), Answer.NO),
        (asks("meta iifname", values=named("left")), Answer.YES),
        (asks("meta iifname", values=named("le*")), Answer.YES),
        (asks("meta iifname", values=named("*")), Answer.YES),
        (asks("meta iifname", values=named("right*", "ri*")), Answer.NO),
        (asks("meta iifname", values=named("le")), Answer.NO),
        (asks("meta iifname", values=named("right"), negate=True), Answer.YES),
        (asks("ct state", values=named("established", "new")), Answer.YES),
        (asks("ct state", values=named("dnat")), Answer.YES),
        (asks("ct state", values=named("established")), Answer.NO),
        (asks("ct status", values=named("snat"), negate=True), Answer.YES),
        (asks("meta iifname", "tcp dport", values=[(Name("left"), Interval(80, 80))]), Answer.YES),
        (asks("meta iifname", "tcp dport", values=[(Name("left"), Interval(81, 81))]), Answer.NO),
        (asks("ip daddr", lookup="addresses"), Answer.YES),
        (asks("ip saddr", lookup="addresses"), Answer.NO),
        (asks("ip saddr", lookup="addresses", negate=True), Answer.YES),
        (asks("ip daddr", "tcp dport", lookup="pairs"), Answer.YES),
        (asks("ip saddr", lookup="ipset"), Answer.YES),
        (asks("ip daddr", lookup="ipset"), Answer.NO),
        (asks("ip saddr", lookup="recent"), Answer.UNKNOWN),
        (asks("ip saddr", lookup="no such set"), Answer.UNKNOWN),
        (asks("xt recent", values=named("--rcheck")), Answer.UNKNOWN),
        (asks("xt recent", values=named("--rcheck"), negate=True), Answer.UNKNOWN),
        (asks("meta iifname", "xt recent", values=[(Name("left"), Name("x"))]), Answer.UNKNOWN),
        (asks("udp dport", "xt recent"), Answer.NO),
    ],
)
def test_match(match: Match, answer: Answer) -> None:
    assert matches(match, TCP, TABLE) is answer


@pytest.mark.parametrize("negate", [False, True])
def test_what_the_packet_does_not_have_never_matches_negated_or_not(negate: bool) -> None:
    assert matches(asks("tcp dport", values=[ports(80)], negate=negate), UDP, TABLE) is Answer.NO


@pytest.mark.parametrize(
    ("mask", "value", "answer"), [(0x10, 0x10, Answer.YES), (0x0F, 3, Answer.YES), (0xFF, 3, Answer.NO)]
)
def test_a_mask_is_applied_before_comparing(mask: int, value: int, answer: Answer) -> None:
    match = Match((Field("meta mark", mask),), (ports(value),))
    assert matches(match, TCP, TABLE) is answer


def entry(key: Element, value: RuleVerdict) -> MapElement:
    return MapElement(key, value)


def test_a_map_gives_the_entry_of_the_key() -> None:
    fields, entries = (Field("tcp dport"),), (entry(ports(22), DROP), entry(ports(80, 90), ACCEPT))
    assert look_up(fields, entries, None, TCP, TABLE) is entries[1]
    assert look_up(fields, entries[:1], None, TCP, TABLE) is Answer.NO
    assert look_up(fields, entries, None, UDP, TABLE) is Answer.NO


def test_the_wildcard_of_a_map_is_taken_when_nothing_else_fits() -> None:
    fields, rest = (Field("tcp dport"),), entry((), DROP)
    fits = entry(ports(80), ACCEPT)
    assert look_up(fields, (rest, fits), None, TCP, TABLE) is fits
    assert look_up(fields, (rest, entry(ports(22), ACCEPT)), None, TCP, TABLE) is rest


def test_a_named_map_is_found_by_its_name() -> None:
    found = look_up((Field("tcp dport"),), (), "ports", TCP, TABLE)
    assert isinstance(found, MapElement)
    assert found.value is DROP


def test_an_unknown_key_or_map_is_unknown() -> None:
    assert look_up((Field("nft numgen"),), (entry(ports(0), DROP),), None, TCP, TABLE) is Answer.UNKNOWN
    assert look_up((Field("tcp dport"),), (), "no such map", TCP, TABLE) is Answer.UNKNOWN


def test_an_element_has_a_part_for_each_field() -> None:
    with pytest.raises(ValueError, match="an element of 1 parts for 2 fields"):
        asks("meta iifname", "tcp dport", values=[(Name("left"),)])
