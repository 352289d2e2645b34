"""Names, addresses and files as a lab's file writes them: what nodes answer, lines of hosts files. Pure.

    dns: {lan: {blog.example.test: 192.168.30.2, .apps.test: [192.168.30.3]}}
    extra_hosts: ["db:172.30.1.9", "host.docker.internal:host-gateway"], or a mapping
    files: {proxy: {nginx/nginx.conf: "events {} …"}}

Source: the Compose Specification, services, extra_hosts.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from engine.documents.yaml_value import YamlValue
from engine.model.address import IPAddress
from engine.model.file_name import is_file_name

#: A name that can be looked up; with a dot in front a domain and all names in it.
HOST_NAME = re.compile(r"\.?[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")
#: What stands for the address of the host.
HOST_GATEWAY = "host-gateway"
_LINE = re.compile(r"([^:=\s]+)\s*[:=]\s*(\S+)")


def dns(value: YamlValue) -> tuple[tuple[str, tuple[tuple[str, tuple[IPAddress, ...]], ...]], ...]:
    """What nodes answer: records by node, addresses by name. Raises LabFileError, as all here."""
    found = []
    for node, child in value.entries().items():
        records = tuple((host_name(name, each), addresses(each)) for name, each in child.entries().items())
        found.append((node, records))
    return tuple(found)


def addresses(value: YamlValue) -> tuple[IPAddress, ...]:
    """One address, or a list of them, each once."""
    return tuple(dict.fromkeys(address(item, item.text()) for item in value.texts()))


def address(value: YamlValue, text: str) -> IPAddress:
    """An address of either family."""
    try:
        return ip_address(text.strip("[]"))
    except ValueError:
        raise value.wrong(f"is {text!r}", "write an IP address") from None


def host_name(name: str, value: YamlValue) -> str:
    """A name that can be looked up, in lower case."""
    if not HOST_NAME.fullmatch(name):
        raise value.wrong(f"has the name {name!r}", "write letters, digits, dashes and dots, at most 253")
    return name.lower()


def names(value: YamlValue) -> tuple[str, ...]:
    """One name, or a list of them, each once."""
    return tuple(dict.fromkeys(host_name(item.text(), item) for item in value.texts()))


def extra_hosts(value: YamlValue) -> tuple[tuple[str, IPAddress | None], ...]:
    """Lines of a hosts file, by name; None stands for the host's address."""
    if value.shape == "mapping":
        pairs = [(each, name, each.text()) for name, each in value.entries().items()]
    else:
        pairs = []
        for item in value.items():
            found = _LINE.fullmatch(item.text())
            if found is None:
                raise item.wrong(f"is {item.text()!r}", "write NAME:ADDRESS or NAME:host-gateway")
            pairs.append((item, found[1], found[2]))
    lines = [
        (host_name(name, item), None if text == HOST_GATEWAY else address(item, text)) for item, name, text in pairs
    ]
    return tuple(dict.fromkeys(lines))


def files(value: YamlValue) -> tuple[tuple[str, str, str], ...]:
    """Node, path below /etc, and text of each file."""
    found = []
    for node, child in value.entries().items():
        for path, text in child.entries().items():
            if not all(map(is_file_name, path.split("/"))):
                raise text.wrong(f"is no file below /etc: {path!r}", "write a path without .. and without / in front")
            found.append((node, path, text.text()))
    return tuple(found)
