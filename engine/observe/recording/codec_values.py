"""Values without parts as JSON values and back: text, numbers, addresses, networks, words of an enum.

A `Codec` is a pair of functions for one type. Reading is strict: what does not fit its type is an
`Unreadable`, which gathers the place of the value on its way out through `codec`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from engine.records import dataclass

Write = Callable[[Any], Any]
Read = Callable[[Any], Any]


class Unreadable(ValueError):
    """A value does not fit its type. `place` leads to it from the top ("namespaces[3].links[0].mtu")."""

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place

    def within(self, step: str) -> Unreadable:
        """The same failure, seen from one level further out."""
        joint = "." if self.place and not self.place.startswith("[") else ""
        return Unreadable(self.reason, f"{step}{joint}{self.place}")


@dataclass(frozen=True, slots=True)
class Codec:
    """How values of one type are written as JSON values and read back. `kinds` are the JSON types it writes."""

    write: Write
    read: Read
    kinds: frozenset[type]


_WORDS = {str: "text", int: "an integer", bool: "true or false", list: "a list", dict: "an object"}
_WORDS[type(None)] = "null"


def found_kind(value: object) -> str:
    """A JSON value's type, in words."""
    return _WORDS.get(type(value), f"a {type(value).__name__}")


def as_it_is(value: Any) -> Any:
    """The value itself."""
    return value


#: No number of a host is larger than an IPv6 address.
_LARGEST_NUMBER = 1 << 128


def _integer(value: Any) -> Any:
    """Reads an integer of any size that a host can have."""
    if type(value) is not int:
        raise Unreadable(f"expected an integer, found {found_kind(value)}")
    if not -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER:
        raise Unreadable("a number is larger than any that a host can have")
    return value


def _exactly(kind: type) -> Read:
    """Reads values of just this JSON type (a bool is no integer)."""

    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise Unreadable(f"expected {_WORDS[kind]}, found {found_kind(value)}")
        return value

    return read


def _parsed(parse: Callable[[str], object], wanted: type | tuple[type, ...], word: str) -> Codec:
    """Values that are written as text and parsed back."""

    def read(value: Any) -> Any:
        if type(value) is str:
            try:
                found = parse(value)
            except ValueError:
                found = None
            if isinstance(found, wanted):
                return found
        raise Unreadable(f"expected {word}, found {value!r:.60}")

    return Codec(str, read, frozenset({str}))


PLAIN: dict[type, Codec] = {
    **{kind: Codec(as_it_is, _exactly(kind), frozenset({kind})) for kind in (str, bool, type(None))},
    int: Codec(as_it_is, _integer, frozenset({int})),
    IPv4Address: _parsed(ip_address, IPv4Address, "an IPv4 address"),
    IPv6Address: _parsed(ip_address, IPv6Address, "an IPv6 address"),
    IPv4Network: _parsed(ip_network, IPv4Network, "an IPv4 network"),
    IPv6Network: _parsed(ip_network, IPv6Network, "an IPv6 network"),
}
ADDRESS = _parsed(ip_address, (IPv4Address, IPv6Address), "an address")
NETWORK = _parsed(ip_network, (IPv4Network, IPv6Network), "a network")


def enum_codec(hint: type[StrEnum]) -> Codec:
    """An enum's member is written as its word."""
    members = {member.value: member for member in hint}

    def read(value: Any) -> Any:
        if type(value) is str and value in members:
            return members[value]
        raise Unreadable(f"expected one of {', '.join(members)}, found {value!r:.60}")

    return Codec(str, read, frozenset({str}))
