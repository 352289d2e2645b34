"""Whether every packet of a rule is matched by an earlier rule of its chain, which ends the packet's way there.

Exact for conditions on values: an earlier condition holds whenever the later rule's does, if their fields are the same
and the later one's values lie within (for `!`, outside of) the earlier one's. Anything else is taken not to be covered:
a rate, a random choice, a set by name that differs, a field that a rule in between can change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from engine.model.firewall import (
    Chain,
    Field,
    Interval,
    Match,
    Name,
    Nat,
    Note,
    Queue,
    Reject,
    Rule,
    RuleVerdict,
    Statement,
    Table,
    VerdictKind,
)
from engine.model.statement import Element

#: Verdicts after which the rules behind are not evaluated for the packet.
ENDING = frozenset({VerdictKind.ACCEPT, VerdictKind.DROP, VerdictKind.RETURN, VerdictKind.GOTO})
#: Fields that a rule between two others can change.
CHANGING = ("meta mark", "ct mark", "ip dscp", "ip6 dscp", "ip ttl", "ip6 hoplimit", "meta priority")
#: How fields are called that no module of ours reads, among them rates, lists and chances.
UNMODELLED = ("xt ", "nft ")
#: So many pairs of rules of one chain are compared.
MOST_PAIRS = 400_000
#: Of so many conditions every choice of some is looked up.
MOST_PARTS = 6

Key = tuple[object, ...]


class Ends:
    """Which rules of a table end a packet's way through their chain."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: dict[str, bool] = {}

    def rule(self, rule: Rule) -> bool:
        """Whether a packet that matches goes no further in this chain."""
        return any(self._statement(each) for each in rule.statements)

    def _statement(self, statement: Statement) -> bool:
        if isinstance(statement, RuleVerdict):
            jumps = statement.kind is VerdictKind.JUMP and statement.chain is not None
            return statement.kind in ENDING or (jumps and self._chain(statement.chain or ""))
        if isinstance(statement, Nat):
            return self._translates_all(statement)
        return isinstance(statement, Reject | Queue)

    def _translates_all(self, statement: Nat) -> bool:
        """A map lacks values for some packets; an address in a table of both IP versions is for its own alone."""
        return not statement.fields and (self._table.family != "inet" or statement.value.low is None)

    def _chain(self, name: str) -> bool:
        """Whether no packet comes back from a chain: a rule of it ends every packet, and does not return it."""
        if name not in self._known:
            self._known[name] = False  # a jump in a circle comes to no end here
            chain = self._table.chain(name)
            self._known[name] = chain is not None and self._never_returns(chain)
        return self._known[name]

    def _never_returns(self, chain: Chain) -> bool:
        for rule in chain.rules:
            if any(isinstance(each, RuleVerdict) and each.kind is VerdictKind.RETURN for each in rule.statements):
                return False
            if plain(rule) and not any(isinstance(each, Match) for each in rule.statements) and self.rule(rule):
                return True
        return False


def plain(rule: Rule) -> bool:
    """Whether a rule is applied by the values of its conditions alone."""
    return all(_is_plain(each) for each in rule.statements)


def _is_plain(statement: Statement) -> bool:
    if isinstance(statement, Match):
        return statement.lookup is None and all(map(_is_value, statement.fields))
    if isinstance(statement, Note):
        return True
    return isinstance(statement, RuleVerdict | Nat | Reject | Queue)


def _is_value(field: Field) -> bool:
    """Whether a field is a packet's own: not one that chance, a rate, or a module that is not modelled decides."""
    return field.name not in CHANGING and not field.name.startswith(UNMODELLED)


def conditions(rule: Rule) -> list[Match]:
    """The conditions of a rule."""
    return [each for each in rule.statements if isinstance(each, Match)]


def covered(chain: Chain, ends: Ends) -> Iterator[tuple[Rule, Rule]]:
    """Each rule of a chain that an earlier one covers, with that one."""
    exact: dict[Key, Rule] = {}
    wide: dict[frozenset[Key], list[Rule]] = {}
    pairs = 0
    for rule in chain.rules:
        asked = conditions(rule)
        parts = frozenset(map(_fields, asked))
        before = _same(exact, asked)
        for about in wide if before is None and pairs < MOST_PAIRS else ():
            if about <= parts:
                pairs += len(wide[about])
                before = before or next((each for each in wide[about] if covers(conditions(each), asked)), None)
        if before is not None:
            yield rule, before
        elif plain(rule) and ends.rule(rule):
            key = _key(asked)
            if key is not None:
                exact.setdefault(key, rule)
            else:
                wide.setdefault(parts, []).append(rule)


def covers(earlier: Sequence[Match], later: Sequence[Match]) -> bool:
    """Whether all of the earlier conditions hold wherever all of the later ones do."""
    return all(any(_implies(each, condition) for each in later) for condition in earlier)


def _implies(later: Match, earlier: Match) -> bool:
    if _fields(later) != _fields(earlier) or later.lookup is not None or earlier.lookup is not None:
        return False
    if not earlier.negate:
        return not later.negate and all(_within(each, earlier.elements) for each in later.elements)
    if later.negate:
        return all(_within(each, later.elements) for each in earlier.elements)
    return all(not _meets(one, other) for one in later.elements for other in earlier.elements)


def _fields(match: Match) -> Key:
    return tuple((field.name, field.mask) for field in match.fields)


def _within(element: Element, others: Iterable[Element]) -> bool:
    return any(all(_inside(one, other) for one, other in zip(element, each, strict=True)) for each in others)


def _inside(one: Interval | Name, other: Interval | Name) -> bool:
    if isinstance(one, Interval) and isinstance(other, Interval):
        return other.low <= one.low and one.high <= other.high
    if isinstance(one, Name) and isinstance(other, Name):
        start = other.pattern.removesuffix("*")
        return one == other or (other.pattern.endswith("*") and one.pattern.startswith(start))
    return False


def _meets(one: Element, other: Element) -> bool:
    """Whether some value is in both; names are taken to meet where one is a pattern."""
    return all(_overlap(mine, yours) for mine, yours in zip(one, other, strict=True))


def _overlap(one: Interval | Name, other: Interval | Name) -> bool:
    if isinstance(one, Interval) and isinstance(other, Interval):
        return one.low <= other.high and other.low <= one.high
    if isinstance(one, Name) and isinstance(other, Name):
        return one == other or one.pattern.endswith("*") or other.pattern.endswith("*")
    return True


def _key(asked: Sequence[Match]) -> Key | None:
    """The conditions as a key, where each is one single value: thousands of bans of one address each are looked up."""
    parts: dict[Key, Key] = {}
    for match in asked:
        if match.negate or match.lookup is not None or len(match.elements) != 1:
            return None
        for atom in match.elements[0]:
            if isinstance(atom, Interval) and atom.low != atom.high:
                return None
            if isinstance(atom, Name) and atom.pattern.endswith("*"):
                return None
        parts[_fields(match)] = match.elements[0]
    return tuple(sorted(parts.items(), key=repr)) if asked else None


def _same(exact: Mapping[Key, Rule], asked: Sequence[Match]) -> Rule | None:
    """An earlier rule about single values, all of which the later one asks for: the same, or fewer of them."""
    key = _key(asked)
    if key is None or not exact:
        return None
    sizes = range(len(key), 0, -1) if len(key) <= MOST_PARTS else (len(key), len(key) - 1)
    fewer = (each for size in sizes for each in combinations(key, size))
    return next((exact[each] for each in fewer if each in exact), None)
