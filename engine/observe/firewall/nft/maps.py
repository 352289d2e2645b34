"""nft's verdict maps and value maps: anonymous ones inside of rules, and the entries of named ones.

A value is a `RuleVerdict`, an `int` (a mark), or a `NatValue` (an address, a port, both, or a range of them). Maps to
anything else (a device, a priority, a helper) have no value in the model: `entries` gives none for them.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.firewall import Element, MapElement, NatValue, RuleVerdict, VerdictKind
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.nft.as_text import Json, listed
from engine.observe.firewall.nft.values import NEVER_ALONE, TYPE_FIELDS, element, scalar
from engine.observe.firewall.values import ip_address, prefix

_VERDICTS = frozenset(kind.value for kind in VerdictKind)


def verdict(value: Json) -> RuleVerdict | None:
    """The verdict of a statement or of a map's entry; None for what is none."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    ((name, inner),) = value.items()
    if name not in _VERDICTS:
        return None
    return RuleVerdict(VerdictKind(name), inner["target"] if name in ("jump", "goto") else None)


def key(names: Sequence[str], value: Json) -> Element:
    """The key of an entry; `*` is the wildcard, an empty key."""
    return () if value == "*" else element(names, value)


def pairs(names: Sequence[str], data: Json) -> list[tuple[Json, Json]]:
    """Keys and values of an anonymous map's `set`, or of a named map's `elem`. A flow's status is looked up with all of
    its bits: an entry for one that never comes alone is none."""
    found: list[tuple[Json, Json]] = []
    for entry in listed(data):
        left, right = entry
        if isinstance(left, dict) and "elem" in left:
            left = left["elem"]["val"]
        if "ct status" in names and left != "*":
            if left not in NEVER_ALONE:
                raise FirewallTextError("ct status compared as a whole")
            continue
        found.append((left, right))
    return found


def verdict_entries(names: Sequence[str], data: Json) -> tuple[MapElement, ...]:
    """The entries of a verdict map."""
    found: list[MapElement] = []
    for left, right in pairs(names, data):
        value = verdict(right)
        if value is None:
            raise FirewallTextError(f"{right!r} is no verdict")
        found.append(MapElement(key(names, left), value))
    return tuple(found)


def port_range(value: Json) -> tuple[int, int]:
    """A port or a range of ports."""
    if isinstance(value, dict) and "range" in value:
        low, high = value["range"]
    else:
        low = high = value
    ends = scalar("th dport", low), scalar("th dport", high)
    if not all(0 <= end <= 65535 for end in ends):
        raise FirewallTextError(f"{value!r} is no port")
    return ends


def nat_value(address: Json, port: Json = None) -> NatValue:
    """A translation's target from its address (one, a range, a prefix, or with a port) and its port."""
    if isinstance(address, dict) and "concat" in address:
        address, port = address["concat"]
    low = high = None
    if isinstance(address, dict) and "range" in address:
        low, high = (ip_address(str(end)) for end in address["range"])
    elif isinstance(address, dict) and "prefix" in address:
        first = ip_address(address["prefix"]["addr"])
        span = prefix(first, int(address["prefix"]["len"]))
        low, high = type(first)(span.low), type(first)(span.high)
    elif address is not None:
        low = high = ip_address(str(address))
    if port is None:
        return NatValue(low, high)
    ports = port_range(port)
    return NatValue(low, high, *ports)


def nat_entries(names: Sequence[str], data: Json, ports: bool = False, address: Json = None) -> tuple[MapElement, ...]:
    """The entries of a map to addresses, or (with `ports`) of a map to ports of `address`."""
    return tuple(
        MapElement(key(names, left), nat_value(address, right) if ports else nat_value(right))
        for left, right in pairs(names, data)
    )


def mark_entries(names: Sequence[str], data: Json) -> tuple[MapElement, ...]:
    """The entries of a map to marks."""
    return tuple(MapElement(key(names, left), scalar("meta mark", right)) for left, right in pairs(names, data))


def named_entries(names: Sequence[str], value_types: Sequence[str], data: Json) -> tuple[MapElement, ...]:
    """The entries of a named map whose values are of these types."""
    if list(value_types) == ["verdict"]:
        return verdict_entries(names, data)
    kinds = [TYPE_FIELDS.get(kind, kind) for kind in value_types]
    if kinds[:1] == ["th dport"] and len(kinds) == 1:
        return nat_entries(names, data, ports=True)
    if kinds[:1] in (["ip saddr"], ["ip6 saddr"], ["ip daddr"], ["ip6 daddr"]):
        return nat_entries(names, data)
    if kinds in (["meta mark"], ["ct mark"]):
        return mark_entries(names, data)
    return ()
