"""What a translation comes to for one packet: the addresses of MASQUERADE and REDIRECT, the host part of NETMAP.

The kernel finds them while it runs the rule, so that one without an address drops the packet there and then.
Source: net/netfilter/nf_nat_masquerade.c, nf_nat_redirect.c, xt_NETMAP.c, nft_nat.c (nft_nat_inet_eval).
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

from engine.model.address import IPAddress
from engine.model.firewall import Nat, NatKind
from engine.path.journey import Journey
from engine.path.lookup.addresses import source_for
from engine.path.lookup.source_address6 import source_address6
from engine.records import replace

#: Which end of the packet a hook's translation is about (HOOK2MANIP in nf_nat.h).
MANIP: dict[str, str] = {"prerouting": "dst", "output": "dst", "postrouting": "src", "input": "src"}


def concerns(journey: Journey, nat: Nat) -> bool:
    """Whether the translation is of the packet's IP version: a table of both may hold one of the other."""
    return nat.value.low is None or nat.value.low.version == journey.packet.dst.version


def settled(journey: Journey, nat: Nat, hook: str) -> Nat | None:
    """The translation with the addresses that it has for this packet; None where there is no such address."""
    if nat.kind in OWN:
        address = OWN[nat.kind](journey, hook)
        return None if address is None else replace(nat, value=replace(nat.value, low=address, high=address))
    low, high = nat.value.low, nat.value.high
    if nat.kind is not NatKind.NETMAP or low is None or high is None:
        return nat
    mapped = _netmap(journey.packet.dst if MANIP[hook] == "dst" else journey.packet.src, low, high)
    return replace(nat, value=replace(nat.value, low=mapped, high=mapped))


def _masquerade(journey: Journey, hook: str) -> IPAddress | None:
    """The address that the outgoing device has for the next hop; IPv6 asks by the destination."""
    del hook
    if journey.skb.out is None:
        return None
    if journey.packet.dst.version == 6:
        return source_address6(journey.netns, journey.skb.out.link, journey.packet.dst)
    return source_for(journey.netns, journey.skb.out.link, journey.skb.out.towards, 4)


def _redirect(journey: Journey, hook: str) -> IPAddress | None:
    """Loopback for what is made here, else the first address of the device that the packet came in by."""
    version = journey.packet.dst.version
    if hook == "output":
        return ip_address("127.0.0.1" if version == 4 else "::1")
    device = journey.netns.links_by_name.get(journey.context.iif)
    own = (a.address for a in journey.netns.addresses if device and a.link == device.index)
    return next((address for address in own if address.version == version), None)


def _netmap(old: IPAddress, low: IPAddress, high: IPAddress) -> IPAddress:
    """Keeps the host part, as long as the range is one whole prefix."""
    mask = int(low) ^ int(high)
    return type(old)((int(low) & ~mask) | (int(old) & mask))


OWN: dict[NatKind, Callable[[Journey, str], IPAddress | None]] = {
    NatKind.MASQUERADE: _masquerade,
    NatKind.REDIRECT: _redirect,
}
