"""A containerlab topology (https://containerlab.dev/manual/topo-def-file/): the same nodes and links as a lab file.

Namespaces and the host become nodes of kind `linux`, bridges nodes of kind `bridge`, devices links; addresses are set
by `exec` after start. What has no place in containerlab's language (firewall rules, sysctls) is not in the file. It is
written as JSON, which is YAML (https://yaml.org/spec/1.2.2/#13-prior-art).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from engine.model.host import Netns, Snapshot
from engine.model.link import Link
from views.topology.network import Graph, Place, Spot

Json = dict[str, Any]

#: The image of nodes whose container's own image is not known.
IMAGE = "alpine:3"


def render(graph: Graph, snapshot: Snapshot) -> str:
    """One topology file."""
    nodes = _names(graph)
    topology = {
        "nodes": {nodes[spot.id]: _node(snapshot, spot) for spot in graph.spots if spot.id in nodes},
        "links": list(_links(snapshot, graph, nodes)),
    }
    return json.dumps({"name": "portscope", "topology": topology}, indent=2) + "\n"


def _names(graph: Graph) -> dict[str, str]:
    """A name for each node in containerlab's alphabet, with a number where two would be alike."""
    found: dict[str, str] = {}
    taken: Counter[str] = Counter()
    for spot in graph.spots:
        if spot.place is not Place.OUTSIDE:
            name = re.sub(r"[^A-Za-z0-9_.-]+", "-", spot.label).strip("-.") or "node"
            found[spot.id] = f"{name}-{taken[name]}" if taken[name] else name
            taken[name] += 1
    return found


def _node(snapshot: Snapshot, spot: Spot) -> Json:
    if spot.place is Place.BRIDGE:
        return {"kind": "bridge"}
    netns = _netns(snapshot, spot)
    image = next((one.image for one in snapshot.containers_in(netns.id) if one.image), IMAGE) if netns else IMAGE
    node: Json = {"kind": "linux", "image": image}
    commands = [f"ip address add {address} dev {link.name}" for link, address in _addresses(netns)] if netns else []
    return node | ({"exec": commands} if commands else {})


def _netns(snapshot: Snapshot, spot: Spot) -> Netns | None:
    name = snapshot.host if spot.place is Place.HOST else spot.id.removeprefix("netns:")
    return snapshot.by_id.get(name)


def _addresses(netns: Netns) -> Iterator[tuple[Link, str]]:
    for address in netns.addresses:
        link = netns.links_by_index.get(address.link)
        if link is not None and address.scope == "global" and link.kind == "veth":
            yield link, str(address)


def _links(snapshot: Snapshot, graph: Graph, nodes: dict[str, str]) -> Iterator[Json]:
    """A link for each pair of devices whose two ends are in the picture, told once."""
    done: set[tuple[str, int]] = set()
    host = next(spot.id for spot in graph.spots if spot.place is Place.HOST)
    homes = {netns.id: host if netns.id == snapshot.host else f"netns:{netns.id}" for netns in snapshot.namespaces}
    for netns in snapshot.namespaces:
        for link in netns.links:
            peer = link.peer
            if link.kind != "veth" or peer is None or peer.netns not in homes or (netns.id, link.index) in done:
                continue
            far = snapshot.by_id[str(peer.netns)].links_by_index.get(peer.index)
            if far is None:
                continue
            done |= {(netns.id, link.index), (str(peer.netns), peer.index)}
            ends = [_end(snapshot, nodes, homes, one, each) for one, each in ((netns.id, link), (str(peer.netns), far))]
            if all(ends):
                yield {"endpoints": ends}


def _end(snapshot: Snapshot, nodes: dict[str, str], homes: dict[str, str], netns: str, link: Link) -> str:
    """`node:device`; a port of one of the host's bridges is at the bridge's node."""
    bridge = f"{netns}/{link.master}" if netns == snapshot.host and link.master is not None else ""
    node = nodes.get(bridge) or nodes.get(homes[netns])
    return f"{node}:{link.name}" if node else ""
