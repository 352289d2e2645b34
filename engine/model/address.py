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


def family_of(value: IPAddress | IPNetwork) -> Family:
    """The family of an address or a network."""
    return Family.INET if value.version == 4 else Family.INET6
