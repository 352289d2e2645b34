"""One line of an edge file's words: a rule, a port forward, two addresses, a route.

allow tcp 80,8000-8010 from 10.0.0.0/16 to 10.1.0.5 in lan out wan
allow udp 53 from group resolvers
drop all
8080/tcp to 192.168.1.10:80
203.0.113.5 to 10.0.0.5
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

from engine.documents.yaml_value import YamlValue
from engine.model.address import IPAddress, IPNetwork
from engine.model.packet import Protocol
from engine.several.edge.nouns import AddressPair, EdgeRule, PortForward, Ports

ACTIONS = ("allow", "drop", "reject")
ALL = "all"
PROTOCOLS = {str(each): each for each in Protocol} | {"icmpv6": Protocol.ICMPV6}
#: Protocols that have ports.
PORTED = frozenset({Protocol.TCP, Protocol.UDP, Protocol.SCTP})
EVERY = frozenset({"any", "anywhere", "all"})
FORM = (
    "write ACTION PROTOCOL [PORTS] [from WHO] [to WHO] [in DEVICE] [out DEVICE], as in: allow tcp 443 from 10.0.0.0/8"
)
FORWARD_FORM = "write PORT/PROTOCOL to ADDRESS:PORT, as in: 8080/tcp to 192.168.1.10:80"
PAIR_FORM = "write PUBLIC to PRIVATE, as in: 203.0.113.5 to 10.0.0.5"
_FORWARD = re.compile(r"(?P<ports>[0-9-]+)(?:/(?P<protocol>[a-z]+))? to (?P<end>\S+)")
_PAIR = re.compile(r"(\S+) to (\S+)")


def rule_of(value: YamlValue) -> EdgeRule:
    """A rule in words. Raises the document's error."""
    words = value.text().split()
    if len(words) < 2 or words[0] not in ACTIONS:
        raise value.wrong(f"is {value.text()!r}", FORM)
    action, protocol, *rest = words
    if protocol != ALL and protocol not in PROTOCOLS:
        raise value.wrong(f"names the protocol {protocol!r}", f"write one of all, {', '.join(PROTOCOLS)}")
    spoken = PROTOCOLS.get(protocol)
    ports: tuple[Ports, ...] = ()
    if rest and rest[0][:1].isdigit():
        if spoken not in PORTED:
            raise value.wrong(f"has ports for {protocol}", "write tcp, udp or sctp before them")
        ports = tuple(_ports(value, each) for each in rest.pop(0).split(","))
    said = _said(value, rest)
    place = f"{value.file}:{value.line}"
    sources, group = _who(value, said.get("from", ""))
    destinations, group_to = _who(value, said.get("to", ""))
    if group and group_to:
        raise value.wrong("names two groups", "name one, and write the addresses of the other")
    return EdgeRule(
        action,
        f"{' '.join(words)} ({place})",
        spoken,
        ports,
        sources,
        destinations,
        said.get("in", ""),
        said.get("out", ""),
        group or group_to,
        bool(group_to),
    )


def _said(value: YamlValue, words: list[str]) -> dict[str, str]:
    """What follows `from`, `to`, `in` and `out`; a group is two words."""
    said: dict[str, str] = {}
    while words:
        key = words.pop(0)
        if key not in ("from", "to", "in", "out") or not words or key in said:
            raise value.wrong(f"is {value.text()!r}", FORM)
        said[key] = words.pop(0)
        if said[key] == "group":
            if not words or key not in ("from", "to"):
                raise value.wrong(f"is {value.text()!r}", FORM)
            said[key] = f"group {words.pop(0)}"
    return said


def _who(value: YamlValue, text: str) -> tuple[tuple[IPNetwork, ...], str]:
    """The networks that a word names, or the group."""
    kind, _, group = text.partition(" ")
    if not text or text in EVERY:
        return (), ""
    if kind == "group":
        return (), group
    return tuple(network_of(value, each) for each in text.split(",")), ""


def network_of(value: YamlValue, text: str) -> IPNetwork:
    """A network or a single address. Raises the document's error."""
    try:
        return ip_network(text)
    except ValueError:
        raise value.wrong(f"names {text!r}", "write an address or a network, as 10.0.0.0/16") from None


def address_of(value: YamlValue, text: str) -> IPAddress:
    """An address. Raises the document's error."""
    try:
        return ip_address(text)
    except ValueError:
        raise value.wrong(f"names {text!r}", "write an address, as 192.168.1.10") from None


def _ports(value: YamlValue, text: str) -> Ports:
    low, dash, high = text.partition("-")
    numbers = (low, high) if dash else (low, low)
    if not all(each.isascii() and each.isdecimal() and 0 < int(each[:6]) < 65536 for each in numbers):
        raise value.wrong(f"names the ports {text!r}", "write numbers from 1 to 65535, as 80 or 8000-8010")
    if int(numbers[0]) > int(numbers[1]):
        raise value.wrong(f"names the ports {text!r}", "write the smaller one first")
    return Ports(int(numbers[0]), int(numbers[1]))


def port_of(value: YamlValue) -> tuple[Protocol, int]:
    """`80/tcp`, or `80` for TCP. Raises the document's error."""
    number, _, name = value.text().partition("/")
    protocol = PROTOCOLS.get(name or "tcp")
    ports = _ports(value, number)
    if protocol not in PORTED or ports.low != ports.high:
        raise value.wrong(f"is {value.text()!r}", "write PORT/PROTOCOL, as 80/tcp")
    return protocol, ports.low


def forward_of(value: YamlValue) -> PortForward:
    """A port forward in words. Raises the document's error."""
    found = _FORWARD.fullmatch(" ".join(value.text().split()))
    protocol = PROTOCOLS.get((found["protocol"] or "tcp") if found else "")
    if found is None or protocol is None or protocol not in PORTED:
        raise value.wrong(f"is {value.text()!r}", FORWARD_FORM)
    ports = _ports(value, found["ports"])
    address, number = _end(found["end"])
    port = _ports(value, number).low if number else None
    if port is not None and ports.low != ports.high:
        raise value.wrong(f"is {value.text()!r}", "leave out the port of the address where several are forwarded")
    text = f"{' '.join(value.text().split())} ({value.file}:{value.line})"
    return PortForward(text, protocol, ports, address_of(value, address), port)


def _end(text: str) -> tuple[str, str]:
    """The address and the port of `1.2.3.4:80`, `[::1]:80`, or of an address alone."""
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        return address, port.removeprefix(":")
    address, _, port = text.partition(":") if text.count(":") == 1 else (text, "", "")
    return address, port


def pair_of(value: YamlValue) -> AddressPair:
    """Two addresses, one of which stands for the other. Raises the document's error."""
    found = _PAIR.fullmatch(" ".join(value.text().split()))
    if found is None:
        raise value.wrong(f"is {value.text()!r}", PAIR_FORM)
    public, private = address_of(value, found[1]), address_of(value, found[2])
    if public.version != private.version:
        raise value.wrong(f"is {value.text()!r}", "write two addresses of one IP version")
    return AddressPair(f"{found[0]} ({value.file}:{value.line})", public, private)
