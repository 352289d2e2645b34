"""Where the kernel would route a packet: RTM_GETROUTE for the packet of a predicted routing step.

The question is what `ip route get` asks, with the packet's addresses, mark, DSCP, ports and the device that it came in
by. The answer is in the same words as a step: "via GATEWAY dev DEVICE", "local", or the kernel's refusal.

Sources: ip-route(8), net/ipv4/route.c (inet_rtm_getroute), net/ipv6/route.c, include/uapi/linux/rtnetlink.h.
"""

from __future__ import annotations

import errno
import re
import struct
from collections.abc import Mapping

from engine.model.host import Netns
from engine.model.packet import PROTOCOL_NUMBERS, Packet, Protocol
from engine.model.trace import Outcome, Step
from engine.observe.base.errors import NetlinkError
from engine.observe.netlink.client import Netlink, attributes
from engine.observe.netlink.decode import AF_INET, AF_INET6, address, decodes, u32
from engine.prove.sources.nfnetlink import attribute
from engine.records import replace

RTM_GETROUTE = 26
_DST, _SRC, _IIF, _OIF, _GATEWAY, _MARK, _VIA, _IP_PROTO, _SPORT, _DPORT = 1, 2, 3, 4, 5, 16, 18, 27, 28, 29
_LOCAL_KIND = 2
_rtmsg = struct.Struct("=BBBBBBBBI")
_PORTS = (Protocol.TCP, Protocol.UDP)

#: What the kernel answers for an ending, as errno.
REFUSED: dict[Outcome, tuple[int, ...]] = {
    Outcome.NO_ROUTE: (errno.ENETUNREACH,),
    Outcome.ROUTE_UNREACHABLE: (errno.EHOSTUNREACH,),
    Outcome.ROUTE_PROHIBIT: (errno.EACCES,),
    Outcome.ROUTE_BLACKHOLE: (errno.EINVAL,),
    Outcome.RP_FILTER: (errno.EXDEV, errno.EINVAL),
    Outcome.NOT_FORWARDED: (errno.EHOSTUNREACH,),
    Outcome.MARTIAN: (errno.EINVAL,),
}
#: Endings that come before or after the lookup of IPv6, which the kernel's answer does not know of.
NOT_ASKED = frozenset({Outcome.NOT_FORWARDED, Outcome.MARTIAN})
_WAY = re.compile(r"(?:routed again: )?(?P<to>\S+?)(?: via (?P<via>\S+))? dev (?P<dev>\S+) \(")
LOCAL = "local"


def predicted_way(step: Step) -> str:
    """A routing step in the words "via GATEWAY dev DEVICE"; "local" for a way into the namespace."""
    found = _WAY.match(step.text)
    if not found:
        return LOCAL
    return f"{'via ' + found['via'] + ' ' if found['via'] else ''}dev {found['dev']}"


def leaves_only_by(step: Step) -> str:
    """The one device that the packet may leave by: its socket's, or that of a link-local address; "" for any."""
    packet, context = step.packet, step.context
    way = _WAY.match(step.text)
    if packet.dst.version == 6 and packet.dst.is_link_local and context.iif in ("", "lo") and way:
        return way["dev"]
    return context.socket_device


def question(netns: Netns, step: Step) -> bytes:
    """The request for a step's packet.

    A packet made in a namespace may bear a source that is not its own (a reset in another's name): the kernel routes it
    by destination, and would refuse to answer for its source.
    """
    packet, context = step.packet, step.context
    arrived = context.iif not in ("", "lo")
    links = netns.links_by_name
    parts = [attribute(_DST, packet.dst.packed)]
    source = not packet.src.is_unspecified and (arrived or packet.src in netns.addresses_by_value)
    if source:
        parts.append(attribute(_SRC, packet.src.packed))
    if arrived and context.iif in links:
        parts.append(attribute(_IIF, struct.pack("=I", links[context.iif].index)))
    if (device := leaves_only_by(step)) in links:
        parts.append(attribute(_OIF, struct.pack("=I", links[device].index)))
    if context.mark:
        parts.append(attribute(_MARK, struct.pack("=I", context.mark)))
    if packet.protocol in _PORTS:
        parts.append(attribute(_IP_PROTO, bytes([PROTOCOL_NUMBERS[packet.protocol]])))
        parts += [
            attribute(kind, struct.pack("!H", port))
            for kind, port in ((_SPORT, packet.sport), (_DPORT, packet.dport))
            if port
        ]
    family = AF_INET if packet.dst.version == 4 else AF_INET6
    bits = packet.dst.max_prefixlen
    return _rtmsg.pack(family, bits, bits if source else 0, packet.tos or 0, 0, 0, 0, 0, 0) + b"".join(parts)


def ask(netlink: Netlink, netns: Netns, step: Step) -> tuple[str, int]:
    """The kernel's way in a step's words, and 0; or its refusal in words, and the errno. Raises OSError.

    An unconnected UDP socket has no source yet when its answer is routed: where the packet's own source leads elsewhere
    than predicted, the question without it is the one that counts.
    """
    way = _ask(netlink, netns, question(netns, step))
    unbound = step.packet.protocol is Protocol.UDP and step.context.iif in ("", "lo")
    if unbound and way != (predicted_way(step), 0):
        return _ask(netlink, netns, question(netns, replace(step, packet=_without_source(step.packet))))
    return way


def _without_source(packet: Packet) -> Packet:
    return replace(packet, src=type(packet.src)(0))


def _ask(netlink: Netlink, netns: Netns, request: bytes) -> tuple[str, int]:
    names = {index: link.name for index, link in netns.links_by_index.items()}
    try:
        _, body = netlink.ask(RTM_GETROUTE, request)
        return parse_way(body, names), 0
    except NetlinkError as error:
        return str(error).removeprefix("the kernel refused: "), error.code


@decodes("a route")
def parse_way(body: bytes, names: Mapping[int, str]) -> str:
    """The way that an answer tells; `names` are devices by index. Raises NetlinkError for damaged bytes."""
    kind = _rtmsg.unpack_from(body)[7]
    if kind == _LOCAL_KIND:
        return LOCAL
    found = attributes(body, _rtmsg.size)
    link = u32(found[_OIF])
    device = names.get(link, f"#{link}")
    gateway = found.get(_GATEWAY) or found.get(_VIA, b"  ")[2:]
    return f"via {address(gateway)} dev {device}" if gateway else f"dev {device}"
