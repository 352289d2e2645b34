"""SCTP listeners, which may be bound to several addresses at once: what sock_diag and /proc tell of them. Pure.

sock_diag sends the first address like that of any socket, and all of them in an attribute; /proc/net/sctp/eps has a
line for each endpoint with its addresses at the end. The folder is there when the kernel's SCTP is, so that nobody is
asked, and no module loaded, where it is not.

Sources: net/sctp/diag.c (inet_diag_msg_sctpladdrs_fill), net/sctp/proc.c (sctp_eps_seq_show), linux/inet_diag.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from engine.model.address import IPAddress, family_of
from engine.model.packet import Protocol
from engine.model.traffic import Listener
from engine.observe.netlink import decode
from engine.records import replace

#: There where the kernel speaks SCTP; of the calling thread's namespace.
ENDPOINTS = "/proc/thread-self/net/sctp/eps"
INET_DIAG_LOCALS = 12
#: struct sockaddr_storage, of which the kernel sends a row.
_SOCKADDR = 128
_LISTEN = 10


def each_address(listener: Listener, raw: bytes | None) -> list[Listener]:
    """The listener for each of its addresses; `raw` is INET_DIAG_LOCALS. Raises what `decode.decodes` catches."""
    found = [_address(raw[at : at + _SOCKADDR]) for at in range(0, len(raw or b"") - 7, _SOCKADDR)] if raw else []
    return [replace(listener, address=where, family=family_of(where)) for where in found] or [listener]


def _address(raw: bytes) -> IPAddress:
    """The address in a struct sockaddr_in or sockaddr_in6."""
    (family,) = struct.unpack_from("=H", raw)
    return decode.address(raw[8:24] if family == decode.AF_INET6 else raw[4:8])


def parse_endpoints(lines: Iterable[str]) -> Iterator[Listener]:
    """The listeners in a table of /proc/net/sctp/eps. Lines that are no endpoints (the heading) are passed over."""
    for line in lines:
        words = line.split()
        try:
            if int(words[3]) != _LISTEN:
                continue
            port, uid, inode = int(words[5]), int(words[6]), int(words[7])
            addresses = [ip_address(word) for word in words[8:]]
        except (ValueError, IndexError):
            continue
        for where in addresses:
            yield Listener(Protocol.SCTP, family_of(where), where, port, inode=inode, uid=uid)
