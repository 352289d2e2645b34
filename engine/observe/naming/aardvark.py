"""Podman's resolver: a file per network, with the addresses that it listens at and a line for each container.

    10.89.0.1 [servers that this network's other names go to]
    ID 10.89.0.2 [fd00::2] name,alias,… [servers of this container alone]

A network that leads nowhere else has `%int` behind its name. Source: aardvark-dns, src/config/mod.rs (1.14).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from ipaddress import ip_address
from itertools import pairwise

from engine.model.address import IPAddress
from engine.model.application.naming import NameRecord, Resolver, Zone
from engine.observe.base.inside_root import Root
from engine.observe.naming.name_files import parse_resolv_conf
from engine.records import replace

CLOSED = "%int"
#: The domain that it serves its names in as well.
DOMAIN = "dns.podman"
_OPTION = "--config"
_RESOLV = "/etc/resolv.conf"
#: Beside the networks there is this file.
_PID = "aardvark.pid"


def read(plain: Resolver, root: Root, words: Sequence[str]) -> Resolver:
    """The resolver with its networks. Raises OSError."""
    options = dict(pairwise(words))
    folder = options.get(_OPTION, "")
    zones = []
    for name in root.listed(folder):
        if name != _PID:
            with suppress(FileNotFoundError):  # the network was removed since
                zones.append(parse_network(name, root.read(f"{folder}/{name}").decode("utf-8", "replace")))
    resolv = parse_resolv_conf(root.read(_RESOLV).decode("utf-8", "replace"))
    return replace(plain, zones=tuple(zones), servers=resolv.servers)


def parse_network(name: str, text: str) -> Zone:
    """One network's file as a zone of its containers."""
    first, _, rest = text.partition("\n")
    head = first.split()
    servers = _addresses(head[1]) if len(head) > 1 else ()
    lines = [line.split() for line in rest.splitlines()]
    clients, records = [], []
    for line in lines:
        own = [address for word in line[1:3] for address in _addresses(word)]
        names = next((word for word in line[2:4] if not _addresses(word)), "")
        clients += own
        records += [NameRecord(alias.lower(), tuple(own)) for alias in names.split(",") if alias]
    network = name.removesuffix(CLOSED)
    return Zone(network, tuple(clients), tuple(_joined(records)), servers, closed=name.endswith(CLOSED))


def _joined(records: list[NameRecord]) -> Iterator[NameRecord]:
    """A name that several containers have has all of their addresses."""
    found: dict[str, tuple[IPAddress, ...]] = {}
    for record in records:
        found[record.name] = (*found.get(record.name, ()), *record.addresses)
    return (NameRecord(name, addresses) for name, addresses in found.items())


def _addresses(word: str) -> tuple[IPAddress, ...]:
    """The addresses of a list with commas; none where one of them is no address."""
    try:
        return tuple(ip_address(each) for each in word.split(","))
    except ValueError:
        return ()
