"""A blueprint as a plan: every change that builds the lab, in the order in which it is made. Pure.

    namespaces and bridges → outside → containers → names → the engine's rules → the administrator's → impairments →
    listeners

A container engine's way is followed: a link comes up when its settings are made (`layouts`), and without a userland
proxy every port of a bridge is a hairpin.
"""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv6Address, IPv6Interface, ip_address, ip_network

from engine.change.address import AddAddress
from engine.change.link import SetLink
from engine.change.namespace import CreateBridge, CreateNetns, CreateVeth
from engine.change.port import SetPort
from engine.change.program import RelayPort, Serve, Shape, Start
from engine.change.route import AddRoute
from engine.change.sysctl import SetSysctl
from engine.lab import layouts, naming
from engine.lab.blueprint import Blueprint, End, Node, Outside
from engine.lab.commands import command_of, device_route
from engine.lab.spec import ExtraRoute, ListenSpec
from engine.model.address import IPAddress, IPNetwork
from engine.model.link import Address
from engine.model.plan import Change, Plan
from engine.model.route import NextHop, Route

ANY4, ANY6 = ip_network("0.0.0.0/0"), ip_network("::/0")
FORWARDING = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding")


def plan(lab: Blueprint) -> Plan:
    """The plan that builds a lab."""
    changes: list[Change] = [CreateNetns(lab.host), *_host(lab)]
    for outside in lab.outside:
        changes += _outside(lab, outside)
    for node in lab.nodes:
        changes += _node(lab, node)
    changes += naming.files(lab)
    changes += layouts.load(lab)
    changes += [command_of(rule, lab.netns_by_node[rule.node]) for rule in lab.spec.rules]
    changes += [_route(route, lab.netns_by_node[route.node]) for route in lab.spec.routes]
    changes += [SetSysctl(lab.netns_by_node[node], name, value) for node, name, value in lab.spec.sysctls]
    changes += [
        Shape(lab.netns_by_node[one.node], one.link, one.rate, one.delay, one.loss) for one in lab.spec.impairments
    ]
    parts = ((len(lab.nodes), "service"), (len(lab.bridges), "bridge"), (len(lab.published), "published port"))
    counted = (f"{number} {name}{'' if number == 1 else 's'}" for number, name in parts)
    title = "lab {}: {} on {}, {}".format(lab.name, *counted)
    return Plan(title, (*changes, *_programs(lab)))


def _host(lab: Blueprint) -> list[Change]:
    changes: list[Change] = list(layouts.host_settings(lab))
    for bridge in lab.bridges:
        changes.append(CreateBridge(lab.host, bridge.link, bridge.mtu, up=False))
        changes += [*layouts.bridge_settings(lab, bridge), SetLink(lab.host, bridge.link, up=True)]
        if bridge.gateway6 is not None and bridge.subnet6 is not None:
            inside = IPv6Interface(f"{bridge.gateway6}/{bridge.subnet6.prefixlen}")
            changes += _addresses(lab.host, bridge.link, inside)
            link_local = Address(0, IPv6Address("fe80::1"), 64, scope="link", flags=frozenset({"nodad"}))
            changes += [AddAddress(lab.host, bridge.link, link_local)] if lab.spec.layout != "podman" else []
        changes += _addresses(lab.host, bridge.link, IPv4Interface(f"{bridge.gateway}/{bridge.subnet.prefixlen}"))
    return changes


def _outside(lab: Blueprint, outside: Outside) -> list[Change]:
    near, far = outside.near_netns, outside.netns
    cable = CreateVeth(near, outside.near_link, far, outside.far_link, mtu=outside.mtu)
    changes: list[Change] = [CreateNetns(far), cable]
    changes += _addresses(near, outside.near_link, outside.near, outside.near6)
    changes += _addresses(far, outside.far_link, outside.far, outside.far6)
    changes.append(_gateway(far, ANY4, outside.near.ip))
    changes += [_gateway(far, ANY6, outside.near6.ip)] if outside.near6 else []
    if near != lab.host:
        changes += [SetSysctl(near, name, 1) for name in FORWARDING]
    if outside.default:
        changes.append(_gateway(near, ANY4, outside.far.ip))
        changes += [_gateway(near, ANY6, outside.far6.ip)] if outside.far6 else []
    hops: dict[int, IPAddress | None] = {4: outside.far.ip, 6: outside.far6.ip if outside.far6 else None}
    for network in outside.routes:
        if (hop := hops[network.version]) is not None:
            changes.append(_gateway(near, network, hop))
    return changes


def _node(lab: Blueprint, node: Node) -> list[Change]:
    if node.mode in ("host", "service"):
        return [SetSysctl(node.netns, name, value) for name, value in node.sysctls]
    changes: list[Change] = [CreateNetns(node.netns)]
    for end in node.ends:
        changes += _end(lab, node, end)
    if node.exit is not None:
        metric = 100 if lab.spec.layout == "podman" else 0
        changes.append(_gateway(node.netns, ANY4, node.exit.bridge.gateway, metric))
        if node.exit.bridge.gateway6 is not None:
            changes.append(_gateway(node.netns, ANY6, node.exit.bridge.gateway6, metric))
    return [*changes, *(SetSysctl(node.netns, name, value) for name, value in node.sysctls)]


def _end(lab: Blueprint, node: Node, end: End) -> list[Change]:
    settings = layouts.container_settings(lab, node, end)
    port = CreateVeth(lab.host, end.veth, node.netns, end.link, end.bridge.link, end.bridge.mtu, up=not settings)
    changes: list[Change] = [port, *settings]
    changes += [SetLink(node.netns, end.link, up=True)] if settings else []
    changes += _addresses(node.netns, end.link, end.address, end.address6)
    if not lab.spec.proxy and lab.spec.layout != "podman":
        changes.append(SetPort(lab.host, end.veth, "hairpin", 1))
    return changes


def _programs(lab: Blueprint) -> list[Change]:
    """Listeners and programs, started together at the end."""
    changes: list[Change] = list(naming.answering(lab))
    nodes = lab.netns_by_node
    for name, listens in dict(lab.spec.listens).items():
        if name == "host" or any(outside.name == name for outside in lab.outside):
            changes += _serve(nodes[name], name, listens)
    for outside in lab.outside:
        changes += _serve(outside.netns, outside.name, outside.listens)
    for node in lab.nodes:
        changes += _serve(node.netns, node.name, node.listens)
        changes += [Start(node.netns, node.command, node.name)] if node.command else []
    return [*changes, *_relays(lab)]


def _relays(lab: Blueprint) -> list[Change]:
    """Who holds the published ports on the host: docker-proxy's part, or conmon's, who passes nothing on."""
    changes: list[Change] = []
    holder = "conmon" if lab.spec.layout == "podman" else "portscope-relay" if lab.spec.proxy else "dockerd"
    for port in lab.published:
        if port.end.bridge.routed and lab.spec.layout != "podman":
            continue
        hosts = [port.host_address] if port.host_address else [ip_address("0.0.0.0"), ip_address("::")]
        passes_on = lab.spec.proxy and lab.spec.layout != "podman"
        if lab.spec.layout == "podman" or not lab.spec.proxy:
            hosts = hosts[:1]
        for host in hosts:
            target = port.end.address.ip if passes_on else None
            changes.append(
                RelayPort(lab.host, port.protocol, host, port.host_port, target, port.container_port, holder)
            )
    return changes


def _serve(netns: str, name: str, listens: tuple[ListenSpec, ...]) -> list[Change]:
    """A wildcard listener takes both families, as programs do that bind to ::."""
    anywhere = ip_address("::")
    return [Serve(netns, listen.protocol, listen.address or anywhere, listen.port, name) for listen in listens]


def _addresses(netns: str, link: str, *interfaces: IPv4Interface | IPv6Interface | None) -> list[Change]:
    changes: list[Change] = []
    for interface in interfaces:
        if interface is None:
            continue
        network = interface.network
        broadcast = network.broadcast_address if interface.version == 4 else None
        flags = frozenset[str]() if interface.version == 4 else frozenset({"nodad"})
        address = Address(0, interface.ip, network.prefixlen, broadcast=broadcast, flags=flags)
        changes.append(AddAddress(netns, link, address))
    return changes


def _gateway(netns: str, network: IPNetwork, gateway: IPAddress, metric: int = 0) -> AddRoute:
    return AddRoute(netns, Route(network, metric=metric, nexthops=(NextHop(gateway=gateway),)))


def _route(route: ExtraRoute, netns: str) -> Change:
    if route.device:
        return device_route(netns, route.destination, route.device, route.gateway)
    hops = (NextHop(gateway=route.gateway),) if route.gateway else ()
    return AddRoute(netns, Route(route.destination, kind=route.kind, nexthops=hops))
