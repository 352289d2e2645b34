"""Listeners of real sockets in a throw-away namespace, compared with what ss(8) prints."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address
from typing import TypeVar

import pytest

from engine.model.address import Family
from engine.model.packet import Protocol
from engine.model.traffic import Listener
from engine.observe.base.namespaces import NetnsRef, apart, enter
from engine.observe.netlink import sockets
from engine.observe.proc.processes import read_holders, read_processes
from tests.harness.netns import Netns, World

T = TypeVar("T")
TCP, UDP, V4, V6 = Protocol.TCP, Protocol.UDP, Family.INET, Family.INET6


@pytest.fixture
def netns() -> Iterator[Netns]:
    with World() as world:
        yield world.netns("sockets")


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def inside(netns: Netns, work: Callable[[], T]) -> T:
    def entered() -> T:
        enter(NetnsRef(os.stat(netns.path).st_ino, ways=(netns.path,)))
        return work()

    return apart(entered)


def bind(
    opened: ExitStack,
    netns: Netns,
    protocol: Protocol,
    address: str,
    port: int,
    *,
    v6only: bool = False,
    device: str = "",
    backlog: int = 16,
) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol is TCP else socket.SOCK_DGRAM
    made = opened.enter_context(inside(netns, lambda: socket.socket(family, kind)))
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    if device:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    made.bind((address, port))
    if protocol is TCP:
        made.listen(backlog)
    return made


def read(netns: Netns) -> tuple[Listener, ...]:
    listeners, gaps = inside(netns, lambda: sockets.read_listeners("it"))
    assert gaps == ()
    return listeners


def by_ss(netns: Netns) -> set[tuple[str, str, str, str]]:
    """Protocol, local end, Recv-Q and Send-Q of each listener (queues for TCP only)."""
    rows = (line.split() for line in netns.run("ss", "-H", "-l", "-n", "-t", "-u").splitlines())
    return {(row[0], row[4], *(row[2:4] if row[0] == "tcp" else ("0", "0"))) for row in rows}


def as_ss(listener: Listener, names: dict[int, str]) -> tuple[str, str, str, str]:
    wildcard = "0.0.0.0" if listener.family is V4 else "[::]"
    if listener.family is V6 and listener.address is None and not listener.v6only:
        wildcard = "*"
    address = listener.address
    host = wildcard if address is None else f"[{address}]" if address.version == 6 else str(address)
    device = f"%{names[listener.device]}" if listener.device else ""
    return (str(listener.protocol), f"{host}{device}:{listener.port}", str(listener.queued), str(listener.backlog))


def test_every_kind_of_listener_is_seen_as_ss_sees_it(netns: Netns, opened: ExitStack) -> None:
    bind(opened, netns, TCP, "127.0.0.1", 80)
    bind(opened, netns, TCP, "0.0.0.0", 81, backlog=7)
    bind(opened, netns, TCP, "::", 82)
    bind(opened, netns, TCP, "::", 83, v6only=True)
    bind(opened, netns, TCP, "::1", 84)
    bind(opened, netns, TCP, "0.0.0.0", 85, device="lo")
    bind(opened, netns, UDP, "0.0.0.0", 53)
    bind(opened, netns, UDP, "::", 54)
    bind(opened, netns, UDP, "::", 55, v6only=True)
    found = read(netns)
    names = {row["ifindex"]: row["ifname"] for row in netns.ip_json("link show")}
    assert len(found) == 9
    assert {as_ss(listener, names) for listener in found} == by_ss(netns)


def test_connections_and_connected_udp_sockets_are_no_listeners(netns: Netns, opened: ExitStack) -> None:
    bind(opened, netns, TCP, "127.0.0.1", 80)
    client = opened.enter_context(inside(netns, socket.socket))
    client.connect(("127.0.0.1", 80))
    connected = bind(opened, netns, UDP, "127.0.0.1", 5000)
    connected.connect(("127.0.0.1", 53))
    found = read(netns)
    assert [(each.protocol, each.port) for each in found] == [(TCP, 80)]
    assert found[0].queued == 1


def test_a_socket_on_a_mapped_address_listens_for_ipv4(netns: Netns, opened: ExitStack) -> None:
    bind(opened, netns, TCP, "::ffff:127.0.0.1", 80)
    (found,) = read(netns)
    assert (found.family, found.address) == (V4, IPv4Address("127.0.0.1"))


def test_the_holder_is_found_though_it_lives_in_another_namespace(netns: Netns, opened: ExitStack) -> None:
    bind(opened, netns, TCP, "127.0.0.1", 80)
    listeners = read(netns)
    holders, _ = read_holders(read_processes(), {os.stat(netns.path).st_ino: [each.inode for each in listeners]})
    (found,) = sockets.with_processes(listeners, holders)
    assert found.process is not None
    assert found.process.pid == os.getpid()
    assert found.uid == os.geteuid()


def test_without_sock_diag_proc_gives_the_same_sockets_and_says_what_is_unknown(
    netns: Netns, opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind(opened, netns, TCP, "127.0.0.1", 80)
    bind(opened, netns, TCP, "::1", 80)
    bind(opened, netns, UDP, "0.0.0.0", 53)
    exact = read(netns)
    monkeypatch.setattr("engine.observe.netlink.sockets._answers", lambda _protocol: False)
    rough, gaps = inside(netns, lambda: sockets.read_listeners("it"))
    key = [(each.protocol, each.family, each.address, each.port, each.inode, each.uid) for each in exact]
    assert [(each.protocol, each.family, each.address, each.port, each.inode, each.uid) for each in rough] == key
    assert [(gap.netns, "v6only" in gap.reason) for gap in gaps] == [("it", True), ("it", True)]


def test_a_namespace_without_listeners_has_none_and_no_gap(netns: Netns) -> None:
    assert read(netns) == ()


def test_an_address_of_ipv6_is_kept(netns: Netns, opened: ExitStack) -> None:
    bind(opened, netns, UDP, "::1", 53)
    (found,) = read(netns)
    assert (found.family, found.address) == (V6, IPv6Address("::1"))
