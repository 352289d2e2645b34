"""`-m addrtype` of iptables.

IPv4 compares the type of the route, one of several. IPv6 asks several questions, all of which are to be answered yes:
whether the address is a multicast, a unicast or the unspecified one, each that is named; and whether its way is one of
the named types local, anycast and unreachable, if any is. `--limit-iface-in` and `-out` change what local means; for
the others IPv6 then looks for a way by that device alone, which has no form here.
Source: net/netfilter/xt_addrtype.c (match_type, match_type6).
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.firewall import Element, Field, Interval, Match, Name
from engine.observe.firewall.xt.context import XtContext
from engine.observe.firewall.xt.options import first
from engine.observe.firewall.xt.words import Option

#: The addresses of IPv6 that are of a type by themselves; unicast ones are all but some (ipv6_addr_type).
_UNSPECIFIED, _MULTICAST = Interval(0, 0), Interval(0xFF << 120, (1 << 128) - 1)
_MAPPED = Interval(0xFFFF << 32, (0xFFFF << 32) + 0xFFFFFFFF)
_KINDS: dict[str, tuple[tuple[Interval, ...], bool]] = {
    "multicast": ((_MULTICAST,), False),
    "unicast": ((_UNSPECIFIED, _MAPPED, _MULTICAST), True),
    "unspec": ((_UNSPECIFIED,), False),
}
#: What the look-up of an address of IPv6 may come to, by what is asked: any error is unreachable.
_WAYS = {"local": ("local",), "anycast": ("anycast",), "unreachable": ("unreachable", "blackhole", "prohibit")}
_BY_DEVICE = frozenset({"anycast", "unreachable"})


def matches(context: XtContext, options: Sequence[Option]) -> list[Match] | None:
    """The matches of the options; None where they have no exact form here."""
    names = {option.name for option in options}
    limit = " . iif" if "--limit-iface-in" in names else " . oif" if "--limit-iface-out" in names else ""
    found: list[Match] = []
    for option in options:
        side = {"--src-type": "saddr", "--dst-type": "daddr"}.get(option.name)
        if side is None:
            continue
        types = first(option.values).lower().split(",")
        text = " ".join([option.text, *(other.text for other in options if other.name.startswith("--limit"))])
        if context.family == "ip":
            elements = tuple((Name(word),) for word in types)
            found.append(Match((Field(f"fib {side}{limit} type"),), elements, negate=option.negate, text=text))
            continue
        asked = _asked6(side, limit, types)
        if (option.negate and len(asked) > 1) or (limit and not _BY_DEVICE.isdisjoint(types)):
            return None
        found += [Match((Field(field),), each, negate=no != option.negate, text=text) for field, each, no in asked]
    return found


def _asked6(side: str, limit: str, types: Sequence[str]) -> list[tuple[str, tuple[Element, ...], bool]]:
    """The questions that IPv6 asks: a field, its elements, and whether it is to have none of them."""
    asked: list[tuple[str, tuple[Element, ...], bool]] = []
    for word in types:
        if word in _KINDS:
            atoms, negate = _KINDS[word]
            asked.append((f"ip6 {side}", tuple((atom,) for atom in atoms), negate))
    ways = tuple((Name(way),) for word in types if word in _WAYS for way in _WAYS[word])
    if ways:
        asked.append((f"fib {side}{limit} type", ways, False))
    return asked
