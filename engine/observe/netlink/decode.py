"""Values inside netlink attributes: integers, names, hardware and IP addresses.

Every function takes the raw bytes of one attribute. Integers are in host order unless their name says
otherwise. A value of the wrong size raises whatever the standard library raises; a parser wrapped in
`decodes` turns that into the one NetlinkError that the room knows. Addresses and networks are cached,
because the namespaces of one host repeat them (127.0.0.0/8, ::1, fe80::/64, a bridge's subnet).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache, wraps
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import ParamSpec, TypeVar

from engine.model.address import IPAddress, IPNetwork
from engine.observe.base.errors import NetlinkError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

AF_INET, AF_BRIDGE, AF_INET6 = 2, 7, 10

_u16 = struct.Struct("=H")
_u32 = struct.Struct("=I")
_i32 = struct.Struct("=i")
_be16 = struct.Struct("!H")
_be32 = struct.Struct("!I")


def decodes(what: str) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Makes a parser raise NetlinkError, and nothing else, when the bytes of `what` are damaged."""

    def decorate(parse: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @wraps(parse)
        def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            try:
                return parse(*args, **kwargs)
            except (struct.error, LookupError, ValueError) as error:
                raise NetlinkError(f"{what} from the kernel does not decode: {error}") from error

        return guarded

    return decorate


def u8(raw: bytes) -> int:
    """An unsigned byte."""
    return raw[0]


def u16(raw: bytes) -> int:
    """An unsigned 16-bit integer."""
    return int(_u16.unpack(raw)[0])


def u32(raw: bytes) -> int:
    """An unsigned 32-bit integer."""
    return int(_u32.unpack(raw)[0])


def i32(raw: bytes) -> int:
    """A signed 32-bit integer."""
    return int(_i32.unpack(raw)[0])


def be16(raw: bytes) -> int:
    """An unsigned 16-bit integer in network order."""
    return int(_be16.unpack(raw)[0])


def be32(raw: bytes) -> int:
    """An unsigned 32-bit integer in network order."""
    return int(_be32.unpack(raw)[0])


def text(raw: bytes) -> str:
    """A name, without its final zero. Bytes that are not UTF-8 stay readable as escapes."""
    return raw.rstrip(b"\0").decode("utf-8", "backslashreplace")


def mac(raw: bytes) -> str:
    """A hardware address, in the colon notation whatever its length."""
    return raw.hex(":")


@lru_cache(maxsize=65536)
def address(raw: bytes) -> IPAddress:
    """An IP address of 4 or 16 bytes. Raises ValueError for any other length."""
    if len(raw) == 4:
        return IPv4Address(raw)
    if len(raw) == 16:
        return IPv6Address(raw)
    raise ValueError(f"an address of {len(raw)} bytes")


@lru_cache(maxsize=65536)
def network(raw: bytes | None, prefixlen: int, family: int) -> IPNetwork:
    """A prefix. A None `raw` is the address of all zeros, which the kernel leaves out.

    Raises ValueError for a length that does not go with the family.
    """
    if family == AF_INET:
        return IPv4Network((raw if raw is not None else bytes(4), prefixlen), strict=False)
    if family == AF_INET6:
        return IPv6Network((raw if raw is not None else bytes(16), prefixlen), strict=False)
    raise ValueError(f"a prefix of address family {family}")
