"""Hosts that are built for these tests: each with one device to the outside, as a machine sees itself."""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.host import Snapshot
from engine.records import replace
from engine.several.joining import joined
from engine.several.naming import Given
from tests.hosts.build import Space, World
from tests.hosts.stock import docker_world

#: MAC addresses as makers give them.
MACS = {
    "app1": "3c:fd:fe:00:00:01",
    "db1": "3c:fd:fe:00:00:02",
    "nas": "3c:fd:fe:00:00:03",
    "router": "3c:fd:fe:00:00:fe",
}


def machine(address: str = "", mac: str = "") -> tuple[World, Space]:
    """A host whose eth0 leads out; its routes, rules and sockets are the test's."""
    world = World()
    host = world.space("host")
    host.link("eth0", **({"mac": mac} if mac else {}))
    if address:
        host.address("eth0", address)
    return world, host


def seen(world: World, name: str, taken_at: str = "") -> Snapshot:
    """What is read of it."""
    return replace(world.snapshot("host"), hostname=name, taken_at=taken_at)


def docker_machine(name: str) -> Snapshot:
    """A Docker host with `web` published at 8080, as only itself sees it: what is beyond its uplink is not shown."""
    snapshot = docker_world().snapshot("host")
    kept = tuple(netns for netns in snapshot.namespaces if netns.id != "lan")
    host = next(netns for netns in kept if netns.id == "host")
    links = tuple(replace(each, kind="", peer=None) if each.name == "up0" else each for each in host.links)
    kept = tuple(replace(host, links=links) if each is host else each for each in kept)
    return replace(snapshot, namespaces=kept, hostname=name)


def together(hosts: Mapping[str, Snapshot]) -> Snapshot:
    """One snapshot of them all."""
    return joined([Given(snapshot, f"{name}.json", name) for name, snapshot in hosts.items()])


def pair(*, known: bool = True) -> Snapshot:
    """app1 and db1 on 10.9.0.0/24, db1 with a program at 5432; app1 has spoken to it, or not."""
    app, one = machine("10.9.0.1/24", MACS["app1"])
    data, other = machine("10.9.0.2/24", MACS["db1"])
    other.listen(5432)
    if known:
        one.neighbour("eth0", "10.9.0.2", MACS["db1"], "stale")
    return together({"app1": seen(app, "app1"), "db1": seen(data, "db1")})
