"""Addresses of all links, both families, from one RTM_GETADDR dump.

On a point-to-point link IFA_LOCAL is our end and IFA_ADDRESS the far end; elsewhere both are the same,
and IPv6 sends IFA_LOCAL only where there is a far end. Flags carry their ip-address(8) names.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache

from engine.model.link import Address
from engine.observe.base.row_cache import Remembered, Span, places
from engine.observe.netlink.client import Message, attributes
from engine.observe.netlink.decode import AF_INET, AF_INET6, address, decodes, u32
from engine.observe.netlink.reader import Reader

RTM_NEWADDR, RTM_GETADDR = 20, 22

_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST, _IFA_CACHEINFO, _IFA_FLAGS = 1, 2, 4, 6, 8
_ifaddrmsg = struct.Struct("=BBBBI")
_REQUEST = bytes(_ifaddrmsg.size)

SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}

FLAGS = (
    (0x02, "nodad"),
    (0x04, "optimistic"),
    (0x08, "dadfailed"),
    (0x10, "home"),
    (0x20, "deprecated"),
    (0x40, "tentative"),
    (0x80, "permanent"),
    (0x100, "mngtmpaddr"),
    (0x200, "noprefixroute"),
    (0x400, "autojoin"),
    (0x800, "stable-privacy"),
)
#: One bit with a name for each family.
_IFA_F_SECONDARY = 0x01


def read_addresses(reader: Reader) -> tuple[Address, ...]:
    """All addresses of the reader's namespace."""
    return reader.read("addresses", RTM_GETADDR, _REQUEST, parse_addresses)


@decodes("an address")
def parse_addresses(messages: Sequence[Message]) -> tuple[Address, ...]:
    """The IPv4 and IPv6 addresses in RTM_NEWADDR messages. Raises NetlinkError on damaged bytes."""
    rows = (_address(body) for kind, body in messages if kind == RTM_NEWADDR)
    return tuple(row for row in rows if row is not None)


def _parse_address(body: bytes) -> Address | None:
    family, prefixlen, flags, scope, link = _ifaddrmsg.unpack_from(body)
    if family not in (AF_INET, AF_INET6):
        return None
    found = attributes(body, 8)
    if _IFA_FLAGS in found:
        flags = u32(found[_IFA_FLAGS])
    far = found.get(_IFA_ADDRESS)
    local = found.get(_IFA_LOCAL, far)
    if local is None:
        return None
    return Address(
        link=link,
        address=address(local),
        prefixlen=prefixlen,
        scope=SCOPES.get(scope, str(scope)),
        peer=address(far) if far is not None and far != local else None,
        broadcast=address(found[_IFA_BROADCAST]) if _IFA_BROADCAST in found else None,
        flags=_flag_names(flags, family),
    )


@lru_cache(maxsize=256)
def _flag_names(flags: int, family: int) -> frozenset[str]:
    names = [name for bit, name in FLAGS if flags & bit]
    if flags & _IFA_F_SECONDARY:
        names.append("secondary" if family == AF_INET else "temporary")
    return frozenset(names)


def _lifetimes(body: bytes) -> Iterator[Span]:
    return (span for kind, span in places(body, _ifaddrmsg.size, len(body)) if kind == _IFA_CACHEINFO)


_address = Remembered(_parse_address, _lifetimes)
