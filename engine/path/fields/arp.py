"""The fields of an ARP message, which packets of IP do not have: of IPv4 over Ethernet, as everything here is.

Source: net/ipv4/arp.c (arp_create): a question has zeros where the MAC address of whom it is for would be.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

from engine.model.packet import Packet
from engine.model.trace import Arp
from engine.path.lookup.values import Read, Unknown, of_mac


def _part(read: Callable[[Packet, Arp], int | Unknown | None]) -> Read:
    return lambda view: None if view.context.arp is None else read(view.packet, view.context.arp)


def _ip(address: object) -> int | None:
    return int(address) if isinstance(address, IPv4Address) else None


FIELDS: dict[str, Read] = {
    "arp htype": _part(lambda _packet, _message: 1),
    "arp ptype": _part(lambda _packet, _message: 0x0800),
    "arp hlen": _part(lambda _packet, _message: 6),
    "arp plen": _part(lambda _packet, _message: 4),
    "arp operation": _part(lambda _packet, message: message.operation),
    "arp saddr ip": _part(lambda packet, _message: _ip(packet.src)),
    "arp daddr ip": _part(lambda packet, _message: _ip(packet.dst)),
    "arp saddr ether": _part(lambda _packet, message: of_mac(message.saddr)),
    "arp daddr ether": _part(lambda _packet, message: of_mac(message.daddr)),
}
