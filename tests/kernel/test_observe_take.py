"""`take` over namespaces of its own making: what they are called, how they are joined, and what may go missing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.model.host import Snapshot
from engine.model.link import Link, Peer
from engine.observe.base.namespaces import NetnsRef, apart, enter, host_inode
from engine.observe.look.snapshot import take
from engine.observe.recording.snapshot_file import dumps, open_file, save
from tests.harness.needs import require
from tests.harness.netns import End, Netns, World, run

require("ip", "unshare", "nsenter", "sleep", root=True)

NOBODY = 65534
SERVER = """
import socket, time
server = socket.create_server(("10.7.0.1", 8099))
print("ready", flush=True)
time.sleep(1000)
"""


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as made:
        yield made


@pytest.fixture(scope="module")
def host(world: World) -> Netns:
    """A small host: an uplink to a LAN, and a bridge with a namespace that only a process keeps."""
    host, lan = world.netns("host"), world.netns("lan")
    world.veth(End(host, "up0", ("10.7.0.1/24",)), End(lan, "eth0", ("10.7.0.2/24",)))
    world.bridge(host, "br0", "10.8.0.1/24")
    return host


@pytest.fixture(scope="module")
def tenant(world: World, host: Netns) -> int:
    """The pid of a process in a namespace without a name, joined to the host's bridge."""
    process = world.start(["unshare", "--net", "sh", "-c", "echo ready; exec sleep 1000"], ready="ready")
    peer = ["type", "veth", "peer", "name", "eth0", "netns", str(process.pid)]
    run(["ip", "link", "add", "vtenant", "netns", host.name, *peer])
    host.ip("link set vtenant master br0 up")
    return process.pid


def take_in(netns: Netns) -> Snapshot:
    """A look by a thread that is in `netns`, as `nsenter --net=` would start it."""

    def look() -> Snapshot:
        enter(NetnsRef(os.stat(netns.path).st_ino, ways=(netns.path,)))
        return take()

    return apart(look)


def link(snapshot: Snapshot, netns: str, name: str) -> Link:
    return snapshot.by_id[netns].links_by_name[name]


def test_the_host_is_the_namespace_that_asks(host: Netns) -> None:
    snapshot = take_in(host)
    assert snapshot.host == host.name
    assert snapshot.namespaces[0].id == host.name
    assert snapshot.host_netns.path == host.path
    assert snapshot.host_netns.inode == os.stat(host.path).st_ino
    assert snapshot.kernel == os.uname().release


def test_the_callers_thread_stays_where_it_is(host: Netns) -> None:
    before = host_inode()
    snapshot = take()
    assert host_inode() == before == snapshot.host_netns.inode
    assert snapshot.by_id[host.name].inode != before


def test_named_namespaces_are_joined_by_their_veths(host: Netns, world: World) -> None:
    snapshot, lan = take_in(host), f"{world.prefix}-lan"
    ours, theirs = link(snapshot, host.name, "up0"), link(snapshot, lan, "eth0")
    assert ours.peer == Peer(lan, theirs.index)
    assert theirs.peer == Peer(host.name, ours.index)


def test_a_namespace_that_only_a_process_keeps_is_called_by_its_pid(host: Netns, tenant: int) -> None:
    snapshot = take_in(host)
    netns = snapshot.by_id[f"pid-{tenant}"]
    assert (netns.path, netns.pids) == (f"/proc/{tenant}/ns/net", (tenant,))
    assert link(snapshot, host.name, "vtenant").peer == Peer(netns.id, netns.links_by_name["eth0"].index)
    assert netns.links_by_name["eth0"].peer == Peer(host.name, link(snapshot, host.name, "vtenant").index)
    assert link(snapshot, host.name, "vtenant").master == link(snapshot, host.name, "br0").index


def test_a_veth_pair_within_one_namespace_has_its_own_namespace_as_peer(host: Netns, world: World) -> None:
    world.veth(End(host, "loop0"), End(host, "loop1"))
    try:
        snapshot = take_in(host)
    finally:
        host.ip("link delete loop0")
    assert link(snapshot, host.name, "loop0").peer == Peer(host.name, link(snapshot, host.name, "loop1").index)


def test_listeners_have_their_process_and_sysctls_their_device(host: Netns, world: World) -> None:
    process = world.start(host.enter([sys.executable, "-I", "-c", SERVER]), ready="ready")
    try:
        snapshot = take_in(host)
    finally:
        world.stop(process)
    (listener,) = [each for each in snapshot.host_netns.listeners if each.port == 8099]
    assert listener.process is not None
    assert listener.process.pid == process.pid
    assert snapshot.host_netns.sysctl("net.ipv4.conf.up0.forwarding", -1) == 0
    assert snapshot.host_netns.sysctl("net.ipv4.ip_forward", -1) == 0


def test_a_healthy_namespace_leaves_no_gap_of_its_own(host: Netns, world: World) -> None:
    snapshot = take_in(host)
    assert [gap for gap in snapshot.gaps if gap.netns.startswith(world.prefix)] == []


def as_nobody(netns: Netns, look: Callable[[], Any]) -> Any:
    """What `look` gives, as JSON, in a child that is in `netns` and has given root up."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            enter(NetnsRef(os.stat(netns.path).st_ino, ways=(netns.path,)))
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            os.write(writer, json.dumps(look()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return json.loads(text)


def test_an_ordinary_user_sees_the_host_and_gaps_for_the_rest(host: Netns, world: World) -> None:
    def look() -> dict[str, Any]:
        snapshot = take()
        return {
            "host": snapshot.host,
            "links": [each.name for each in snapshot.host_netns.links],
            "routes": len(snapshot.host_netns.routes),
            "lan": [each.name for each in snapshot.by_id[f"{world.prefix}-lan"].links],
            "gaps": [(gap.source, gap.netns, gap.reason) for gap in snapshot.gaps],
        }

    seen = as_nobody(host, look)
    assert seen["host"] == host.name
    assert {"lo", "up0", "br0"} <= set(seen["links"])
    assert seen["routes"] > 3
    assert seen["lan"] == []
    reason = "Operation not permitted: run as root to see it"
    assert ["namespace", f"{world.prefix}-lan", reason] in seen["gaps"]


SET = "table inet t {\n set s {\n type ipv4_addr; flags interval; elements = { 10.0.0.0/8 }\n }\n}\n"
LIMIT = "-A FORWARD -p tcp --dport 80 -m limit --limit 5/min -j DROP"


def test_a_look_is_read_back_equal_from_its_file(host: Netns, tenant: int, tmp_path: Path) -> None:
    host.run("iptables-nft", *LIMIT.split())
    host.run("nft", "-f", "-", stdin=SET)
    snapshot = take_in(host)
    save(snapshot, tmp_path / "host.json")
    assert open_file(tmp_path / "host.json") == snapshot


def test_the_command_writes_what_it_reads_back_to_the_same_bytes(host: Netns, tenant: int, tmp_path: Path) -> None:
    path = tmp_path / "host.json"
    command = [sys.executable, "-m", "workbench.start", "snapshot", "-o", str(path)]
    run(host.enter(command), cwd=Path(__file__).parents[2])
    assert dumps(open_file(path)) == path.read_text()
    assert open_file(path).host == host.name
