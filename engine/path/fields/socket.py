"""The socket that a packet belongs to, which rules may ask for before the packet gets there.

It is that of a connection with the packet's ends, else one that listens. Of the sockets on a host those of this
conversation are known to have connections. Whether a socket is a transparent one is known of a proxy that a rule gave
the first packet to, and of others that listen where it was read.

Source: net/netfilter/xt_socket.c, nft_socket.c, net/ipv4/netfilter/nf_socket_ipv4.c (nf_sk_lookup_slow_v4).
"""

from __future__ import annotations

from engine.model.packet import TCP_ACK, TCP_RST, TCP_SYN, Protocol
from engine.model.traffic import Listener
from engine.path.lookup.flow import tuple_of
from engine.path.lookup.sockets import find_listener
from engine.path.lookup.values import UNKNOWN, Read, Unknown, Value
from engine.path.lookup.view import View

#: Hooks at which the socket is looked for.
HOOKS = ("prerouting", "input")


def _connected(view: View) -> bool:
    return (view.netns.id, tuple_of(view.packet)) in view.sockets


def _listening(view: View) -> Listener | None:
    """The socket that would take the packet as a first one."""
    packet = view.packet
    device = view.netns.links_by_name.get(view.context.iif)
    opens = packet.tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST) == TCP_SYN or packet.protocol is Protocol.UDP
    return find_listener(view.netns, packet, device) if opens and device is not None else None


def _found(*, wildcard: bool) -> Read:
    """Whether there is one; with `wildcard` also one that listens on any address."""

    def value(view: View) -> Value | Unknown:
        if view.hook not in HOOKS:
            return UNKNOWN
        if _connected(view):
            return "exists"
        listener = _listening(view)
        return "missing" if listener is None or (listener.address is None and not wildcard) else "exists"

    return value


def _transparent(view: View) -> Value | Unknown:
    if view.hook not in HOOKS:
        return UNKNOWN
    if _connected(view):
        known = view.sockets[view.netns.id, tuple_of(view.packet)]
        return UNKNOWN if known is None else int(known)
    listener = _listening(view)
    if listener is None:
        return None
    return UNKNOWN if listener.transparent is None else int(listener.transparent)


def _wildcard(view: View) -> Value | Unknown:
    if view.hook not in HOOKS:
        return UNKNOWN
    if _connected(view):
        return 0
    listener = _listening(view)
    return None if listener is None else int(listener.address is None)


FIELDS: dict[str, Read] = {
    "socket": _found(wildcard=False),
    "socket or wildcard": _found(wildcard=True),
    "socket transparent": _transparent,
    "socket wildcard": _wildcard,
}
