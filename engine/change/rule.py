"""Rules of a firewall.

1. A command names its backend: `iptables-nft` and `iptables-legacy` always mean what they say, where plain `iptables`
   is whichever of the two the host's alternatives point at.
2. A rule is deleted by its specification, never by its number: another program may have inserted a rule since, and
   `-D CHAIN 3` would then remove a stranger's; `-D CHAIN SPEC` removes that rule or fails. Of two equal rules the first
   is removed, which is the one that decides. In nftables the handle does the same service: it is never given to
   another rule of the table.
3. A position is used where only a position can say it: where to insert, and what to replace.

Sources: iptables(8), nft(8).
"""

from __future__ import annotations

from collections.abc import Callable

from engine.change.consequences.built_in_chains import with_built_in
from engine.change.words import rule_spec
from engine.model.firewall import XT_PROGRAMS, XT_SUFFIX, Backend, Chain, Rule, Table
from engine.model.host import Snapshot
from engine.model.plan import Change, StaleChange
from engine.model.where import Argv, Argvs, RulePlace, Where
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class InsertRule(Change):
    """Inserts `rule` at `place`. `words` is the rule in its tool's own syntax (iptables or nft words)."""

    place: RulePlace
    rule: Rule
    words: tuple[str, ...]

    def argv(self, where: Where) -> Argvs:
        """`iptables -I`; `nft insert` before the rule that is there, `nft add` at the end."""
        place = self.place
        if place.backend is not Backend.NFT:
            return ((*xt_command(place, where), "-I", place.chain, str(place.index + 1), *self.words),)
        if place.index == 0:
            return ((*_nft(place, where, "insert"), *self.words),)
        there = where.rules(place)
        if there is None:
            return ((*_nft(place, where, "insert"), "index", str(place.index), *self.words),)
        if place.index >= len(there):
            return ((*_nft(place, where, "add"), *self.words),)
        return ((*_nft(place, where, "insert"), *_handle(place, None, where), *self.words),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The rules from the place on move by one."""
        return _edited(snapshot, self.place, lambda rules: rules.insert(self.place.index, self.rule))

    def inverse(self, before: Snapshot | None = None) -> Change | None:  # noqa: ARG002
        """Deletes it."""
        return DeleteRule(self.place, self.rule)


@dataclass(frozen=True, slots=True)
class ReplaceRule(Change):
    """Puts `rule` where another one is. `words` is the rule in its tool's own syntax."""

    place: RulePlace
    rule: Rule
    words: tuple[str, ...]

    def argv(self, where: Where) -> Argvs:
        """`iptables -R`, `nft replace`."""
        place = self.place
        if place.backend is not Backend.NFT:
            return ((*xt_command(place, where), "-R", place.chain, str(place.index + 1), *self.words),)
        return ((*_nft(place, where, "replace"), *_handle(place, self.rule, where), *self.words),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The rule at the place, whatever it says, is another one."""

        def edit(rules: list[Rule]) -> None:
            if self.place.index >= len(rules):
                raise StaleChange(f"{self.place.chain} has no rule {self.place.index}")
            rules[self.place.index] = self.rule

        return _edited(snapshot, self.place, edit)

    def inverse(self, before: Snapshot | None = None) -> Change | None:
        """Puts the old rule back."""
        if before is None:
            return None
        place = self.place
        table = before.by_id[place.netns].firewall.table(place.backend, place.family, place.table)
        chain = table.chain(place.chain) if table else None
        if chain is None or place.index >= len(chain.rules):
            return None
        old = chain.rules[place.index]
        return ReplaceRule(place, old, words_of(old, place))


@dataclass(frozen=True, slots=True)
class DeleteRule(Change):
    """Removes the rule at `place` (`rule` is the one that is there)."""

    place: RulePlace
    rule: Rule

    def argv(self, where: Where) -> Argvs:
        """`iptables -D CHAIN SPEC`, `nft delete rule … handle`."""
        place = self.place
        if place.backend is not Backend.NFT:
            return ((*xt_command(place, where), "-D", place.chain, *rule_spec(self.rule, place.chain)),)
        return ((*_nft(place, where, "delete"), *_handle(place, self.rule, where)),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The rule that says the same is removed, the one at the place before others."""

        def edit(rules: list[Rule]) -> None:
            del rules[_position(rules, self.place, self.rule.text)]

        return _edited(snapshot, self.place, edit)

    def inverse(self, before: Snapshot | None = None) -> Change | None:  # noqa: ARG002
        """Inserts it again."""
        return InsertRule(self.place, self.rule, words_of(self.rule, self.place))


def words_of(rule: Rule, place: RulePlace) -> Argv:
    """A rule that is there in the words that its tool takes to insert it."""
    return (rule.text,) if place.backend is Backend.NFT else rule_spec(rule, place.chain)


def xt_command(place: RulePlace, where: Where) -> Argv:
    """The program and table of iptables' own for a place, in its namespace."""
    wait = ("-w",) if place.backend is Backend.XT_LEGACY and place.family in ("ip", "ip6") else ()
    program = f"{XT_PROGRAMS[place.family]}-{XT_SUFFIX[place.backend]}"
    return (*where.enter(place.netns), program, *wait, "-t", place.table)


def _nft(place: RulePlace, where: Where, verb: str) -> Argv:
    return (*where.enter(place.netns), "nft", verb, "rule", place.family, place.table, place.chain)


def _handle(place: RulePlace, rule: Rule | None, where: Where) -> Argv:
    """`handle H` of a rule: its own, or that of the rule which is at the place now."""
    if rule is not None and rule.handle is not None:
        return ("handle", str(rule.handle))
    there = where.rules(place) or ()
    if place.index < len(there) and (handle := there[place.index].handle) is not None:
        return ("handle", str(handle))
    raise ValueError(f"rule {place.index} of {place.family} {place.table} {place.chain} has no handle")


def _edited(snapshot: Snapshot, place: RulePlace, edit: Callable[[list[Rule]], None]) -> Snapshot:
    """The snapshot with the rules of one chain edited."""
    netns = snapshot.by_id[place.netns]

    def in_chain(chain: Chain) -> Chain:
        rules = list(chain.rules)
        edit(rules)
        numbered = (rule if rule.index == at else replace(rule, index=at) for at, rule in enumerate(rules))
        return replace(chain, rules=tuple(numbered))

    def in_table(table: Table) -> Table:
        if (table.backend, table.family, table.name) != (place.backend, place.family, place.table):
            return table
        chains = tuple(in_chain(chain) if chain.name == place.chain else chain for chain in table.chains)
        return replace(table, chains=chains)

    known = with_built_in(netns.firewall, place)
    firewall = replace(known, tables=tuple(in_table(table) for table in known.tables))
    return snapshot.with_netns(replace(netns, firewall=firewall))


def _position(rules: list[Rule], place: RulePlace, text: str) -> int:
    """Where a rule is: at its place, or elsewhere in the chain after other rules were added or removed."""
    if place.index < len(rules) and rules[place.index].text == text:
        return place.index
    for number, rule in enumerate(rules):
        if rule.text == text:
            return number
    raise StaleChange(f"{place.chain} has no rule {text!r}")
