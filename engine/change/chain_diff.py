"""What changes do to chains of the firewall, as lines with a sign: what goes, what comes, and what is around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from engine.change import applied
from engine.change.chain_policy import SetPolicy
from engine.change.rule import DeleteRule, InsertRule, ReplaceRule
from engine.model.firewall import Chain, Rule
from engine.model.host import Snapshot
from engine.model.plan import Change, StaleChange
from engine.model.where import RulePlace
from engine.records import dataclass, replace

#: So many lines that stay are shown before and after one that does not.
AROUND = 2


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a chain. `sign` is "-", "+" or " "; `number` counts from 1 in the chain that has the line (the new one,
    but for what goes); 0 is the policy."""

    sign: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class ChainDiff:
    """What becomes of a chain of a namespace."""

    netns: str
    name: str
    lines: tuple[DiffLine, ...]


def chain_diffs(snapshot: Snapshot, changes: Sequence[Change]) -> tuple[ChainDiff, ...]:
    """The chains that the changes are about, in order; () where they do not fit the snapshot."""
    places = (
        change.place for change in changes if isinstance(change, InsertRule | DeleteRule | ReplaceRule | SetPolicy)
    )
    chains = dict.fromkeys(replace(place, index=0) for place in places)
    try:
        after = applied(snapshot, changes) if chains else snapshot
    except (StaleChange, NotImplementedError):
        return ()
    found = (ChainDiff(at.netns, f"{at.table}/{at.chain}", tuple(_lines(snapshot, after, at))) for at in chains)
    return tuple(each for each in found if each.lines)


def _lines(before: Snapshot, after: Snapshot, place: RulePlace) -> Iterator[DiffLine]:
    old, new = _chain(before, place), _chain(after, place)
    if (was := _policy(old)) != (becomes := _policy(new)):
        yield from (DiffLine("-", 0, was),) if was else ()
        yield from (DiffLine("+", 0, becomes),) if becomes else ()
    gone, come = _rules(old), _rules(new)
    matched = SequenceMatcher(None, [rule.text for rule in gone], [rule.text for rule in come], autojunk=False)
    for group in matched.get_grouped_opcodes(AROUND):
        for tag, low, high, start, end in group:
            if tag == "equal":
                yield from _signed(" ", come[start:end], start)
            else:
                yield from _signed("-", gone[low:high], low)
                yield from _signed("+", come[start:end], start)


def _signed(sign: str, rules: Iterable[Rule], start: int) -> Iterator[DiffLine]:
    return (DiffLine(sign, number, rule.text) for number, rule in enumerate(rules, start + 1))


def _chain(snapshot: Snapshot, place: RulePlace) -> Chain | None:
    table = snapshot.by_id[place.netns].firewall.table(place.backend, place.family, place.table)
    return table.chain(place.chain) if table is not None else None


def _policy(chain: Chain | None) -> str:
    return f"policy {chain.base.policy}" if chain is not None and chain.base is not None else ""


def _rules(chain: Chain | None) -> tuple[Rule, ...]:
    return tuple(chain.rules) if chain is not None else ()
