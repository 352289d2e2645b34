"""Values of rules and packets in words: addresses, ports, marks, states, and what a set holds. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network

from engine.model.firewall import Atom, Element, Field, Interval, MapElement, Match, Name, Table
from engine.model.packet import PROTOCOL_NUMBERS
from engine.path.fields.matches import named_set
from engine.path.fields.table import read
from engine.path.lookup.values import UNKNOWN, Unknown, Value
from engine.path.lookup.view import View

#: So many elements of a set are shown.
MOST_ELEMENTS = 3

_PROTOCOLS = {number: str(protocol) for protocol, number in PROTOCOL_NUMBERS.items()}
_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg")


def label(fields: Sequence[Field]) -> str:
    """The fields by the names that people use: `tcp dport`, `iifname`, `daddr type`, `saddr . dport`."""
    return " . ".join(field.name.removeprefix("meta ").removeprefix("fib ") for field in fields)


def asked(match: Match, view: View, table: Table) -> str:
    """What a condition asks for: in its tool's words, else its values; of a named set some of what it holds."""
    named = named_set(match.lookup, view, table) if match.lookup is not None else None
    elements = match.elements if named is None else named.elements
    words = match.text
    if not words:
        words = f"@{match.lookup}" if match.lookup else held(match.fields, elements)
        words = f"not {words}" if match.negate else words
    inside = f" ({match.lookup} contains {held(match.fields, elements)})" if match.lookup is not None else ""
    return f"“{words}”{inside}"


def held(fields: Sequence[Field], elements: Sequence[Element]) -> str:
    """The elements of a set: the first ones, and how many more there are."""
    shown = [element(fields, each) for each in elements[:MOST_ELEMENTS]]
    more = len(elements) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more else [])]) or "nothing"


def keys(fields: Sequence[Field], entries: Iterable[MapElement]) -> str:
    """The keys of a map, as `held` shows elements."""
    return held(fields, [entry.key for entry in entries])


def element(fields: Sequence[Field], atoms: Sequence[Atom]) -> str:
    """One element of a set: a value for each field."""
    return " . ".join(_atom(field.name, atom) for field, atom in zip(fields, atoms, strict=False)) or "everything"


def has(fields: Sequence[Field], view: View) -> str:
    """What a packet has in the fields."""
    return " . ".join(_masked(field, read(field.name, view)) for field in fields)


def _masked(field: Field, have: Value | Unknown) -> str:
    if isinstance(have, int) and field.mask is not None and have & field.mask != have:
        return f"{value(field.name, have)} (of it {value(field.name, have & field.mask)})"
    return value(field.name, have)


def _atom(name: str, atom: Atom) -> str:
    if isinstance(atom, Name):
        return atom.pattern or "none"
    if name.endswith("addr"):
        return _addresses(name, atom)
    low, high = value(name, atom.low), value(name, atom.high)
    return low if low == high else f"{low}-{high}"


def _addresses(name: str, atom: Interval) -> str:
    low, high = value(name, atom.low), value(name, atom.high)
    width = atom.high - atom.low
    if width and not name.startswith("ether") and not width & (width + 1) and not atom.low & width:
        first = ip_address(low)
        return str(ip_network((first, first.max_prefixlen - width.bit_length())))
    return low if low == high else f"{low}-{high}"


def value(name: str, have: Value | Unknown) -> str:
    """One value of a field."""
    if have is None:
        return "no such field"
    if have is UNKNOWN or isinstance(have, Unknown):
        return "an unknown value"
    if isinstance(have, frozenset):
        return ", ".join(sorted(have)) or "none"
    return _number(name, have) if isinstance(have, int) else have or "none"


def _number(name: str, have: int) -> str:
    if name.startswith("ether") and name.endswith("addr"):
        return ":".join(f"{byte:02x}" for byte in have.to_bytes(6, "big"))
    if name.endswith("addr"):
        return str(ip_address(have.to_bytes(16 if "ip6" in name else 4, "big")))
    if name in ("meta l4proto", "ip protocol", "ip6 nexthdr", "ct protocol"):
        return _PROTOCOLS.get(have, str(have))
    if name == "tcp flags":
        return ", ".join(flag for bit, flag in enumerate(_FLAGS) if have >> bit & 1) or "none"
    return f"{have:#x}" if name.endswith("mark") else str(have)
