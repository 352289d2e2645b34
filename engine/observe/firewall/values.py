"""Addresses, ranges and numbers as the tools write them, turned into atoms of the model.

All functions raise `FirewallTextError` for text that is not such a value. Addresses are kept as integers of their
family. A mask whose bits are not contiguous cannot be an interval: it stays a mask on the field.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from socket import AF_INET, inet_pton

from engine.model.address import IPAddress
from engine.model.firewall import Field, Interval
from engine.observe.firewall.errors import FirewallTextError

#: Larger than any value of any field: the upper end of `>` and of "any".
TOP = (1 << 128) - 1
ANY_PORT = Interval(0, 65535)


@lru_cache(maxsize=8192)
def ip_address(text: str) -> IPAddress:
    """An address of either family."""
    try:
        return IPv6Address(text) if ":" in text else IPv4Address(inet_pton(AF_INET, text))
    except (OSError, ValueError) as error:
        raise FirewallTextError(f"{text!r} is not an IP address") from error


def number(text: str) -> int:
    """A decimal, 0x… or 0… number, as the C tools read it."""
    try:
        if len(text) > 1 and text[0] == "0" and text[1] not in "xX":
            return int(text, 8)
        return int(text, 0)
    except ValueError as error:
        raise FirewallTextError(f"{text!r} is not a number") from error


def epoch(text: str) -> int:
    """`2030-01-01T00:00:00` of UTC, in seconds since 1970."""
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise FirewallTextError(f"{text!r} is not a date") from error


def second_of_day(text: str) -> int:
    """`10:00:30`, or less of it, as a second of the day."""
    return sum(int(part, 10) * scale for part, scale in zip(text.split(":"), (3600, 60, 1), strict=False))


def interval(low: int, high: int) -> Interval:
    """A range; refuses one that is upside down."""
    if low > high:
        raise FirewallTextError(f"range {low}-{high} is upside down")
    return Interval(low, high)


def number_range(text: str, separator: str = ":") -> Interval:
    """`80`, `80:90`, `:90`, `80:` (open ends are 0 and the largest number)."""
    low, colon, high = text.partition(separator)
    if not colon:
        value = number(low)
        return Interval(value, value)
    return interval(number(low) if low else 0, number(high) if high else TOP)


def port_span(text: str, separator: str = "-") -> Interval:
    """`80`, `80-90`."""
    found = number_range(text, separator)
    if found.high > 65535:
        raise FirewallTextError(f"{text!r} is no port")
    return found


def prefix(address: IPAddress, length: int) -> Interval:
    """All addresses of a prefix."""
    bits = address.max_prefixlen
    if not 0 <= length <= bits:
        raise FirewallTextError(f"prefix length {length} does not fit {address}")
    hosts = (1 << (bits - length)) - 1
    value = int(address)
    return Interval(value & ~hosts, value | hosts)


@lru_cache(maxsize=64)
def _field(name: str) -> Field:
    """Equal fields are the same value."""
    return Field(name)


@lru_cache(maxsize=8192)
def network(name: str, text: str) -> tuple[Field, Interval]:
    """`10.0.0.0/8`, `1.2.3.4`, `10.0.0.1/255.0.255.0`: the field (with a mask where it is needed) and the value."""
    host, slash, mask = text.partition("/")
    address = ip_address(host)
    if not slash:
        return _field(name), Interval(int(address), int(address))
    if "." not in mask and ":" not in mask:
        return _field(name), prefix(address, number(mask))
    bits = int(ip_address(mask))
    hosts = bits ^ ((1 << address.max_prefixlen) - 1)
    if hosts & (hosts + 1) == 0:
        return _field(name), Interval(int(address) & bits, int(address) | hosts)
    return Field(name, bits), Interval(int(address) & bits, int(address) & bits)


def address_range(text: str) -> Interval:
    """`1.1.1.1-1.1.1.9`, or one address."""
    low, dash, high = text.partition("-")
    first = ip_address(low)
    last = ip_address(high) if dash else first
    return interval(int(first), int(last))


def mac(text: str) -> int:
    """A MAC address as a 48-bit integer."""
    parts = text.split(":")
    try:
        octets = [int(part, 16) for part in parts]
    except ValueError as error:
        raise FirewallTextError(f"{text!r} is not a MAC address") from error
    if len(octets) != 6 or any(not 0 <= octet <= 255 for octet in octets):
        raise FirewallTextError(f"{text!r} is not a MAC address")
    return int.from_bytes(bytes(octets), "big")


def value_and_mask(text: str) -> tuple[int, int]:
    """`0x1/0xff`; without a mask, all 32 bits."""
    value, slash, mask = text.partition("/")
    return number(value), number(mask) if slash else 0xFFFFFFFF


def merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same numbers as few disjoint intervals in ascending order."""
    done: list[Interval] = []
    for item in sorted(intervals, key=lambda each: each.low):
        if done and item.low <= done[-1].high + 1:
            done[-1] = Interval(done[-1].low, max(done[-1].high, item.high))
        else:
            done.append(item)
    return tuple(done)


def without(intervals: Iterable[Interval], hole: Interval) -> tuple[Interval, ...]:
    """The intervals less the numbers of `hole`."""
    left: list[Interval] = []
    for item in intervals:
        if item.high < hole.low or item.low > hole.high:
            left.append(item)
            continue
        if item.low < hole.low:
            left.append(Interval(item.low, hole.low - 1))
        if item.high > hole.high:
            left.append(Interval(hole.high + 1, item.high))
    return tuple(left)
