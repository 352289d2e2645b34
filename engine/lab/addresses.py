"""Subnets and addresses that a file leaves open, chosen as the engines choose them. Pure.

Docker takes the next of its pools that overlaps no network of the host: 172.17.0.0/16 to 172.31.0.0/16, then
192.168.0.0/20 and on; Podman takes 10.88.0.0/16 for its own network, then 10.89.0.0/24 and on. In a pool the first
address is the gateway's and the next free one a container's. An IPv6 network without a subnet gets a unique local
one (RFC 4193) that follows from the lab's and the network's name, so that the same file gives the same lab.
Sources: moby, daemon/libnetwork/ipamutils; containers/common, libnetwork/util.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from engine.lab.spec import FilePlace
from engine.model.address import IPAddress, IPNetwork

DOCKER_POOLS = tuple(IPv4Network(f"172.{second}.0.0/16") for second in range(17, 32))
DOCKER_SMALLER = tuple(IPv4Network(f"192.168.{third}.0/20") for third in range(0, 256, 16))
PODMAN_OWN = (IPv4Network("10.88.0.0/16"),)
PODMAN_POOLS = tuple(IPv4Network(f"10.89.{third}.0/24") for third in range(256))
OUTSIDE_POOLS = tuple(IPv4Network(f"192.168.{third}.0/24") for third in range(30, 256))
POOLS: dict[str, tuple[IPv4Network, ...]] = {
    "docker": (*DOCKER_POOLS, *DOCKER_SMALLER),
    "podman own": PODMAN_OWN,
    "podman": PODMAN_POOLS,
    "outside": OUTSIDE_POOLS,
}


class Subnets:
    """The subnets in use on a lab's host; each is claimed once."""

    def __init__(self) -> None:
        self._taken: list[tuple[IPNetwork, str]] = []

    def claim(self, subnet: IPNetwork, owner: str, place: FilePlace) -> None:
        """Takes a subnet that the file names. Raises LabFileError when it overlaps one that is taken."""
        other = self._overlap(subnet)
        if other is not None:
            raise place.wrong(f"has {subnet}, which overlaps {other[0]} of {other[1]}", "choose another subnet")
        self._taken.append((subnet, owner))

    def next_free(self, pools: str, owner: str, place: FilePlace) -> IPv4Network:
        """The first pool that overlaps nothing. Raises LabFileError when all are taken."""
        for pool in POOLS[pools]:
            if self._overlap(pool) is None:
                self._taken.append((pool, owner))
                return pool
        raise place.wrong("finds no free subnet", f"all {len(POOLS[pools])} pools are taken: name a subnet of your own")

    def _overlap(self, subnet: IPNetwork) -> tuple[IPNetwork, str] | None:
        return next(
            (pair for pair in self._taken if pair[0].version == subnet.version and pair[0].overlaps(subnet)), None
        )


class Hosts:
    """The addresses of one subnet: the gateway's and fixed ones are taken, the others given out in order."""

    def __init__(self, subnet: IPNetwork, taken: Iterable[IPAddress]) -> None:
        self._taken = set(taken)
        self._free: Iterator[IPv4Address] | Iterator[IPv6Address] = subnet.hosts()
        self._subnet = subnet

    def take(self, address: IPAddress, place: FilePlace) -> IPAddress:
        """Takes an address that the file names. Raises LabFileError when it is outside or taken."""
        if address not in self._subnet:
            raise place.wrong(
                f"has {address}, which is not in {self._subnet}", "choose one inside the network's subnet"
            )
        if address in self._taken:
            raise place.wrong(f"has {address}, which is taken", "choose another one")
        subnet = self._subnet
        if subnet.version == 4 and address in (subnet.network_address, subnet.broadcast_address):
            raise place.wrong(f"has {address}, which is no host's in {subnet}", "choose one between its first and last")
        self._taken.add(address)
        return address

    def next_free(self, place: FilePlace) -> IPAddress:
        """The next free address. Raises LabFileError when there is none."""
        for address in self._free:
            if address not in self._taken:
                return address
        raise place.wrong(f"finds no free address in {self._subnet}", "give the network a larger subnet")


def first_host(subnet: IPNetwork) -> IPAddress:
    """The address that a gateway gets: the first one of the subnet."""
    return subnet.network_address + 1


def unique_local(lab: str, network: str) -> IPv6Network:
    """A unique local /64 that follows from the names."""
    digest = hashlib.sha256(f"{lab}/{network}".encode()).digest()
    return IPv6Network((b"\xfd" + digest[:7] + bytes(8), 64))


def short_hash(*words: str) -> str:
    """Hexadecimal digits for a name that is made of names."""
    return hashlib.sha256("/".join(words).encode()).hexdigest()
