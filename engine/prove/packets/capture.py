"""Captures: the question's packets on every device of a namespace, as they came in and went out.

One packet socket a namespace hears all its devices, so that a packet is also seen where nobody expected it; a filter
in the kernel (`bpf`) keeps everything else away from it. What comes in is seen before any rule, what goes out after
all of them. Questions for addresses (ARP, neighbour discovery) of the conversation are kept too, for the file.

Sources: packet(7), Linux Documentation/networking/packet_mmap.rst, net/packet/af_packet.c (tpacket_rcv).
"""

from __future__ import annotations

import ctypes
import mmap
import socket
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress

from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.prove.packets.bpf import program
from engine.prove.packets.patterns import Base, Pattern, Test
from engine.records import dataclass

_ETH_P_ALL = 0x0003
_SO_ATTACH_FILTER = 26
_OUTGOING = 4
_SOL_PACKET, _PACKET_RX_RING, _PACKET_STATISTICS, _PACKET_VERSION, _TPACKET_V2 = 263, 5, 6, 10, 1
#: Bytes of a block and of a frame of the ring, and how many there are: a proof's packets are a few dozen.
_BLOCK, _BLOCKS, _FRAME = 1 << 16, 8, 512
_FRAMES = _BLOCK // _FRAME * _BLOCKS
_TO_USER = 1
_NANO = 1_000_000_000
_LOOPBACK_DEVICE = 772  # ARPHRD_LOOPBACK
_status = struct.Struct("=I")
#: status, length, kept length, offsets of link and network header, seconds, nanoseconds.
_frame_header = struct.Struct("=IIIHHII")
#: struct sockaddr_ll: protocol, device, ARPHRD type, packet type, length and bytes of the sender's address.
_address = struct.Struct("=2xHiHBB8s")
_ADDRESS_AT = 32
_SOLICITATION, _ADVERTISEMENT = 135, 136
_ICMPV6 = 58
_ARP_SENDER, _ARP_TARGET, _ND_TARGET = 14, 24, 8


@dataclass(frozen=True, slots=True)
class Captured:
    """One packet on one device: when (nanoseconds since the epoch), and its bytes from the network header on.

    `kind` is the packet type of packet(7), 4 for what goes out; `hardware` the ARPHRD type, `sender` the source's
    hardware address. `length` is how long the packet was; `data` may be cut.
    """

    when: int
    netns: str
    device: str
    kind: int
    hardware: int
    sender: bytes
    ethertype: int
    data: bytes
    length: int

    @property
    def outgoing(self) -> bool:
        """Whether it leaves by the device."""
        return self.kind == _OUTGOING


def address_questions(addresses: Iterable[IPAddress]) -> tuple[Pattern, ...]:
    """ARP and neighbour discovery about these addresses."""
    found: list[Pattern] = []
    for address in addresses:
        if address.version == 4:
            found += [Pattern("arp", (Test(Base.NETWORK, at, address.packed),)) for at in (_ARP_SENDER, _ARP_TARGET)]
        else:
            found += [
                Pattern("ip6", (*_discovery(kind), Test(Base.TRANSPORT, _ND_TARGET, address.packed)))
                for kind in (_SOLICITATION, _ADVERTISEMENT)
            ]
    return tuple(dict.fromkeys(found))


def _discovery(kind: int) -> tuple[Test, Test]:
    return Test(Base.NETWORK, 6, bytes([_ICMPV6])), Test(Base.TRANSPORT, 0, bytes([kind]))


class Capture:
    """Captures on all devices of a namespace, from now on. Made by a thread that is in it; raises OSError.

    The kernel writes into a ring that is shared with it (PACKET_RX_RING, TPACKET_V2) and stamps each packet there with
    its own time, so that the packets of several namespaces can be put in order.
    """

    def __init__(self, netns: Netns, patterns: Sequence[Pattern]) -> None:
        self.netns = netns
        everything = socket.htons(_ETH_P_ALL)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, everything)
        self._ring: mmap.mmap | None = None
        self._next = 0
        try:
            self._attach(program(patterns))
            self._socket.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V2)
            sizes = struct.pack("=IIII", _BLOCK, _BLOCKS, _FRAME, _FRAMES)
            self._socket.setsockopt(_SOL_PACKET, _PACKET_RX_RING, sizes)
            self._ring = mmap.mmap(self._socket.fileno(), _BLOCK * _BLOCKS)
            self._discard()
        except OSError:
            self.close()
            raise

    def _attach(self, code: bytes) -> None:
        """SO_ATTACH_FILTER with struct sock_fprog."""
        kept = ctypes.create_string_buffer(code, len(code))
        instructions = struct.pack("HP", len(code) // 8, ctypes.addressof(kept))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, instructions)

    def _discard(self) -> None:
        """Throws away what came before the filter was there."""
        with suppress(BlockingIOError):
            while True:
                self._socket.recv(1, socket.MSG_DONTWAIT)

    def fileno(self) -> int:
        """For selectors: readable when a packet was seen."""
        return self._socket.fileno()

    def drain(self) -> list[Captured]:
        """The packets since the last call, in order. Over loopback, the way out alone is kept."""
        found: list[Captured] = []
        ring = self._ring
        while ring is not None and _status.unpack_from(ring, self._next)[0] & _TO_USER:
            seen = self._frame(ring, self._next)
            _status.pack_into(ring, self._next, 0)
            self._next = (self._next + _FRAME) % (_FRAME * _FRAMES)
            if seen.hardware != _LOOPBACK_DEVICE or seen.outgoing:
                found.append(seen)
        return found

    def _frame(self, ring: mmap.mmap, at: int) -> Captured:
        """struct tpacket2_hdr, struct sockaddr_ll, and the bytes."""
        _, length, kept, _, start, seconds, nanoseconds = _frame_header.unpack_from(ring, at)
        ethertype, index, hardware, kind, size, sender = _address.unpack_from(ring, at + _ADDRESS_AT)
        link = self.netns.links_by_index.get(index)
        device = link.name if link is not None else f"#{index}"
        data = bytes(ring[at + start : at + start + kept])
        when = seconds * _NANO + nanoseconds
        return Captured(
            when, self.netns.id, device, kind, hardware, sender[:size], socket.ntohs(ethertype), data, length
        )

    def lost(self) -> int:
        """How many packets did not fit into the ring since the last call."""
        raw = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        return int(struct.unpack("=II", raw)[1])

    def close(self) -> None:
        """Ends the capture."""
        if self._ring is not None:
            self._ring.close()
            self._ring = None
        self._socket.close()
