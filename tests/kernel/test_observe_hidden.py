"""Namespaces without a name and without a process: what keeps them, and how much of them is still told."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from engine.model.host import Netns as Seen
from engine.model.host import Snapshot
from engine.model.link import Peer
from engine.observe.look.anonymous_netns import kept
from engine.observe.look.incremental import again
from engine.observe.look.look import look
from engine.observe.look.netns_reader import NetnsSource
from engine.observe.look.snapshot import compose, take
from engine.observe.proc.processes import read_processes
from tests.harness.needs import require
from tests.harness.netns import End, Netns, World, run
from tests.harness.processes import wait
from tests.kernel.looks import inside

require("ip", "mount", "umount", "nsenter", root=True)

#: A process with a thread in the namespace that its argument names; the other threads stay.
THREAD = """
import ctypes, os, sys, threading
def stay():
    ctypes.CDLL(None).setns(os.open(sys.argv[1], os.O_RDONLY), 0x40000000)
    os.close(3)
    print("ready", flush=True)
    threading.Event().wait()
threading.Thread(target=stay).start()
"""


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as made:
        yield made


@pytest.fixture
def host(world: World) -> Iterator[Netns]:
    """A namespace with one end of a pair, whose other end is at 10.9.0.2 in a namespace called hidden."""
    host, hidden = world.netns("host"), world.netns("hidden")
    world.veth(End(host, "v0", ("10.9.0.1/24",)), End(hidden, "eth0", ("10.9.0.2/24",)))
    yield host
    for netns in (host, hidden):
        if os.path.exists(netns.path):
            run(["ip", "netns", "delete", netns.name])


def hidden_path(host: Netns) -> str:
    return host.path.replace("-host", "-hidden")


def forget_name(host: Netns) -> None:
    run(["ip", "netns", "delete", os.path.basename(hidden_path(host))])


def beyond(snapshot: Snapshot) -> Seen:
    """The namespace at the far end of v0, which points back."""
    ours = snapshot.host_netns.links_by_name["v0"]
    assert ours.peer is not None
    assert ours.peer.netns is not None
    there = snapshot.by_id[ours.peer.netns]
    assert there.links_by_index[ours.peer.index].peer == Peer(snapshot.host, ours.index)
    assert "10.9.0.2" in {str(address.address) for address in there.addresses}
    return there


def test_an_open_file_keeps_a_namespace_in_the_picture(host: Netns) -> None:
    held = os.open(hidden_path(host), os.O_RDONLY | os.O_CLOEXEC)
    try:
        forget_name(host)
        snapshot = inside(host, take)
        assert beyond(snapshot).path == f"/proc/{os.getpid()}/fd/{held}"
    finally:
        os.close(held)
    assert [gap for gap in snapshot.gaps if gap.netns in (snapshot.host, beyond(snapshot).id)] == []
    assert beyond(snapshot).routes


def test_a_thread_keeps_a_namespace_in_the_picture(host: Netns, world: World) -> None:
    process = world.start([sys.executable, "-I", "-c", THREAD, hidden_path(host)], ready="ready")
    try:
        forget_name(host)
        there = beyond(inside(host, take))
    finally:
        world.stop(process)
    assert (there.path or "").startswith(f"/proc/{process.pid}/task/")
    assert there.routes


def test_a_mount_anywhere_keeps_a_namespace_in_the_picture(host: Netns, tmp_path: Path) -> None:
    place = tmp_path / "a place"
    place.touch()
    run(["mount", "--bind", hidden_path(host), str(place)])
    try:
        forget_name(host)
        there = beyond(inside(host, take))
    finally:
        run(["umount", str(place)])
    assert there.path == str(place)


@pytest.mark.parametrize("read_twice", [False, True])
def test_a_namespace_that_only_a_socket_keeps_is_told_by_its_number(host: Netns, read_twice: bool) -> None:
    hidden = Netns(hidden_path(host))
    with ExitStack() as stack:
        stack.enter_context(inside(hidden, socket.socket))
        inode = os.stat(hidden.path).st_ino
        forget_name(host)
        wait(lambda: inode not in kept(read_processes(), ()), "another program stays where it looked")
        first = inside(host, look)
        stale = dict.fromkeys(first.visits, tuple(NetnsSource)) if read_twice else {}
        snapshot = inside(host, lambda: compose(again(first, stale)))
    there = beyond(snapshot)
    assert (there.path, there.pids, there.routes) == (None, (), ())
    (gap,) = [gap for gap in snapshot.gaps if gap.netns == there.id]
    assert gap.source == "namespace"
    assert "ip netns attach" in gap.reason
    assert [gap for gap in snapshot.gaps if gap.netns == snapshot.host] == []


def link_news() -> socket.socket:
    """A socket that hears of every change to a link of the calling thread's namespace."""
    news = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    news.bind((0, 1))  # RTMGRP_LINK
    news.settimeout(20)
    return news


def test_a_namespace_that_ended_is_not_in_the_picture(host: Netns) -> None:
    with inside(host, link_news) as news:
        forget_name(host)
        while any(row["ifname"] == "v0" for row in host.ip_json("link")):
            news.recv(65536)  # the kernel takes a namespace's links away some time after its name
    snapshot = inside(host, take)
    assert not any("hidden" in netns.id for netns in snapshot.namespaces)
    assert "v0" not in snapshot.host_netns.links_by_name
