"""What the words of a rule need to be understood."""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.firewall import Match, NamedSet
from engine.observe.firewall.xt.words import Option
from engine.records import dataclass, field


@dataclass(frozen=True, slots=True)
class XtContext:
    """The family ("ip", "ip6") and the ipsets by name."""

    family: str
    ipsets: Mapping[str, NamedSet] = field(default_factory=dict)
    #: Matches that were built already: equal options become the same value.
    built: dict[Option, Match | None] = field(default_factory=dict, init=False, compare=False)
