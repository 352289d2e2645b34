"""The rules of a long chain that can hold for a packet, found by what they ask of it instead of one by one.

A rule is filed under the first plain condition on an address or a port with one value (`-d 10.96.0.1`, `--dport 80`)
that stands before anything it does. A packet with another value there would leave the rule without a trace, so it is
passed over. All other rules are always tried, and the order stays that of the chain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from engine.model.firewall import Chain, Interval, Match, Rule
from engine.path.fields.table import read
from engine.path.lookup.view import View

#: What rules are filed under. Nothing that a chain does changes one of these.
KEYS = frozenset(
    f"{head} {part}"
    for head, parts in (
        ("ip", ("saddr", "daddr")),
        ("ip6", ("saddr", "daddr")),
        *((protocol, ("sport", "dport")) for protocol in ("tcp", "udp", "sctp", "th")),
    )
    for part in parts
)
#: Shorter chains are quicker to go through than to file.
LONG = 24

Filed = dict[object, list[int]]


class Chains:
    """The long chains of a world, each filed once and only where a packet comes by."""

    def __init__(self) -> None:
        self._filed: dict[int, tuple[Chain, dict[str, Filed], list[int]]] = {}

    def rules(self, chain: Chain, view: View) -> Sequence[Rule]:
        """The rules of the chain that can hold for the packet, in order."""
        if len(chain.rules) < LONG:
            return chain.rules
        found = self._filed.get(id(chain))
        if found is None:
            found = self._filed[id(chain)] = (chain, *_file(chain))
        _, by_field, places = found
        for name, filed in by_field.items():
            places = places + filed.get(read(name, view), [])
        return tuple(chain.rules[place] for place in sorted(places))


def _file(chain: Chain) -> tuple[dict[str, Filed], list[int]]:
    """Places by field and value, and those of the rules that are always tried."""
    by_field: dict[str, Filed] = defaultdict(lambda: defaultdict(list))
    rest: list[int] = []
    for place, rule in enumerate(chain.rules):
        key = _key(rule)
        (by_field[key[0]][key[1]] if key else rest).append(place)
    return {name: dict(filed) for name, filed in by_field.items()}, rest


def _key(rule: Rule) -> tuple[str, int] | None:
    for statement in rule.statements:
        if not isinstance(statement, Match):
            return None
        if len(statement.fields) == len(statement.elements) == 1 and not statement.negate and not statement.lookup:
            field, (atom,) = statement.fields[0], statement.elements[0]
            plain = isinstance(atom, Interval) and atom.low == atom.high
            if field.name in KEYS and field.mask is None and plain:
                return field.name, atom.low  # type: ignore[union-attr]
    return None
