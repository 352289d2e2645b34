"""Tracked flows out of ctnetlink's bytes, and which questions are asked at all."""

from __future__ import annotations

import struct
from contextlib import suppress
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.packet import PROTOCOL_NUMBERS, Protocol
from engine.model.traffic import ConntrackEntry, Tuple4
from engine.observe.base.errors import NetlinkError
from engine.observe.netlink import conntrack
from engine.observe.netlink.client import attributes
from engine.observe.netlink.conntrack import parse_conntrack, read_conntrack, redirected_datagrams, status_words
from tests.observe.wire import attr, ip

NESTED = 0x8000


def be16(value: int) -> bytes:
    return struct.pack("!H", value)


def be32(value: int) -> bytes:
    return struct.pack("!I", value)


def ends(flow: Tuple4, protocol: int, *more: bytes) -> bytes:
    """One direction of a flow, in the kernel's order."""
    first = 1 if flow.src.version == 4 else 3
    addresses = attr(first, ip(str(flow.src))) + attr(first + 1, ip(str(flow.dst)))
    inner = attr(1, bytes([protocol]))
    if flow.sport is not None and flow.dport is not None:
        inner += attr(2, be16(flow.sport)) + attr(3, be16(flow.dport))
    return attr(1 | NESTED, addresses) + attr(2 | NESTED, inner) + b"".join(more)


def message(entry: ConntrackEntry, *more: bytes, number: int | None = None, zone: bytes = b"") -> tuple[int, bytes]:
    """A flow as the kernel sends it, with further attributes."""
    protocol = PROTOCOL_NUMBERS[entry.protocol] if number is None else number
    there, back = ends(entry.original, protocol, zone), ends(entry.reply, protocol)
    return 256, bytes(4) + attr(1 | NESTED, there) + attr(2 | NESTED, back) + b"".join(more)


def flow(protocol: Protocol, src: str, dst: str, sport: int | None = None, dport: int | None = None) -> ConntrackEntry:
    one, other = ip_address(src), ip_address(dst)
    return ConntrackEntry(protocol, Tuple4(one, other, sport, dport), Tuple4(other, one, dport, sport))


WEB = flow(Protocol.TCP, "10.0.0.2", "10.0.0.1", 40000, 8080)


def test_a_translated_connection_has_both_tuples_its_state_and_its_marks() -> None:
    sent_on = ConntrackEntry(
        Protocol.TCP,
        WEB.original,
        Tuple4(ip_address("172.17.0.2"), ip_address("10.0.0.2"), 80, 40000),
        frozenset({"seen-reply", "assured", "confirmed", "dnat", "snat-done", "dnat-done"}),
        "ESTABLISHED",
        0xCAFE,
        0,
        431999,
    )
    state = attr(4 | NESTED, attr(1 | NESTED, attr(1, b"\3")))
    raw = message(sent_on, attr(3, be32(0x1AE)), state, attr(7, be32(431999)), attr(8, be32(0xCAFE)))
    assert parse_conntrack([raw]) == (sent_on,)


@pytest.mark.parametrize(
    "entry",
    [
        WEB,
        flow(Protocol.UDP, "10.0.0.2", "10.0.0.1", 5000, 53),
        flow(Protocol.UDP, "fd00::2", "fd00::1", 5000, 53),
        flow(Protocol.SCTP, "fd00::2", "fd00::1", 5000, 53),
        flow(Protocol.ICMP, "10.0.0.2", "10.0.0.1"),
        flow(Protocol.ICMPV6, "fd00::2", "fd00::1"),
    ],
    ids=lambda entry: f"{entry.protocol}{entry.original.src.version}",
)
def test_flows_of_every_protocol_and_family(entry: ConntrackEntry) -> None:
    assert parse_conntrack([message(entry)]) == (entry,)


def test_a_protocol_that_no_question_asks_about_is_left_out() -> None:
    assert parse_conntrack([message(WEB, number=47)]) == ()


@pytest.mark.parametrize(("number", "name"), [(1, "SYN_SENT"), (7, "TIME_WAIT"), (9, "SYN_SENT2"), (77, "77")])
def test_a_connections_state_is_named_as_conntrack_prints_it(number: int, name: str) -> None:
    (found,) = parse_conntrack([message(WEB, attr(4 | NESTED, attr(1 | NESTED, attr(1, bytes([number])))))])
    assert found.state == name


def test_an_sctp_state_is_of_its_own_names() -> None:
    entry = flow(Protocol.SCTP, "10.0.0.2", "10.0.0.1", 1, 2)
    (found,) = parse_conntrack([message(entry, attr(4 | NESTED, attr(3 | NESTED, attr(1, b"\4"))))])
    assert found.state == "ESTABLISHED"


def test_a_zone_is_the_flows_or_that_of_its_first_direction() -> None:
    assert [parse_conntrack([message(WEB, attr(18, be16(7)))])[0].zone] == [7]
    assert [parse_conntrack([message(WEB, zone=attr(3, be16(9)))])[0].zone] == [9]


def test_status_bits_have_names_and_new_ones_do_not_matter() -> None:
    assert status_words(0) == frozenset()
    assert status_words(0b1000100010) == {"seen-reply", "dnat", "dying"}
    assert status_words(1 << 31 | 1 << 4) == {"snat"}


def test_flows_come_in_a_steady_order() -> None:
    flows = [flow(Protocol.UDP, f"10.0.0.{host}", "10.0.0.1", port, 53) for host in (9, 10) for port in (7, 3)]
    one = parse_conntrack([message(entry) for entry in flows])
    assert one == parse_conntrack([message(entry) for entry in reversed(flows)])
    assert [(str(entry.original.src), entry.original.sport) for entry in one][:2] == [("10.0.0.9", 3), ("10.0.0.9", 7)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        bytes(4),
        bytes(4) + attr(1 | NESTED, b""),
        message(WEB)[1][:-8],
        bytes(4) + attr(1 | NESTED, ends(WEB.original, 6)),
        bytes(4) + attr(1 | NESTED, attr(1, b"") + attr(2, attr(1, b"\6"))) + attr(2 | NESTED, ends(WEB.reply, 6)),
    ],
)
def test_a_flow_without_its_ends_is_damaged(body: bytes) -> None:
    with pytest.raises(NetlinkError, match=r"tracked flow|netlink attribute"):
        parse_conntrack([(256, body)])


@given(st.lists(st.binary(max_size=200), max_size=3))
def test_any_bytes_are_flows_or_an_error_of_netlink(bodies: list[bytes]) -> None:
    with suppress(NetlinkError):
        parse_conntrack([(256, body) for body in bodies])


@settings(deadline=None)
@given(st.data())
def test_a_flow_with_some_bytes_changed_is_a_flow_or_an_error_of_netlink(data: st.DataObject) -> None:
    body = bytearray(message(WEB, attr(3, be32(0x1AE)), attr(4 | NESTED, attr(1 | NESTED, attr(1, b"\3"))))[1])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with suppress(NetlinkError):
        parse_conntrack([(256, bytes(body[: data.draw(st.integers(0, len(body)))]))])


def test_a_namespace_that_tracks_nothing_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conntrack, "Netlink", None)
    assert read_conntrack("it", 0) == ((), ())


def test_no_module_is_loaded_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conntrack, "Netlink", None)
    monkeypatch.setattr(conntrack, "answers", lambda _module: False)
    entries, (gap,) = read_conntrack("it", 5)
    assert (entries, gap.source, gap.netns) == ((), "conntrack", "it")
    assert gap.reason == "5 flows are not shown; `modprobe nf_conntrack_netlink` shows them"


def test_of_a_large_table_only_redirected_datagrams_are_asked_for() -> None:
    asked = attributes(redirected_datagrams())
    assert attributes(attributes(asked[1])[2])[1] == bytes([PROTOCOL_NUMBERS[Protocol.UDP]])
    assert struct.unpack("=I", attributes(asked[25])[1]) == (1 << 3,)
    assert asked[3] == asked[26] == be32(1 << 5)
