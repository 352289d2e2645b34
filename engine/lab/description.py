"""A lab as data and as nouns: what `lab show --json` promises, and the containers of a snapshot of it. Pure.

A lab's containers are known to no engine. `dress` adds them to a snapshot of the lab's host as an engine would
describe them, so that the same questions can be asked of it as of a real one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.lab.blueprint import Blueprint, Node
from engine.lab.spec import ListenSpec
from engine.lab.twin.dressing import dressed
from engine.model.address import family_of
from engine.model.container import Attachment, Container, Network, PublishedPort
from engine.model.host import Snapshot
from engine.records import replace


def shown(lab: Blueprint, broken: Iterable[str]) -> dict[str, Any]:
    """The document of `lab show --json`."""
    return {
        "name": lab.name,
        "file": lab.spec.file,
        "layout": lab.spec.layout,
        "firewall": lab.backend,
        "nodes": _nodes(lab),
        "networks": [
            {
                "name": bridge.name,
                "bridge": bridge.link,
                "subnets": [str(subnet) for subnet in (bridge.subnet, bridge.subnet6) if subnet],
                "gateways": [str(gateway) for gateway in (bridge.gateway, bridge.gateway6) if gateway],
                "internal": bridge.internal,
            }
            for bridge in lab.bridges
        ],
        "published": [
            {
                "service": port.service,
                "protocol": str(port.protocol),
                "host_address": str(port.host_address) if port.host_address else None,
                "host_port": port.host_port,
                "container_port": port.container_port,
            }
            for port in lab.published
        ],
        "broken": list(broken),
    }


def _nodes(lab: Blueprint) -> list[dict[str, Any]]:
    host = [bridge.gateway for bridge in lab.bridges]
    near = [outside.near.ip for outside in lab.outside if outside.near_netns == lab.host]
    rows = [("host", lab.host, [str(address) for address in (*near, *host)], dict(lab.spec.listens).get("host", ()))]
    for outside in lab.outside:
        addresses = [str(side.ip) for side in (outside.far, outside.far6) if side]
        rows.append((outside.name, outside.netns, addresses, outside.listens))
    addresses_of = {node.netns: addresses_of_node(node) for node in lab.nodes if node.ends}
    for node in lab.nodes:
        rows.append((node.name, node.netns, addresses_of.get(node.netns, []), node.listens))
    origins = {name: {"origin": origin} for name, _, origin in lab.origin.nodes} if lab.origin else {}
    return [
        {
            "name": name,
            "netns": netns,
            "addresses": addresses,
            "listens": [listen_word(one) for one in listens],
            **origins.get(name, {}),
        }
        for name, netns, addresses, listens in rows
    ]


def addresses_of_node(node: Node) -> list[str]:
    """A node's own addresses in words."""
    return [str(side.ip) for end in node.ends for side in (end.address, end.address6) if side]


def listen_word(listen: ListenSpec) -> str:
    """`0.0.0.0:80/tcp`."""
    address = (
        "0.0.0.0"
        if listen.address is None
        else f"[{listen.address}]"
        if listen.address.version == 6
        else listen.address
    )
    return f"{address}:{listen.port}/{listen.protocol}"


def port_lines(lab: Blueprint, service: str) -> list[str]:
    """What a service publishes, as `docker port` writes it."""
    found = []
    for port in lab.published:
        if port.service == service:
            hosts = [str(port.host_address)] if port.host_address else ["0.0.0.0", "::"]
            for host in hosts:
                at = f"[{host}]" if ":" in host else host
                found.append(f"{port.container_port}/{port.protocol} -> {at}:{port.host_port}")
    return found


def alone(snapshot: Snapshot, lab: Blueprint) -> Snapshot:
    """A snapshot of the lab's host with the lab's own namespaces, dressed. The machine's other ones, and what could not
    be read of them, are left out."""
    own = {lab.host, *lab.netns_by_node.values()}
    namespaces = tuple(netns for netns in snapshot.namespaces if netns.id in own)
    gaps = tuple(gap for gap in snapshot.gaps if gap.netns in own)
    kept = tuple(one for one in snapshot.containers if one.netns in own)
    return dress(replace(snapshot, namespaces=namespaces, gaps=gaps, containers=kept), lab)


def dress(snapshot: Snapshot, lab: Blueprint) -> Snapshot:
    """A snapshot of the lab's host in which the lab's services are containers of an engine; a twin's are those of the
    snapshot that it stands for."""
    if lab.origin is not None:
        return dressed(snapshot, lab.origin)
    engine = lab.spec.layout.partition("-")[0]
    by_netns = {netns.id: netns for netns in snapshot.namespaces}
    containers = tuple(_container(lab, node, engine) for node in lab.nodes if node.netns in by_netns)
    networks = tuple(
        Network(
            bridge.name,
            engine,
            "bridge",
            bridge.link,
            bridge.internal,
            tuple(str(subnet) for subnet in (bridge.subnet, bridge.subnet6) if subnet),
        )
        for bridge in lab.bridges
    )
    return replace(snapshot, containers=snapshot.containers + containers, networks=snapshot.networks + networks)


def _container(lab: Blueprint, node: Node, engine: str) -> Container:
    mode = {"networks": node.ends[0].bridge.name if node.ends else "none", "service": "container:"}.get(
        node.mode, node.mode
    )
    return Container(
        id=f"{lab.name}-{node.name}",
        name=node.name,
        engine=engine,
        state="running",
        netns=node.netns,
        network_mode=mode,
        attachments=tuple(
            Attachment(
                end.bridge.name,
                end.address.ip,
                end.address6.ip if end.address6 else None,
                end.bridge.gateway if end is node.exit else None,
            )
            for end in node.ends
        ),
        published=tuple(
            PublishedPort(
                port.protocol,
                None if (at := port.host_address) is None or at.is_unspecified else at,
                port.host_port,
                port.container_port,
                family_of(at) if at is not None and at.is_unspecified else None,
            )
            for port in lab.published
            if port.service == node.name
        ),
        project=lab.name,
        service=node.name,
        command=(engine,),
    )
