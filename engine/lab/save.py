"""A lab as a file again, with everything that was chosen written out: subnets, addresses, ports, faults. Pure.

What is saved builds the same lab, also where the file that it came from left things open.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from engine.lab.blueprint import Blueprint, Bridge, Node, Outside, Published
from engine.lab.reading.namewords import HOST_GATEWAY
from engine.lab.reading.networds import OPTION
from engine.lab.spec import ExtraRoute, Impairment, ListenSpec, ServiceSpec
from engine.model.address import IPAddress
from engine.model.packet import Protocol

Document = dict[str, Any]


def save(lab: Blueprint, broken: Iterable[str] = ()) -> str:
    """The Compose file of a lab; `broken` are the faults that it begins with."""
    nodes = {node.name: node for node in lab.nodes}
    document = {
        "name": lab.name,
        "services": {service.name: _service(lab, service, nodes[service.name]) for service in lab.spec.services},
        "networks": {bridge.name: _network(bridge) for bridge in lab.bridges if not bridge.own},
        "x-lab": _extension(lab, broken),
    }
    return written(_without_empty(document))


def written(document: Document) -> str:
    """A document as the text of a file."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - only saving writes YAML

    text = io.StringIO()
    writer = YAML()
    writer.width = 120
    writer.dump(document, text)
    return text.getvalue()


def _without_empty(value: Any, key: str = "") -> Any:
    """A document without what says nothing. A service or network that says nothing stays, and so does whose `listens`
    are none."""
    if isinstance(value, list):
        return [_without_empty(child) for child in value]
    if not isinstance(value, dict):
        return value
    nothing: tuple[Any, ...] = ("", None) if key == "listens" else ("", None, [])
    return {name: _without_empty(child, name) for name, child in value.items() if child not in nothing}


def _service(lab: Blueprint, service: ServiceSpec, node: Node) -> Document:
    modes = {"networks": "", "service": f"service:{service.shares}"}
    return {
        "network_mode": modes.get(service.mode, service.mode),
        "networks": {
            end.bridge.name: {
                "ipv4_address": str(end.address.ip),
                "ipv6_address": str(end.address6.ip) if end.address6 else None,
                "aliases": _aliases(service, end.bridge.name),
            }
            for end in node.ends
            if service.mode == "networks"
        }
        or None,
        "ports": [port_text(port) for port in lab.published if port.service == service.name],
        "expose": [listen_text(listen) for listen in service.expose],
        "sysctls": dict(service.sysctls) or None,
        "extra_hosts": [f"{name}:{address or HOST_GATEWAY}" for name, address in service.hosts],
        "dns": [str(server) for server in service.dns],
        "dns_search": list(service.search),
    }


def _aliases(service: ServiceSpec, network: str) -> list[str]:
    return [alias for member in service.memberships if member.network == network for alias in member.aliases]


def port_text(port: Published) -> str:
    """A published port as Compose writes it: `8080:80`, `[::1]:53:53/udp`."""
    host = port.host_address
    at = "" if host is None else f"[{host}]:" if host.version == 6 else f"{host}:"
    return f"{at}{port.host_port}:{port.container_port}" + (
        "" if port.protocol is Protocol.TCP else f"/{port.protocol}"
    )


def _network(bridge: Bridge) -> Document:
    options = {
        "bridge.name": bridge.link.replace("$", "$$"),
        "bridge.enable_icc": None if bridge.icc else "false",
        "bridge.enable_ip_masquerade": None if bridge.masquerade else "false",
        "bridge.host_binding_ipv4": str(bridge.binding) if bridge.binding else None,
        "driver.mtu": bridge.mtu,
        "bridge.gateway_mode_ipv4": "routed" if bridge.routed else None,
        "bridge.gateway_mode_ipv6": "routed" if bridge.routed6 else None,
    }
    pools = [(bridge.subnet, bridge.gateway), (bridge.subnet6, bridge.gateway6)]
    return {
        "internal": bridge.internal or None,
        "enable_ipv6": (bridge.subnet6 is not None) or None,
        "ipam": {"config": [{"subnet": str(net), "gateway": str(gateway)} for net, gateway in pools if net]},
        "driver_opts": {f"{OPTION}{key}": value for key, value in options.items() if value is not None},
    }


def _extension(lab: Blueprint, broken: Iterable[str]) -> Document:
    spec = lab.spec
    return {
        "title": spec.title,
        "story": spec.story,
        "layout": spec.layout,
        "firewall": lab.backend,
        "userland-proxy": spec.proxy,
        "outside": {outside.name: _outside(lab, outside) for outside in lab.outside},
        "listens": {name: [listen_text(one) for one in listens] for name, listens in spec.listens} or None,
        "commands": {name: list(argv) for name, argv in spec.commands} or None,
        "rules": [{"in": rule.node, "run": list(rule.argv)} for rule in spec.rules],
        "routes": [{"in": route.node, "add": _route(route)} for route in spec.routes],
        "sysctls": _sysctls(spec.sysctls) or None,
        "impairments": [_impairment(one) for one in spec.impairments],
        "dns": {node: _records(records) for node, records in spec.dns} or (None if spec.names else False),
        "files": _files(spec.files) or None,
        "faults": list(broken),
        "checks": [
            {
                "from": check.source,
                "to": check.target,
                "udp": str(check.protocol) == "udp" or None,
                "expect": check.expect,
                "cause": check.cause or None,
            }
            for check in spec.checks
        ],
    }


def _outside(lab: Blueprint, outside: Outside) -> Document:
    near = outside.near_netns.removeprefix(f"{lab.name}-")
    return {
        "subnet": str(outside.far.network),
        "subnet6": str(outside.far6.network) if outside.far6 else None,
        "link": outside.near_link,
        "behind": "" if near == "host" else near,
        "default": outside.default,
        "routes": [str(route) for route in outside.routes],
        "mtu": outside.mtu,
        "listens": [listen_text(listen) for listen in outside.listens],
    }


def listen_text(listen: ListenSpec) -> str:
    """A listener as `listens` has it."""
    at = (
        ""
        if listen.address is None
        else f"[{listen.address}]:"
        if listen.address.version == 6
        else f"{listen.address}:"
    )
    return f"{at}{listen.port}" + ("" if str(listen.protocol) == "tcp" else f"/{listen.protocol}")


def _route(route: ExtraRoute) -> str:
    kind = [] if route.kind == "unicast" else [route.kind]
    via = ["via", str(route.gateway)] if route.gateway else []
    device = ["dev", route.device] if route.device else []
    return " ".join([*kind, str(route.destination), *via, *device])


def _records(records: Iterable[tuple[str, tuple[IPAddress, ...]]]) -> Document:
    return {name: [str(address) for address in addresses] for name, addresses in records}


def _files(files: Iterable[tuple[str, str, str]]) -> Document:
    found: Document = {}
    for node, path, text in files:
        found.setdefault(node, {})[path] = text
    return found


def _sysctls(sysctls: Iterable[tuple[str, str, int]]) -> Document:
    found: Document = {}
    for node, name, value in sysctls:
        found.setdefault(node, {})[name] = value
    return found


def _impairment(one: Impairment) -> Document:
    found = {"node": one.node, "link": one.link, "rate": f"{one.rate}bit" if one.rate else None}
    found |= {"delay": f"{one.delay:g}ms" if one.delay else None, "loss": f"{one.loss:g}%" if one.loss else None}
    return {key: value for key, value in found.items() if value is not None}
