"""The end of the way: which socket takes the packet (net/ipv4/inet_hashtables.c, udp.c)."""

from __future__ import annotations

from engine.model.address import Family
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.packet import Packet, Protocol
from engine.model.ref import Ref, RefKind
from engine.model.traffic import Listener
from engine.path.lookup.vrf import domain_of


def listener_ref(netns: str, listener: Listener) -> Ref:
    """A pointer to a listening socket."""
    key = (str(listener.protocol), str(listener.address or ""), listener.port)
    who = f" ({listener.process.name}, pid {listener.process.pid})" if listener.process else ""
    return Ref(RefKind.LISTENER, netns, key, str(listener), f"{listener}{who}")


def find_listener(netns: Netns, packet: Packet, device: Link) -> Listener | None:
    """The socket that takes the packet: the most specific one wins (address, then bound device)."""
    return next(iter(find_listeners(netns, packet, device)), None)


def find_listeners(netns: Netns, packet: Packet, device: Link) -> list[Listener]:
    """The sockets that may take the packet, one for each program: several where programs share a port (SO_REUSEPORT,
    of which the kernel chooses by a hash, or SO_REUSEADDR of UDP, where the last one that was bound wins)."""
    if device.kind == "loopback":
        # Over loopback the device that has the address counts as the one it came in by (ip_route_output_key_hash_rcu,
        # inet_iif; ip6_rcv_core).
        own = netns.addresses_by_value.get(packet.dst)
        device = netns.links_by_index.get(own.link, device) if own else device
    best = 0
    found: dict[str, Listener] = {}
    for listener in netns.listeners:
        score = _score(netns, listener, packet, device)
        if score > best:
            best, found = score, {}
        if score and score == best:
            found.setdefault(listener.process.name if listener.process is not None else "", listener)
    known = [listener for name, listener in found.items() if name]
    return known or list(found.values())


def listeners_on_port(netns: Netns, packet: Packet) -> tuple[Listener, ...]:
    """Sockets of that protocol on that port, whether or not they take the packet."""
    return tuple(
        listener
        for listener in netns.listeners
        if listener.protocol is packet.protocol and listener.port == packet.dport
    )


def _bound_rightly(netns: Netns, listener: Listener, device: Link) -> bool:
    """Whether the socket's device fits (inet_bound_dev_eq): in a VRF an unbound socket needs l3mdev_accept."""
    vrf = domain_of(netns, device)
    if listener.device is not None:
        return listener.device == device.index or (vrf is not None and listener.device == vrf.index)
    if vrf is None or listener.protocol is Protocol.SCTP:  # net.sctp.l3mdev_accept is on where it is left alone
        return True
    return bool(netns.sysctl(f"net.ipv4.{listener.protocol}_l3mdev_accept"))


def _score(netns: Netns, listener: Listener, packet: Packet, device: Link) -> int:
    """0 when the socket does not take the packet, more the better it fits.

    A socket with the packet's address comes before every wildcard one (the kernel looks it up first), then one that is
    bound to the device, then one of the packet's own family (compute_score).
    """
    if listener.protocol is not packet.protocol or listener.port != packet.dport:
        return 0
    if not _bound_rightly(netns, listener, device):
        return 0
    four = packet.dst.version == 4
    if listener.address is None:
        if four and listener.family is Family.INET6 and listener.v6only:
            return 0
        if not four and listener.family is Family.INET:
            return 0
        score = 1
    elif listener.address == packet.dst or (four and getattr(listener.address, "ipv4_mapped", None) == packet.dst):
        score = 5
    else:
        return 0
    own_family = (listener.family is Family.INET) == four
    return score + (2 if listener.device is not None else 0) + (1 if own_family else 0)
