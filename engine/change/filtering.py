"""Changes to what a firewall holds: rules, and elements of sets."""

from __future__ import annotations

from engine.frozen import dataclass
from engine.model.firewall import Backend, Element, Rule


@dataclass(frozen=True, slots=True)
class RulePlace:
    """Where a rule is, or will be: `index` counts from 0 in the chain."""

    netns: str
    backend: Backend
    family: str
    table: str
    chain: str
    index: int


@dataclass(frozen=True, slots=True)
class InsertRule:
    """Inserts `rule` at `place`. `words` is the rule in its tool's own syntax (iptables or nft words)."""

    place: RulePlace
    rule: Rule
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReplaceRule:
    """Puts `rule` where another one is."""

    place: RulePlace
    rule: Rule
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeleteRule:
    """Removes the rule at `place` (`rule` is the one that is there)."""

    place: RulePlace
    rule: Rule


@dataclass(frozen=True, slots=True)
class DeleteElement:
    """Takes an element out of a named set of a table of nftables, or of an ipset where `table` is empty.

    `words` is the element as its tool writes it ("10.0.0.0/8", "10.0.0.1 . 80", "10.0.0.1,tcp:80").
    """

    netns: str
    family: str
    table: str
    name: str
    element: Element
    words: str
