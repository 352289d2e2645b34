"""What the kernel of one namespace is asked and told over netlink, without a process: routes, flushes, rule traces.

A `Kernel` holds sockets of its namespace. `route` is `ip route get`, in the words of tests.fidelity.oracle; `forget`
removes what earlier packets left (tracked flows, neighbours, redirects); `events` is what nf_tables' trace told since
it was last asked.
Sources: include/uapi/linux/{rtnetlink,neighbour}.h, netfilter/nfnetlink_conntrack.h.
"""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from pathlib import Path

from engine.model.packet import PROTOCOL_NUMBERS, Protocol
from engine.observe.base.errors import NetlinkError
from engine.observe.netlink.client import NLM_F_REQUEST, NLMSG_ERROR, Netlink, attributes, messages, parse_error
from tests.fidelity.fuzz.sockets import inside
from tests.fidelity.oracle import RouteQuery
from tests.harness.netns import Netns
from tests.harness.nftrace import Event, Tracer

NETFILTER, NLM_F_ACK = 12, 4
GET_LINK, GET_ADDRESS, GET_ROUTE, GET_NEIGHBOUR, DELETE_NEIGHBOUR, DELETE_FLOW = 18, 22, 26, 30, 29, 1 << 8 | 2
DST, SRC, IIF, OIF, GATEWAY, MARK, UID, PROTOCOL, SPORT, DPORT = 1, 2, 3, 4, 5, 16, 25, 27, 28, 29
VIA = 18
#: Types of routes that lead into the namespace: local, broadcast, anycast.
INWARDS = (2, 3, 4)
#: Flags of a device: set up, its state, its carrier. Attributes: its state (RFC 2863), how often its carrier changed.
UP, RUNNING, LOWER_UP = 0x1, 0x40, 0x10000
STATE, CARRIER_CHANGES = 16, 35
UNKNOWN = b"\0"
#: A flag of an address of IPv6 that nobody may use yet.
TENTATIVE = 0x40
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
#: Neighbours that were given by hand, or need no resolution, stay.
PERMANENT, NO_ARP = 0x80, 0x40


def attribute(kind: int, value: bytes) -> bytes:
    """One netlink attribute, padded."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


class Hand(Netlink):
    """A netlink socket that can also change something."""

    def tell(self, kind: int, body: bytes) -> None:
        """Sends a request and waits for its acknowledgement. Raises NetlinkError."""
        self._send(kind, NLM_F_REQUEST | NLM_F_ACK, body)
        for answer, flags, sequence, content in messages(self._receive()):
            if sequence == self._sequence and answer == NLMSG_ERROR and (error := parse_error(content, flags)):
                raise error


class Kernel:
    """The kernel of one namespace."""

    def __init__(self, name: str) -> None:
        self.name = name
        with inside(name):
            self.routes = Hand()
            self.flows = Hand(NETFILTER)
            self.names = dict(socket.if_nameindex())
        self.devices = {device: index for index, device in self.names.items()}
        self.tracer: Tracer | None = None

    def close(self) -> None:
        """Closes its sockets."""
        self.routes.close()
        self.flows.close()
        if self.tracer is not None:
            self.tracer.close()

    def trace(self, netns: Netns) -> None:
        """From now on packets are traced."""
        self.tracer = Tracer(netns)
        self.tracer.start()

    def events(self) -> tuple[Event, ...]:
        """What the trace told since the last call."""
        return self.tracer.drain() if self.tracer is not None else ()

    def route(self, asked: RouteQuery) -> str:
        """The kernel's way for a packet, or the words of its refusal."""
        try:
            _, body = self.routes.ask(GET_ROUTE, self._route_request(asked))
        except NetlinkError as error:
            return os.strerror(error.code)
        if body[7] in INWARDS:
            return "local"
        found = attributes(body, 12)
        device = self.names.get(struct.unpack("=I", found[OIF])[0], "?")
        gateway = found.get(GATEWAY) or found.get(VIA, b"")[2:]
        if not gateway:
            return f"dev {device}"
        family = socket.AF_INET if len(gateway) == 4 else socket.AF_INET6
        return f"via {socket.inet_ntop(family, gateway)} dev {device}"

    def _route_request(self, asked: RouteQuery) -> bytes:
        bits = asked.dst.max_prefixlen
        words = attribute(DST, asked.dst.packed)
        if asked.src is not None:
            words += attribute(SRC, asked.src.packed)
        for kind, device in ((IIF, asked.iif), (OIF, asked.oif)):
            if device:
                words += attribute(kind, struct.pack("=I", self.devices[device]))
        words += attribute(MARK, struct.pack("=I", asked.mark))
        words += attribute(UID, bytes(4)) if asked.roots else b""
        if asked.protocol is not Protocol.SCTP:  # which the kernel takes for no question (rtm_getroute_parse_ip_proto)
            words += attribute(PROTOCOL, bytes([PROTOCOL_NUMBERS[asked.protocol]]))
        if asked.protocol in (Protocol.TCP, Protocol.UDP):
            for kind, port in ((SPORT, asked.sport), (DPORT, asked.dport)):
                words += attribute(kind, struct.pack(">H", port or 0))
        family = FAMILIES[asked.dst.version]
        return struct.pack("=8BI", family, bits, bits if asked.src else 0, 0, 0, 0, 0, 0, 0) + words

    def settled(self) -> bool:
        """Whether what follows later is there: devices know what their carriers say (net/core/link_watch.c), and with
        them bridge ports and routes; addresses of IPv6 can be used (net/ipv6/addrconf.c, addrconf_dad_work)."""
        links = (body for _, body in self.routes.dump(GET_LINK, bytes(16)).messages)
        addresses = (body for _, body in self.routes.dump(GET_ADDRESS, bytes(8)).messages)
        return all(map(_at_rest, links)) and not any(body[2] & TENTATIVE for body in addresses)

    def forget(self) -> None:
        """Flushes tracked flows, neighbours that were resolved, and what redirects taught."""
        with suppress(NetlinkError):
            self.flows.tell(DELETE_FLOW, bytes(4))
        for _, body in self.routes.dump(GET_NEIGHBOUR, bytes(12)).messages:
            family, state = body[0], struct.unpack_from("=H", body, 8)[0]
            if family not in FAMILIES.values() or state & (PERMANENT | NO_ARP):
                continue
            address = attributes(body, 12).get(DST)
            if address is not None:
                with suppress(NetlinkError):  # gone meanwhile
                    self.routes.tell(DELETE_NEIGHBOUR, body[:12] + attribute(DST, address))
        with inside(self.name):
            for family in ("ipv4", "ipv6"):
                with suppress(OSError):
                    Path(f"/proc/sys/net/{family}/route/flush").write_text("1")


def _at_rest(link: bytes) -> bool:
    """Whether a device was told of its carrier. Until it is told of the first change its state is unknown, which counts
    as running; where nothing ever changes (loopback) it remains so."""
    (flags,) = struct.unpack_from("=I", link, 8)
    found = attributes(link, 16)
    untold = found[STATE] == UNKNOWN and any(found[CARRIER_CHANGES])
    return not flags & UP or (bool(flags & LOWER_UP) == bool(flags & RUNNING) and not untold)
