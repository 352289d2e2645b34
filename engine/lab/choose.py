"""Chooses what a lab's file leaves open and refuses what does not fit: a `LabSpec` becomes a `Blueprint`. Pure.

The same file gives the same lab: link names follow from names, and random ports are the next free ones from the
start of the ephemeral range. What is wrong names its line: a network that is not there, an address twice, overlapping
subnets, a port that is taken, a cycle of network_mode.
Sources: moby, daemon/libnetwork (endpoint order, port allocator), and what real engines were seen to do.
"""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv6Interface, ip_interface

from engine.lab.addresses import Hosts, Subnets, first_host, short_hash, unique_local
from engine.lab.blueprint import Blueprint, Bridge, End, Node
from engine.lab.layouts.names import LAYOUTS
from engine.lab.outside_hosts import outside_nodes
from engine.lab.publish import publish
from engine.lab.spec import FilePlace, LabSpec, ListenSpec, Membership, NetworkSpec, ServiceSpec
from engine.records import replace

#: The network of a service that names none, and that of `network_mode: bridge`.
DEFAULT, OWN = "default", "bridge"
OWN_LINKS = {"docker": "docker0", "podman": "podman0"}
LONGEST_LINK = 15


def choose(spec: LabSpec) -> Blueprint:
    """The lab with everything chosen. Raises LabFileError."""
    backend = spec.backend or LAYOUTS[spec.layout][0]
    here = FilePlace(spec.file, 1, "x-lab.firewall")
    if backend not in LAYOUTS[spec.layout]:
        raise here.wrong(
            f"is {backend}, which {spec.layout} is not written in", f"write {' or '.join(LAYOUTS[spec.layout])}"
        )
    subnets = Subnets()
    outside = outside_nodes(spec, subnets)
    uplinks = {one.near_link: f"the uplink to {one.name}" for one in outside if one.near_netns == f"{spec.name}-host"}
    bridges = _bridges(spec, subnets, {"lo": "the host itself", **uplinks})
    nodes = _nodes(spec, bridges)
    lab = Blueprint(spec, tuple(bridges.values()), nodes, publish(spec, nodes), outside, backend)
    _check_names(lab)
    return lab


def family(layout: str) -> str:
    """The engine of a layout: docker or podman."""
    return layout.partition("-")[0]


def _bridges(spec: LabSpec, subnets: Subnets, links: dict[str, str]) -> dict[str, Bridge]:
    """The bridges by network: the engine's own, then the file's in its order, then the default one if it is used.

    `links` are those that the host has without them, with whose they are.
    """
    declared = {network.name: network for network in spec.networks}
    place = FilePlace(spec.file, 1, "networks")
    wanted = list(spec.networks)
    if DEFAULT not in declared and any(
        service.mode == "networks" and not service.memberships for service in spec.services
    ):
        wanted.append(NetworkSpec(DEFAULT, place))
    engine = family(spec.layout)
    for network in wanted:
        for subnet in (network.subnet, network.subnet6):
            if subnet is not None:
                subnets.claim(subnet, f"network {network.name}", network.place)
    found: dict[str, Bridge] = {}
    if engine == "docker" or any(service.mode == "bridge" for service in spec.services):
        pool = subnets.next_free("docker" if engine == "docker" else "podman own", "the engine's own network", place)
        found[OWN] = Bridge(OWN, OWN_LINKS[engine], pool, first_host(pool), own=True)  # type: ignore[arg-type]
    for number, network in enumerate(wanted, 1):
        if network.name == OWN:
            raise network.place.wrong("has the name of the engine's own network", "choose another one")
        found[network.name] = _bridge(spec, network, number, subnets)
    links = dict(links)
    for bridge in found.values():
        if bridge.link in links:
            where = declared[bridge.name].place if bridge.name in declared else place
            raise where.wrong(f"has the link {bridge.link} of {links[bridge.link]}", "choose another name for it")
        links[bridge.link] = f"network {bridge.name}"
    return found


def _bridge(spec: LabSpec, network: NetworkSpec, number: int, subnets: Subnets) -> Bridge:
    engine = family(spec.layout)
    subnet = network.subnet or subnets.next_free(engine, f"network {network.name}", network.place)
    subnet6 = network.subnet6
    if network.ipv6 and subnet6 is None:
        if spec.layout == "docker-26":
            raise network.place.wrong(
                "has IPv6 and no subnet for it", "Docker 26 wants one: ipam.config: [{subnet: fd00:7::/64}]"
            )
        subnet6 = unique_local(spec.name, network.name)
        subnets.claim(subnet6, f"network {network.name}", network.place)
    if subnet6 is not None and not network.ipv6:
        raise network.place.wrong("has an IPv6 subnet and no IPv6", "add enable_ipv6: true")
    plain = f"podman{number}" if engine == "podman" else f"br-{network.name}"
    link = network.bridge or (plain if len(plain) <= LONGEST_LINK else f"br-{short_hash(spec.name, network.name)[:12]}")
    values = {
        name: getattr(network, name)
        for name in ("internal", "icc", "masquerade", "binding", "mtu", "routed", "routed6")
    }
    gateway6 = None if subnet6 is None else network.gateway6 or first_host(subnet6)
    gateway = network.gateway or first_host(subnet)
    return Bridge(network.name, link, subnet, gateway, subnet6, gateway6, **values)  # type: ignore[arg-type]


def _nodes(spec: LabSpec, bridges: dict[str, Bridge]) -> tuple[Node, ...]:
    hosts = _reserved(spec, bridges)
    own = {
        service.name: _own_node(spec, service, bridges, hosts) for service in spec.services if service.mode != "service"
    }
    services = {service.name: service for service in spec.services}
    nodes = []
    for service in spec.services:
        node = own.get(service.name)
        if node is None:
            owner = own[_owner(service, services).name]
            node = replace(owner, name=service.name, mode="service", ends=(), exit=None, sysctls=())
        listens = _listens(spec, service)
        nodes.append(replace(node, listens=listens, command=dict(spec.commands).get(service.name, ())))
    return tuple(nodes)


def _owner(service: ServiceSpec, services: dict[str, ServiceSpec]) -> ServiceSpec:
    """Whose namespace a service shares in the end."""
    seen = [service.name]
    while service.mode == "service":
        if service.shares not in services:
            raise service.place.wrong(
                f"shares the namespace of {service.shares}, which is no service", "name one of the file"
            )
        service = services[service.shares]
        if service.name in seen:
            path = " → ".join([*seen, service.name])
            raise service.place.wrong(
                f"is in a cycle of network_mode: {path}", "let one of them have a network of its own"
            )
        seen.append(service.name)
    return service


def _listens(spec: LabSpec, service: ServiceSpec) -> tuple[ListenSpec, ...]:
    """What a service listens on: what x-lab says, else its published and exposed ports, unless a command runs."""
    named = dict(spec.listens)
    if service.name in named:
        return named[service.name]
    if service.name in dict(spec.commands):
        return ()
    ports = [ListenSpec(port.protocol, port.container_port) for port in service.ports]
    return tuple(sorted(dict.fromkeys([*ports, *service.expose]), key=lambda one: (str(one.protocol), one.port)))


def _reserved(spec: LabSpec, bridges: dict[str, Bridge]) -> dict[tuple[str, int], Hosts]:
    """The addresses of each network and IP version, with the gateways and the fixed ones taken."""
    found: dict[tuple[str, int], Hosts] = {}
    for bridge in bridges.values():
        found[bridge.name, 4] = Hosts(bridge.subnet, [bridge.gateway])
        if bridge.subnet6 is not None and bridge.gateway6 is not None:
            found[bridge.name, 6] = Hosts(bridge.subnet6, [bridge.gateway6])
    open_ends = {network.name for network in spec.networks if network.subnet is None}
    for service in spec.services:
        for member in service.memberships:
            if member.network not in bridges or member.network == OWN:
                known = ", ".join(name for name in bridges if name != OWN) or "none"
                raise member.place.wrong(
                    f"names the network {member.network!r}, which is not there", f"the file has: {known}"
                )
            if member.address is not None:
                if member.network in open_ends:
                    raise member.place.wrong("fixes an address in a network without ipam", "give the network a subnet")
                found[member.network, 4].take(member.address, member.place)
            if member.address6 is not None:
                if (member.network, 6) not in found:
                    raise member.place.wrong("has an IPv6 address in a network without IPv6", "add enable_ipv6: true")
                found[member.network, 6].take(member.address6, member.place)
    return found


def _own_node(
    spec: LabSpec, service: ServiceSpec, bridges: dict[str, Bridge], hosts: dict[tuple[str, int], Hosts]
) -> Node:
    """A service that is not another one's guest."""
    netns = f"{spec.name}-host" if service.mode == "host" else f"{spec.name}-{service.name}"
    members = {
        "networks": service.memberships or (Membership(service.place, DEFAULT),),
        "bridge": (Membership(service.place, OWN),),
    }.get(service.mode, ())
    ends = []
    for number, member in enumerate(sorted(members, key=lambda member: member.network)):
        bridge = bridges[member.network]
        address = member.address or hosts[bridge.name, 4].next_free(member.place)
        inside = ip_interface(f"{address}/{bridge.subnet.prefixlen}")
        inside6 = None
        if bridge.subnet6 is not None:
            address6 = member.address6 or hosts[bridge.name, 6].next_free(member.place)
            inside6 = ip_interface(f"{address6}/{bridge.subnet6.prefixlen}")
        veth = f"veth{short_hash(spec.name, service.name, bridge.name)[:7]}"
        ends.append(End(bridge, veth, f"eth{number}", _v4(inside), _v6(inside6)))
    leaving = next((end for end in ends if not end.bridge.internal), None)
    return Node(service.name, netns, service.mode, tuple(ends), leaving, sysctls=service.sysctls)


def _v4(interface: IPv4Interface | IPv6Interface) -> IPv4Interface:
    assert isinstance(interface, IPv4Interface)
    return interface


def _v6(interface: IPv4Interface | IPv6Interface | None) -> IPv6Interface | None:
    assert interface is None or isinstance(interface, IPv6Interface)
    return interface


def _check_names(lab: Blueprint) -> None:
    """Whatever names a node names one that is there. Raises LabFileError."""
    spec, nodes = lab.spec, lab.netns_by_node
    here = FilePlace(spec.file, 1, "x-lab")
    used = [(here, name) for name, _ in (*spec.listens, *spec.commands)]
    used += [(here, node) for node, _name, _value in spec.sysctls]
    used += [(rule.place, rule.node) for rule in spec.rules]
    used += [(route.place, route.node) for route in spec.routes]
    used += [(one.place, one.node) for one in spec.impairments]
    used += [(here, node) for node, _path, _text in spec.files]
    for place, name in used:
        if name not in nodes:
            raise place.wrong(f"names {name!r}, which is not a node of this lab", f"nodes are: {', '.join(nodes)}")
    outside = [one.name for one in lab.outside]
    for name, _records in spec.dns:
        if name not in outside:
            raise FilePlace(spec.file, 1, "x-lab.dns").wrong(
                f"names {name!r}, which is no node outside", f"nodes outside are: {', '.join(outside)}"
            )
