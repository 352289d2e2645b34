"""A host's snapshot with ids that are unique among hosts: `db1` is its own namespace, `db1/shop` a container's."""

from __future__ import annotations

from engine.model.host import Netns, Snapshot
from engine.model.link import Link, Peer
from engine.model.machine import Machine
from engine.records import replace
from engine.several.naming import Given


def machine_of(given: Given, name: str) -> Machine:
    """The host as one of several."""
    snapshot = given.snapshot
    return Machine(name, name, snapshot.hostname, snapshot.kernel, snapshot.taken_at, given.source, given.described)


def qualified(snapshot: Snapshot, machine: Machine) -> Snapshot:
    """The snapshot of a single host, all of whose parts say that they are this machine's."""
    ids = {
        netns.id: machine.home if netns.id == snapshot.host else machine.qualified(_bare(netns))
        for netns in snapshot.namespaces
    }
    name = machine.name
    return replace(
        snapshot,
        host=machine.home,
        namespaces=tuple(_netns(netns, ids, name) for netns in snapshot.namespaces),
        containers=tuple(replace(each, netns=ids.get(each.netns or ""), machine=name) for each in snapshot.containers),
        networks=tuple(replace(each, machine=name) for each in snapshot.networks),
        name_configs=tuple(replace(each, netns=ids.get(each.netns, each.netns)) for each in snapshot.name_configs),
        resolvers=tuple(replace(each, netns=ids.get(each.netns, each.netns)) for each in snapshot.resolvers),
        proxies=tuple(replace(each, netns=ids.get(each.netns, each.netns)) for each in snapshot.proxies),
        gaps=tuple(replace(gap, netns=ids.get(gap.netns, gap.netns), machine=name) for gap in snapshot.gaps),
    )


def _bare(netns: Netns) -> str:
    """The id without a host's name before it, where the snapshot is already a part of several."""
    return netns.id.removeprefix(f"{netns.machine}/") if netns.machine else netns.id


def _netns(netns: Netns, ids: dict[str, str], machine: str) -> Netns:
    links = tuple(_link(link, ids) for link in netns.links)
    return replace(netns, id=ids[netns.id], links=links, machine=machine)


def _link(link: Link, ids: dict[str, str]) -> Link:
    if link.peer is None or link.peer.netns is None:
        return link
    return replace(link, peer=Peer(ids.get(link.peer.netns), link.peer.index))
