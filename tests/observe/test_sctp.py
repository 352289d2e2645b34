"""SCTP listeners, from bytes and lines laid out as net/sctp/diag.c and net/sctp/proc.c write them."""

from __future__ import annotations

import struct
from contextlib import suppress
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.address import Family
from engine.model.packet import Protocol
from engine.model.traffic import Listener
from engine.observe.base.errors import NetlinkError
from engine.observe.netlink import sockets
from engine.observe.netlink.sctp import parse_endpoints
from tests.observe.wire import attr, ip

V4, V6 = Family.INET, Family.INET6
EPS = """\
 ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS
       0        0 2   10  4    132   1000  4711 10.0.0.1 2001:0db8:0000:0000:0000:0000:0000:0001
       0        0 2   10  5    3868     0  4712 0.0.0.0
       0        0 1   1   6    99       0  4713 10.0.0.1
"""


def storage(text: str) -> bytes:
    family = struct.pack("=H", 10 if ":" in text else 2)
    return (family + bytes(6 if ":" in text else 2) + ip(text)).ljust(128, b"\0")


def diag(first: str, *more: str) -> bytes:
    family = 10 if ":" in first else 2
    where = ip(first).ljust(16, b"\0")
    head = struct.pack("=BBBB", family, 10, 0, 0) + struct.pack("!HH", 132, 0) + where + bytes(16)
    body = head + struct.pack("=III", 0, 0, 0) + struct.pack("=IIIII", 0, 1, 5, 1000, 4711)
    return body + (attr(12, b"".join(storage(each) for each in more)) if more else b"")


def test_a_socket_on_several_addresses_is_a_listener_for_each() -> None:
    found = sockets.parse_sctp(diag("10.0.0.1", "10.0.0.1", "2001:db8::1"), V4)
    assert [(each.family, str(each.address)) for each in found] == [(V4, "10.0.0.1"), (V6, "2001:db8::1")]
    assert {(each.protocol, each.port, each.queued, each.backlog, each.uid, each.inode) for each in found} == {
        (Protocol.SCTP, 132, 1, 5, 1000, 4711)
    }


def test_a_socket_on_no_address_takes_every_one() -> None:
    (found,) = sockets.parse_sctp(diag("::"), V6)
    assert (found.family, found.address) == (V6, None)


def test_proc_lists_the_endpoints_that_listen() -> None:
    found = [sockets.plain(each) for each in parse_endpoints(EPS.splitlines())]
    assert found == [
        Listener(Protocol.SCTP, V4, ip_address("10.0.0.1"), 132, inode=4711, uid=1000),
        Listener(Protocol.SCTP, V6, ip_address("2001:db8::1"), 132, inode=4711, uid=1000),
        Listener(Protocol.SCTP, V4, None, 3868, inode=4712, uid=0),
    ]


def test_a_kernel_without_sctp_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Protocol] = []
    monkeypatch.setattr("engine.observe.netlink.sctp.ENDPOINTS", "/proc/thread-self/net/none/eps")
    monkeypatch.setattr("engine.observe.netlink.sockets._answers", lambda protocol: not asked.append(protocol))
    sockets.read_listeners("it")
    assert asked == [Protocol.TCP, Protocol.UDP]


@given(st.binary(max_size=400), st.sampled_from((V4, V6)))
def test_damaged_bytes_raise_one_error(body: bytes, family: Family) -> None:
    with suppress(NetlinkError):
        sockets.parse_sctp(body, family)


@given(st.binary(max_size=300))
def test_damaged_addresses_raise_one_error(raw: bytes) -> None:
    with suppress(NetlinkError):
        sockets.parse_sctp(diag("10.0.0.1") + attr(12, raw), V4)


@given(st.lists(st.text(max_size=80), max_size=5))
def test_any_text_is_a_table_of_endpoints_without_rows_or_with(lines: list[str]) -> None:
    assert all(each.protocol is Protocol.SCTP for each in parse_endpoints(lines))
