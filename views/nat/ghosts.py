"""Rules that are supposed to be gone, shown where they were. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.firewall import Rule
from engine.model.where import RulePlace
from engine.records import dataclass
from views.nat.rows import ChainRow, Row, RuleRow
from views.nat.words import condition
from views.text import Role, Span, Spans, fit

WORD = "off"


@dataclass(frozen=True, slots=True)
class GhostRow:
    """A rule that is supposed to be gone; `number` is that of the supposition."""

    number: int
    rule: Rule

    @property
    def key(self) -> tuple[str, int]:
        """That of the supposition."""
        return "ghost", self.number

    @property
    def words(self) -> str:
        """The rule's own text."""
        return f"{self.rule.text} {self.rule.comment}"

    def spans(self, width: int) -> Spans:
        """A minus in place of the number, and that it is off."""
        room = max(width - 4 - len(WORD) - 1, 4)
        return (
            Span("  − ", Role.WARN),
            Span(fit(condition(self.rule), room) + " ", Role.DIM),
            Span(WORD, Role.WARN),
        )


#: Where a rule was when it was taken out, and which supposition did that.
Ghost = tuple[int, RulePlace, Rule]


def with_ghosts(rows: Sequence[Row], ghosts: Sequence[Ghost]) -> list[Row | GhostRow]:
    """The rows with those rules back in, which were taken out one after the other."""
    found: list[Row | GhostRow] = list(rows)
    for number, place, rule in reversed(ghosts):  # the last one back first: each place is that of before it was gone
        start = next((at for at, row in enumerate(found) if isinstance(row, ChainRow) and _is(row, place)), None)
        if start is not None:
            at = start + 1 + place.index
            if at < len(found) and not isinstance(found[at], ChainRow | RuleRow | GhostRow):
                del found[at]  # said that the chain has no rules
            found.insert(at, GhostRow(number, rule))
    return found


def _is(row: ChainRow, place: RulePlace) -> bool:
    table = row.table
    return (table.backend, table.family, table.name, row.chain.name) == (
        place.backend,
        place.family,
        place.table,
        place.chain,
    )
