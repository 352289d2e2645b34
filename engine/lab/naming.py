"""The names of a lab: who answers DNS where, and the files that each namespace has. Pure.

1. Docker: a container in a network of a user's own asks 127.0.0.11, which knows the containers of its networks; one in
   the default bridge, or in none, has the host's resolv.conf. `host-gateway` is the default bridge's gateway.
2. Podman: a resolver at the gateway of each network of a user's own, which a container asks by all of its gateways.
3. Outside, a node answers what `x-lab.dns` says; it is the server of the host, and so of everything behind it. Without
   one no name from outside is found, as the machine's own servers are none of a lab's.
Sources: moby, libnetwork/resolvconf and sandbox_dns_unix.go; netavark, aardvark-dns.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from engine.change.namespace_file import WriteNetnsFile
from engine.change.program import AnswerNames
from engine.lab.blueprint import Blueprint, Bridge, Node
from engine.lab.spec import ServiceSpec
from engine.model.address import IPAddress
from engine.model.application.lab_resolver import NameDoor
from engine.model.application.naming import NameRecord, Zone
from engine.model.plan import Change

DOCKERS = ip_address("127.0.0.11")
LOOPBACK = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
#: What Podman calls the host in each container (containers.conf(5), host_containers_internal_ip).
PODMANS_HOST = "host.containers.internal host.docker.internal"


def files(lab: Blueprint) -> Iterator[Change]:
    """What decides a look-up in each namespace of the lab, and the file's own files."""
    servers = outside_servers(lab)
    if lab.spec.names:
        for netns in (lab.host, *(outside.netns for outside in lab.outside)):
            yield WriteNetnsFile(netns, "hosts", LOOPBACK)
            yield WriteNetnsFile(netns, "resolv.conf", _resolv_conf(servers))
        for node in lab.nodes:
            if node.mode not in ("host", "service"):
                service = _service(lab, node)
                yield WriteNetnsFile(node.netns, "hosts", LOOPBACK + "".join(_hosts_lines(lab, node, service)))
                yield WriteNetnsFile(node.netns, "resolv.conf", _nodes_resolv_conf(lab, node, service))
    for name, path, text in lab.spec.files:
        yield WriteNetnsFile(lab.netns_by_node[name], path, text)


def answering(lab: Blueprint) -> Iterator[Change]:
    """The lab's resolver, where there is anything to answer."""
    doors = tuple(_doors(lab)) if lab.spec.names else ()
    if doors:
        used = {table for door in doors for table in door.tables}
        yield AnswerNames(lab.host, tuple(table for table in _tables(lab) if table.network in used), doors)


def outside_servers(lab: Blueprint) -> tuple[IPAddress, ...]:
    """The nodes outside that answer DNS, in the order of the file."""
    found = {outside.name: outside.far.ip for outside in lab.outside}
    return tuple(found[name] for name, _ in lab.spec.dns if name in found)


def _service(lab: Blueprint, node: Node) -> ServiceSpec:
    return next(service for service in lab.spec.services if service.name == node.name)


def _is_podman(lab: Blueprint) -> bool:
    return lab.spec.layout == "podman"


def _named(node: Node) -> list[Bridge]:
    """The networks of a container in which names are answered, in the order of their names."""
    return sorted((end.bridge for end in node.ends if not end.bridge.own), key=lambda bridge: bridge.name)


def _tables(lab: Blueprint) -> Iterator[Zone]:
    for bridge in lab.bridges:
        inside = [(node, end) for node in lab.nodes for end in node.ends if end.bridge is bridge]
        found: dict[str, list[IPAddress]] = {}
        for node, end in inside:
            addresses = [side.ip for side in (end.address, end.address6) if side]
            aliases = (member.aliases for member in _service(lab, node).memberships if member.network == bridge.name)
            for name in (node.name, *(alias for each in aliases for alias in each)):
                found.setdefault(name.lower(), []).extend(addresses)
        clients = [end.address.ip for node, _ in inside for end in node.ends] if _is_podman(lab) else []
        yield Zone(bridge.name, tuple(clients), tuple(NameRecord(name, tuple(each)) for name, each in found.items()))
    for node_name, records in lab.spec.dns:
        others = NameRecord(".")
        yield Zone(f"dns of {node_name}", records=(*(NameRecord(name, each) for name, each in records), others))


def _doors(lab: Blueprint) -> Iterator[NameDoor]:
    servers = outside_servers(lab)
    outside = {one.name: one for one in lab.outside}
    for name, _ in lab.spec.dns:
        yield NameDoor(outside[name].netns, outside[name].far.ip, (f"dns of {name}",))
    if _is_podman(lab):
        tables = tuple(sorted(bridge.name for bridge in lab.bridges if not bridge.own))
        for bridge in lab.bridges:
            if not bridge.own:
                beyond = () if bridge.internal else servers
                yield NameDoor(lab.host, bridge.gateway, tables, beyond, shared=True, closed=bridge.internal)
        return
    for node in lab.nodes:
        if named := _named(node):
            closed = all(end.bridge.internal for end in node.ends)
            beyond = () if closed else _service(lab, node).dns or servers
            yield NameDoor(node.netns, DOCKERS, tuple(bridge.name for bridge in named), beyond, closed=closed)


def _hosts_lines(lab: Blueprint, node: Node, service: ServiceSpec) -> Iterator[str]:
    own = next((bridge for bridge in lab.bridges if bridge.own), None)
    if _is_podman(lab) and node.exit is not None:
        yield f"{node.exit.bridge.gateway}\t{PODMANS_HOST}\n"
        own = node.exit.bridge
    for name, address in service.hosts:
        if address is not None or own is not None:
            yield f"{address or (own.gateway if own else '')}\t{name}\n"


def _nodes_resolv_conf(lab: Blueprint, node: Node, service: ServiceSpec) -> str:
    beyond = service.dns or outside_servers(lab)
    named = _named(node)
    if not named:
        return _resolv_conf(beyond, service.search)
    if _is_podman(lab):
        return _resolv_conf(tuple(bridge.gateway for bridge in named), service.search)
    told = f"# ExtServers: [{' '.join(map(str, beyond))}]\n" if beyond else ""
    return _resolv_conf((DOCKERS,), service.search, "options ndots:0\n") + told


def _resolv_conf(servers: tuple[IPAddress, ...], search: tuple[str, ...] = (), more: str = "") -> str:
    lines = "".join(f"nameserver {server}\n" for server in servers) or "# no server: names from outside are not found\n"
    return lines + (f"search {' '.join(search)}\n" if search else "") + more
