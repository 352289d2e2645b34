"""A second look reads what is stale and keeps the rest as it is, value for value."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

import pytest

from engine.model.host import Snapshot
from engine.model.link import Peer
from engine.observe.base.namespaces import NetnsRef, apart, enter
from engine.observe.look.incremental import again
from engine.observe.look.look import Observation, look
from engine.observe.look.netns_reader import NetnsSource
from engine.observe.look.snapshot import compose
from tests.harness.needs import require
from tests.harness.netns import End, Netns, World, run

SERVER = """
import socket, time
server = socket.create_server(("10.7.0.1", 81))
print("ready", flush=True)
time.sleep(1000)
"""

require("ip", "iptables-nft", "nsenter", root=True)


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        yield made


@pytest.fixture
def host(world: World) -> Netns:
    host, lan = world.netns("host"), world.netns("lan")
    world.veth(End(host, "up0", ("10.7.0.1/24",)), End(lan, "eth0", ("10.7.0.2/24",)))
    return host


def in_netns(netns: Netns, work: Callable[[], Observation]) -> Observation:
    def there() -> Observation:
        enter(NetnsRef(os.stat(netns.path).st_ino, ways=(netns.path,)))
        return work()

    return apart(there)


def without_time(snapshot: Snapshot, prefix: str) -> list[object]:
    """What the snapshot says of the namespaces of one world."""
    return [netns for netns in snapshot.namespaces if netns.id.startswith(prefix)]


def test_a_changed_link_is_seen_by_reading_its_stack_alone(host: Netns, world: World) -> None:
    first = in_netns(host, look)
    host.ip("link set up0 mtu 1400")
    host.sysctl("net.ipv4.ip_forward", 1)
    second = in_netns(host, lambda: again(first, {host.name: {NetnsSource.STACK}}))
    seen = compose(second).by_id[host.name]
    assert seen.links_by_name["up0"].mtu == 1400
    assert seen.sysctl("net.ipv4.ip_forward") == 0, "sysctls were not stale"
    assert all(second.visits[netns] is first.visits[netns] for netns in first.visits if netns != host.name)
    assert second.visits[host.name].firewall is first.visits[host.name].firewall


def test_each_stale_source_is_read_again(host: Netns, world: World) -> None:
    first = in_netns(host, look)
    host.sysctl("net.ipv4.ip_forward", 1)
    host.run("iptables-nft", "-A", "FORWARD", "-j", "DROP")
    world.start(host.enter([sys.executable, "-I", "-c", SERVER]), ready="ready")
    second = in_netns(host, lambda: again(first, {host.name: set(NetnsSource)}))
    whole = in_netns(host, look)
    assert without_time(compose(second), world.prefix) != without_time(compose(first), world.prefix)
    netns = compose(second).by_id[host.name]
    fresh = compose(whole).by_id[host.name]
    assert (netns.links, netns.sysctls, netns.firewall) == (fresh.links, fresh.sysctls, fresh.firewall)
    assert [each.port for each in netns.listeners] == [each.port for each in fresh.listeners] == [81]


def test_a_far_end_that_moved_away_is_found_where_it_is_now(host: Netns, world: World) -> None:
    lan, other = f"{world.prefix}-lan", world.netns("other")
    first = in_netns(host, look)
    before = compose(first).by_id[host.name].links_by_name["up0"].peer
    assert before is not None
    assert before.netns == lan
    run(["ip", "-n", lan, "link", "set", "eth0", "netns", other.name])
    second = in_netns(host, lambda: again(first, {lan: {NetnsSource.STACK}, other.name: {NetnsSource.STACK}}))
    up0 = compose(second).by_id[host.name].links_by_name["up0"]
    eth0 = compose(second).by_id[other.name].links_by_name["eth0"]
    assert up0.peer == Peer(other.name, eth0.index)
    assert eth0.peer == Peer(host.name, up0.index)


def test_a_namespace_that_ended_is_left_out(host: Netns, world: World) -> None:
    gone = world.netns("gone")
    first = in_netns(host, look)
    assert gone.name in first.visits
    run(["ip", "netns", "delete", gone.name])
    second = in_netns(host, lambda: again(first, {gone.name: {NetnsSource.SYSCTLS}}))
    assert gone.name not in compose(second).by_id
    assert host.name in compose(second).by_id
