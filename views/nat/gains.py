"""What the counters of rules gained in the last few ticks of a clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from engine.model.firewall import Chain, Firewall, Table

#: A rule's counter is known by backend, family, table, chain and the rule's own line: so it is the same one when other
#: rules come and go.
CounterKey = tuple[str, str, str, str, str]
Counters = Mapping[CounterKey, int]
#: Packets that a counter gained in each of the last ticks, the last one last; no entry where it gained none.
Gained = Mapping[CounterKey, Sequence[int]]
#: So many ticks are remembered.
REMEMBERED = 5


class Gains:
    """The gains of one namespace's rules."""

    def __init__(self) -> None:
        self._firewall: Firewall | None = None
        self._counted: Counters | None = None
        self._history: dict[CounterKey, deque[int]] = {}
        self._ever = False

    @property
    def gained(self) -> Gained | None:
        """What each counter gained; None as long as none ever did."""
        return self._history if self._ever else None

    def tick(self, firewall: Firewall) -> bool:
        """Keeps what was gained since the tick before. Says whether there is, or was, anything to show."""
        had = bool(self._history)
        before, now = self._counted, self._counted
        if before is None or firewall is not self._firewall:
            self._firewall, now = firewall, counters(firewall)
            self._counted = now
        assert now is not None
        grown = gains(before, now) if before is not None and before is not now else {}
        for key in {*grown, *self._history}:
            self._history.setdefault(key, deque(maxlen=REMEMBERED)).append(grown.get(key, 0))
        self._history = {key: each for key, each in self._history.items() if any(each)}
        self._ever = self._ever or bool(self._history)
        return had or bool(self._history)


def gains(before: Counters, now: Counters) -> dict[CounterKey, int]:
    """What counters gained. A rule that is new gained all of it; a counter that went back was set to zero meanwhile."""
    return {key: count - before.get(key, 0) for key, count in now.items() if count > before.get(key, 0)}


def counters(firewall: Firewall) -> Counters:
    """The packets that each rule has counted."""
    return {
        (*chain_path(table, chain), rule.text): rule.packets
        for table in firewall.tables
        for chain in table.chains
        for rule in chain.rules
        if rule.packets is not None
    }


def chain_path(table: Table, chain: Chain) -> tuple[str, str, str, str]:
    """Backend, family, table and chain by their names."""
    return str(table.backend), table.family, table.name, chain.name
