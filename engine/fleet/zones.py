"""Where the clients of a fleet are: the internet, a host's own LAN, any network that has a name, another host.

A zone gives each host one client for it, for the IP version that is asked for; None where no packet of the zone can
come in, with the reason in words. Of another host the client is that host itself (`between`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from itertools import islice

from engine.explain.question import QuestionError, outside_client
from engine.explain.survey.everywhere import client_beyond, uplinks
from engine.fleet.errors import FleetError
from engine.model.address import IPAddress, IPNetwork
from engine.model.host import Snapshot
from engine.model.link import Address, Link
from engine.model.verdict import Source
from engine.records import dataclass

INTERNET, LAN = "internet", "lan"
#: Addresses that no host has: of the networks for documentation (RFC 5737, RFC 3849).
UNUSED = {
    4: tuple(map(ip_address, ("198.51.100.77", "203.0.113.77", "192.0.2.77"))),
    6: tuple(map(ip_address, ("2001:db8:77::77", "2001:db8:aa::77"))),
}
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
#: Addresses at the start of a zone's network of which the first free one is the client's.
MOST_TRIED = 32


@dataclass(frozen=True, slots=True)
class ClientZone:
    """A zone; `network` is None for the two that each host has of its own, and for one that is a host of the fleet:
    `host`, whose file has this digest."""

    name: str
    network: IPNetwork | None = None
    host: str = ""
    digest: str = ""

    def __str__(self) -> str:
        if self.host:
            return f"{self.name}=@{self.host} {self.digest}".rstrip()
        return self.name if self.network is None else f"{self.name}={self.network}"


def zones_of(words: str) -> tuple[ClientZone, ...]:
    """The zones in a list such as `internet,lan,office=10.8.0.0/16`, each once. Raises FleetError."""
    found: dict[str, ClientZone] = {}
    for word in filter(None, (each.strip() for each in words.split(","))):
        zone = _zone(word)
        if found.setdefault(zone.name, zone) != zone:
            raise FleetError(f"the zone {zone.name!r} is named twice, with different networks")
    if not found:
        raise FleetError("no zone is named: write internet, lan, NAME=NETWORK or NAME=@HOST, with commas in between")
    return tuple(found.values())


def _zone(word: str) -> ClientZone:
    name, equals, network = word.partition("=")
    if not _NAME.fullmatch(name):
        raise FleetError(f"zone {word!r:.80}: a name has small letters, digits, dots, dashes")
    if not equals:
        if name not in (INTERNET, LAN):
            raise FleetError(f"zone {name!r}: write internet, lan, NAME=NETWORK or NAME=@HOST")
        return ClientZone(name)
    if name in (INTERNET, LAN):
        raise FleetError(f"zone {name!r} is each host's own: give the network {network!r:.60} another name")
    if network.startswith("@"):
        return ClientZone(name, host=network[1:])
    try:
        return ClientZone(name, ip_network(network, strict=False))
    except ValueError:
        raise FleetError(f"zone {name!r}: {network!r:.60} is not a network; write 10.8.0.0/16, or @HOST") from None


class NoClient(Exception):
    """No client of a zone can ask a host; `str()` says why."""


def client(snapshot: Snapshot, zone: ClientZone, version: int) -> Source:
    """Who asks a host from a zone by an IP version. Raises NoClient."""
    if zone.network is not None:
        return _of_network(snapshot, zone, version)
    return _of_lan(snapshot, version) if zone.name == LAN else _of_internet(snapshot, version)


def _of_internet(snapshot: Snapshot, version: int) -> Source:
    """A client outside of every connected network, by the device of the route there."""
    own = snapshot.host_netns.addresses
    for address in UNUSED[version]:
        if not any(each.covers(address) for each in own):
            return _outside(snapshot, address, "no default route")
    raise NoClient("every address for documentation is in a network of this host")


def _of_lan(snapshot: Snapshot, version: int) -> Source:
    """A free address of the network of the device that the default route leaves by, else of the first uplink."""
    found = list(uplinks(snapshot, version))
    if not found:
        raise NoClient(f"no device with an IPv{version} address leads out of this host")
    link, address = _first_uplink(snapshot, found, version)
    return client_beyond(snapshot, link, address)


def _first_uplink(snapshot: Snapshot, found: list[tuple[Link, Address]], version: int) -> tuple[Link, Address]:
    try:
        device = _of_internet(snapshot, version).device
    except NoClient:
        return found[0]
    return next((each for each in found if each[0].name == device), found[0])


def _of_network(snapshot: Snapshot, zone: ClientZone, version: int) -> Source:
    if zone.network is None or zone.network.version != version:
        raise NoClient(f"the zone {zone.name} has no IPv{version} network")
    own = snapshot.host_netns.addresses_by_value
    free = next((each for each in _first(zone.network) if each not in own), None)
    if free is None:
        raise NoClient(f"every address of the zone {zone.name} is this host's own")
    return _outside(snapshot, free, f"no route to {free}")


def _first(network: IPNetwork) -> Iterator[IPAddress]:
    return islice(network.hosts(), MOST_TRIED)


def _outside(snapshot: Snapshot, address: IPAddress, otherwise: str) -> Source:
    try:
        return outside_client(snapshot, address)
    except QuestionError:
        raise NoClient(f"this host has {otherwise}, so nothing can be answered there") from None
