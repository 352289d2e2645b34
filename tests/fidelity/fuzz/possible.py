"""Routes that a kernel would take, of those that the ingredients of a host have put together. Pure.

Two routes with one destination, metric, table and class cannot both be: the first one stays (ip-route(8): `add` does
not replace). A device without IPv6 has neither addresses nor neighbours of that version: what leads through it goes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

#: Words before the destination of a route.
_BEFORE = frozenset(("-6", "unreachable", "prohibit", "blackhole", "throw", "local"))
#: Words before an address that the namespace or a neighbour of it has.
_ENDS = frozenset(("via", "inet6", "src"))


def different(routes: Iterable[str]) -> list[str]:
    """The routes (words of ip(8)) without those that are for what an earlier one is for."""
    first: dict[tuple[str, ...], str] = {}
    for route in routes:
        first.setdefault(_aim(route), route)
    return list(first.values())


def _aim(route: str) -> tuple[str, ...]:
    words = [word for word in route.split() if word not in _BEFORE]
    version = "6" if "-6" in route.split() or re.search(r"via [0-9a-f]*:", route) else "4"
    given = dict(pairwise(words))
    return (
        re.sub(r"/(32|128)$", "", words[0]),
        version if words[0] == "default" else "",
        *(given.get(word, "") for word in ("metric", "table", "tos")),
    )


def without_ipv6(
    nexthops: Sequence[str], routes: Sequence[str], devices: Collection[str], networks: Collection[str]
) -> tuple[list[str], list[str]]:
    """Next hops and routes without those that lead by IPv6 through the devices or into their networks (each the begin
    of an address, as `fd77::`). With one next hop all go."""

    def leads(line: str) -> bool:
        return ("-6" in line.split() or ":" in line) and any(
            (word == "dev" and value in devices) or (word in _ENDS and value.startswith(tuple(networks)))
            for word, value in pairwise(line.split())
        )

    left = [route for route in routes if not leads(route)]
    if any(map(leads, nexthops)):
        return [], [route for route in left if " nhid " not in route]
    return list(nexthops), left
