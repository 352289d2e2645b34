"""Ports as Compose writes them, in one table of forms. Pure.

    "8080:80"  "127.0.0.1:8080:80"  "[::1]:8080:80"  "8000-8002:80-82"  "53:53/udp"  "80"  80
    {target: 80, published: "8080", host_ip: 127.0.0.1, protocol: tcp}

A container port alone is published on a random port of the host. A range on both sides has equal lengths; a range
on the host's side alone gives one port of it, as Docker does, and the first is taken.
Source: the Compose Specification, services, ports.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from engine.documents.yaml_value import YamlValue
from engine.lab.spec import FilePlace, ListenSpec, PortSpec
from engine.model.address import IPAddress
from engine.model.packet import Protocol

FORMS = "write HOST:CONTAINER, IP:HOST:CONTAINER or CONTAINER, ports as N or N-M, and /udp at the end for UDP"
SHORT = re.compile(
    r"(?:(?:(?P<ip>\[[0-9a-fA-F:.]+\]|[0-9.]+):)?(?P<host>\d+(?:-\d+)?)?:)?(?P<inside>\d+(?:-\d+)?)(?:/(?P<protocol>\w+))?"
)
LISTEN = re.compile(r"(?:(?P<ip>\[[0-9a-fA-F:.]+\]|[0-9.]+|\*):)?(?P<port>\d+(?:-\d+)?)(?:/(?P<protocol>\w+))?")
PROTOCOLS = {"tcp": Protocol.TCP, "udp": Protocol.UDP}


def place_of(value: YamlValue) -> FilePlace:
    """Where a value was written."""
    return FilePlace(value.file, value.line, value.name)


def ports(value: YamlValue) -> list[PortSpec]:
    """The ports of one item of `ports`. Raises LabFileError."""
    if value.shape == "mapping":
        return _long(value)
    text = value.text()
    found = SHORT.fullmatch(text)
    if found is None:
        raise value.wrong(f"is {text!r}", FORMS)
    address = _address(value, found["ip"])
    return _pairs(value, _span(value, found["host"]), _span(value, found["inside"]), address, found["protocol"])


def _long(value: YamlValue) -> list[PortSpec]:
    rows = value.entries(("target", "published", "host_ip", "protocol", "mode", "app_protocol", "name"))
    if "target" not in rows:
        raise value.wrong("has no target", "write target: the port inside the container")
    address = _address(rows["host_ip"], rows["host_ip"].text()) if "host_ip" in rows else None
    host = _span(rows["published"], rows["published"].text()) if "published" in rows else []
    protocol = rows["protocol"].text() if "protocol" in rows else None
    return _pairs(value, host, _span(rows["target"], rows["target"].text()), address, protocol)


def _pairs(
    value: YamlValue, host: list[int], inside: list[int], address: IPAddress | None, protocol: str | None
) -> list[PortSpec]:
    kind = _protocol(value, protocol)
    if len(inside) == 1 and host:
        host = host[:1]
    if host and len(host) != len(inside):
        raise value.wrong(f"pairs {len(host)} ports with {len(inside)}", "make both ranges equally long")
    place = place_of(value)
    chosen: list[int | None] = [*host] if host else [None] * len(inside)
    return [PortSpec(place, kind, port, outer, address) for outer, port in zip(chosen, inside, strict=True)]


def listens(value: YamlValue) -> list[ListenSpec]:
    """What one item of `listens` or `expose` names: PORT, ADDRESS:PORT, ranges, /udp. Raises LabFileError."""
    found = LISTEN.fullmatch(value.text())
    if found is None:
        raise value.wrong(f"is {value.text()!r}", "write PORT, ADDRESS:PORT or PORT/udp")
    address = None if found["ip"] in (None, "*") else _address(value, found["ip"])
    protocol = _protocol(value, found["protocol"])
    return [ListenSpec(protocol, port, address) for port in _span(value, found["port"])]


def _protocol(value: YamlValue, word: str | None) -> Protocol:
    if word not in (None, *PROTOCOLS):
        raise value.wrong(f"names the protocol {word!r}", "write tcp or udp")
    return PROTOCOLS[word or "tcp"]


def _address(value: YamlValue, text: str | None) -> IPAddress | None:
    if text is None:
        return None
    try:
        return ip_address(text.strip("[]"))
    except ValueError:
        raise value.wrong(f"has {text!r}, which is no IP address", "write one like 127.0.0.1 or [::1]") from None


def _span(value: YamlValue, text: str | None) -> list[int]:
    if not text:
        return []
    low, _dash, high = text.partition("-")
    if not all(part.isascii() and part.isdecimal() and len(part) < 20 for part in (low, high or low)):
        raise value.wrong(f"is {text!r}", "write a port N or a range N-M")
    first, last = int(low), int(high or low)
    if not 1 <= first <= last <= 65535:
        raise value.wrong(f"has the ports {text}", "ports go from 1 to 65535, the smaller one first")
    return list(range(first, last + 1))
