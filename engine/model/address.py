"""Addresses and networks of both families, under one short name each."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network


class Family(StrEnum):
    """An IP version, by the name that iproute2 and nftables use."""

    INET = "inet"
    INET6 = "inet6"


def end_of(address: IPAddress, port: int | None) -> str:
    """An address with its port: `10.0.0.1:80`, `[fd00::1]:80`; without one, the address alone."""
    if not port:
        return str(address)
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def family_of(value: IPAddress | IPNetwork) -> Family:
    """The family of an address or a network."""
    return Family.INET if value.version == 4 else Family.INET6
