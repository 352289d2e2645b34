"""The YAML document of an edge file, as its nouns. A key that is not known, or a value that is none, is an error that
names its place and what would be right."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_interface

from engine.documents.errors import DocumentError, DocumentKind
from engine.documents.yaml_value import YamlValue, parse
from engine.several.edge.nouns import (
    Described,
    EdgeEnd,
    EdgeFile,
    EdgeRoute,
    EdgeRule,
    IPInterface,
    NamedSegment,
    SecurityGroup,
)
from engine.several.edge.rule_words import address_of, forward_of, network_of, pair_of, port_of, rule_of

SCHEMA = "portscope.edge/1"
HOST_KEYS = ("devices", "routes", "listens")
ROUTER_KEYS = (*HOST_KEYS, "masquerade", "forward_ports", "addresses", "rules", "otherwise", "hairpin")
#: Characters of a device's name on Linux (IFNAMSIZ); a described one may be any word.
_LONGEST_NAME = 64


class EdgeFileError(DocumentError):
    """An edge file is wrong. `str()` is `FILE:LINE: what is wrong; what would be right`."""


EDGE = DocumentKind(EdgeFileError, f"write an edge file: schema: {SCHEMA}, routers:, segments:, security_groups:")


def read(text: str, file: str) -> EdgeFile:
    """The edge file in a text. Raises `EdgeFileError`."""
    root = parse(text, file, EDGE)
    parts = root.entries(("schema", "routers", "hosts", "segments", "security_groups"))
    schema = parts.get("schema")
    if schema is None or schema.text() != SCHEMA:
        raise (schema or root).wrong("does not say what it is", f"begin it with schema: {SCHEMA}")
    described = [
        *(_described(name, each, router=True) for name, each in _entries(parts, "routers")),
        *(_described(name, each, router=False) for name, each in _entries(parts, "hosts")),
    ]
    segments = tuple(NamedSegment(name, tuple(_ends(each))) for name, each in _entries(parts, "segments"))
    groups = tuple(_group(name, each) for name, each in _entries(parts, "security_groups"))
    _check_names(root, parts, described)
    _check_groups(parts, groups)
    return EdgeFile(file, tuple(described), segments, groups)


def _entries(parts: dict[str, YamlValue], key: str) -> list[tuple[str, YamlValue]]:
    return list(parts[key].entries().items()) if key in parts else []


def _described(name: str, value: YamlValue, *, router: bool) -> Described:
    if not name or "/" in name:
        raise value.wrong("is no name for a host", "write a word without a slash")
    parts = value.entries(ROUTER_KEYS if router else HOST_KEYS)
    if "devices" not in parts:
        raise value.wrong("has no devices", "write devices: {NAME: ADDRESS/PREFIX}")
    devices = {each: _addresses(one) for each, one in parts["devices"].entries().items()}
    if not devices:
        raise value.wrong("has no devices", "write devices: {NAME: ADDRESS/PREFIX}")
    made = Described(
        name,
        value.line,
        router,
        devices,
        tuple(_route(destination, one, devices) for destination, one in _entries(parts, "routes")),
        tuple(_device(one, devices) for one in _listed(parts, "masquerade")),
        tuple(forward_of(one) for one in _listed(parts, "forward_ports")),
        tuple(pair_of(one) for one in _listed(parts, "addresses")),
        tuple(_rule(one, devices) for one in _listed(parts, "rules")),
        parts["otherwise"].choice(("allow", "drop", "reject")) if "otherwise" in parts else "",
        parts["hairpin"].flag() if "hairpin" in parts else True,
        tuple(port_of(one) for one in parts["listens"].items()) if "listens" in parts else None,
    )
    if made.port_forwards and not made.masquerade:
        raise parts["forward_ports"].wrong("has no outer device", "name it: masquerade: DEVICE")
    return made


def _listed(parts: dict[str, YamlValue], key: str) -> list[YamlValue]:
    return parts[key].texts() if key in parts else []


def _addresses(value: YamlValue) -> tuple[IPInterface, ...]:
    if len(value.name.rpartition(".")[2]) > _LONGEST_NAME:
        raise value.wrong("has a name that is too long", f"write at most {_LONGEST_NAME} characters")
    found = []
    for one in value.texts():
        try:
            interface = ip_interface(one.text())
        except ValueError:
            raise one.wrong(f"is {one.text()!r}", "write ADDRESS/PREFIX, as 192.168.1.1/24") from None
        if interface.ip.is_loopback or interface.ip.is_multicast or interface.ip.is_unspecified:
            raise one.wrong(f"is {one.text()!r}", "write an address that other hosts can ask for")
        found.append(interface)
    return tuple(found)


def _device(value: YamlValue, devices: dict[str, tuple[IPInterface, ...]]) -> str:
    return value.choice(devices)


def _rule(value: YamlValue, devices: dict[str, tuple[IPInterface, ...]]) -> EdgeRule:
    rule = rule_of(value)
    for name in (rule.came, rule.leaves):
        if name and name not in devices:
            raise value.wrong(f"names the device {name!r}", f"write one of {', '.join(devices)}")
    if rule.group:
        raise value.wrong(f"names the group {rule.group!r}", "write addresses: only security groups know of groups")
    return rule


def _route(destination: str, value: YamlValue, devices: dict[str, tuple[IPInterface, ...]]) -> EdgeRoute:
    text = f"{destination} by {value.text()} ({value.file}:{value.line})"
    device = value.text() if value.text() in devices else ""
    gateway = None if device else address_of(value, value.text())
    if destination == "default":
        six = gateway is not None and gateway.version == 6
        return EdgeRoute(text, network_of(value, "::/0" if six else "0.0.0.0/0"), gateway, device)
    network = network_of(value, destination)
    if gateway is not None and gateway.version != network.version:
        raise value.wrong(f"is {value.text()!r}", f"write a gateway of IPv{network.version}")
    if gateway is not None and not any(gateway in own.network for each in devices.values() for own in each):
        raise value.wrong(f"is {value.text()!r}", "write a gateway in the subnet of one of its devices")
    return EdgeRoute(text, network, gateway, device)


def _ends(value: YamlValue) -> Iterator[EdgeEnd]:
    for one in value.texts():
        host, _, device = one.text().partition("/")
        if not host:
            raise one.wrong(f"is {one.text()!r}", "write HOST or HOST/DEVICE")
        yield EdgeEnd(host, device, one.line)


def _group(name: str, value: YamlValue) -> SecurityGroup:
    parts = value.entries(("on", "inbound", "outbound"))
    if "on" not in parts:
        raise value.wrong("is on no device", "write on: [HOST/DEVICE]")
    if not name or set(name) & set("+/ "):
        raise value.wrong("is no name for a group", "write a word without a plus sign, a slash or a space")
    ends = tuple(_ends(parts["on"]))
    return SecurityGroup(name, ends, _side(parts, "inbound") or (), _side(parts, "outbound"))


def _side(parts: dict[str, YamlValue], key: str) -> tuple[EdgeRule, ...] | None:
    return tuple(_group_rule(one) for one in parts[key].items()) if key in parts else None


def _group_rule(value: YamlValue) -> EdgeRule:
    rule = rule_of(value)
    if rule.came or rule.leaves:
        raise value.wrong("names a device", "leave it out: a group is about the devices that it is on")
    return rule


def _check_names(root: YamlValue, parts: dict[str, YamlValue], described: list[Described]) -> None:
    names = [each.name for each in described]
    twice = next((each for each in described if names.count(each.name) > 1), None)
    if twice is not None:
        raise parts.get("hosts", root).wrong(f"has {twice.name!r}, which is a router as well", "give it another name")


def _check_groups(parts: dict[str, YamlValue], groups: tuple[SecurityGroup, ...]) -> None:
    known = {each.name for each in groups}
    for group in groups:
        for rule in (*group.inbound, *(group.outbound or ())):
            if rule.group and rule.group not in known:
                raise parts["security_groups"].wrong(
                    f"has a rule about the group {rule.group!r}, which is not in it: {rule.text}",
                    "describe that group as well, with the devices that it is on",
                )
