"""The firewall of a namespace as rows, in the order in which a packet meets its chains.

Pure. Hooks in a packet's order; at a hook the base chains of all backends by priority, those of equal priority
last registered first; chains of type nat at the fixed place of NAT whatever their own priority (-100 before
routing, 100 after it), ordered among themselves by their own. Below a base chain come the chains that it jumps
to, each once, in the order of the jumps. Chains that nothing leads to are at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.model.firewall import Backend, BaseChain, Chain, Firewall, Rule, RuleVerdict, Table, VerdictMap
from engine.model.host import Gap
from engine.model.owner import ADMIN, owner_of_chain
from engine.model.ref import rule_name
from engine.records import dataclass, replace
from views.nat.gains import REMEMBERED, Gained, chain_path
from views.nat.words import action, condition
from views.sparkline import sparkline
from views.text import Line, Role, Span, Spans, cells, clip, fit

HOOKS = ("ingress", "prerouting", "input", "forward", "output", "postrouting", "egress")
#: Where the kernel runs the nat chains of a hook (include/uapi/linux/netfilter_ipv4.h).
NAT_PLACE = {"prerouting": -100, "output": -100, "input": 100, "postrouting": 100}

RuleKey = tuple[str, str, str, str, int]
ChainKey = tuple[str, str, str, str]
#: Cells for what a counter gained, and for its last gains as columns; and the least that a comment is shown in.
GAIN, COLUMNS, LEAST_COMMENT = 6, REMEMBERED + 1, 8
#: From this width on a row has room for the columns.
WIDE = 60


@dataclass(frozen=True, slots=True)
class ChainRow:
    """The heading of a chain. The cursor passes it over, and is put there by a packet that fell to its policy."""

    table: Table
    chain: Chain

    @property
    def key(self) -> ChainKey | None:
        """That of the chain where it has a policy."""
        return chain_path(self.table, self.chain) if self.chain.base is not None else None

    @property
    def heading(self) -> bool:
        """What follows is below it."""
        return True

    @property
    def words(self) -> str:
        """Table and chain."""
        return f"{self.table.name} {self.chain.name}"

    def spans(self, width: int) -> Spans:
        """`filter/FORWARD  xt-nft · prio 0      policy drop`; what does not fit is left out from the middle."""
        base = self.chain.base
        left = "" if base else "  ↳ "
        policy = f"policy {base.policy}" if base else ""
        name = clip(f"{self.table.name}/{self.chain.name}", width - len(left) - len(policy) - 1)
        room = width - len(left) - cells(name) - len(policy)
        note = ""
        for part in self._notes():
            longer = f"{note} · {part}" if note else f"  {part}"
            note = longer if len(longer) < room else note
        return (
            Span(left, Role.DIM),
            Span(name, Role.HEAD if base else Role.STRONG),
            Span(fit(note, room), Role.DIM),
            Span(policy, Role.WARN if base and base.policy == "drop" else Role.DIM),
        )

    def _notes(self) -> Iterator[str]:
        """IP version or family, where it is not IPv4 or both; hook, where the name does not say it; owner, backend and
        priority: the most telling first."""
        base = self.chain.base
        if self.table.family not in ("ip", "inet"):
            yield self.table.family
        if base and base.hook != self.chain.name.lower():
            yield base.hook
        if (who := owner_of_chain(self.table.name, self.chain.name, self.table.comment)) != ADMIN:
            yield who
        if base:
            yield str(self.table.backend)
            yield f"prio {base.priority}"


@dataclass(frozen=True, slots=True)
class EmptyRow:
    """Says that a chain has no rules."""

    key: None = None
    words: str = ""

    def spans(self, width: int) -> Spans:  # noqa: ARG002
        """Its one text."""
        return (Span("    no rules", Role.DIM),)


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule. `gained` is what its counter gained in the last ticks: empty where it gained nothing, None where no
    rule of the list did."""

    key: RuleKey
    backend: Backend
    rule: Rule
    gained: Sequence[int] | None = None

    @property
    def name(self) -> str:
        """The chain and the rule's number or handle there."""
        _, _, table, chain, index = self.key
        return rule_name(f"{table}/{chain}", index, self.rule.handle if self.backend is Backend.NFT else None)

    @property
    def words(self) -> str:
        """Where it is, and its own text."""
        return f"{self.name} {self.rule.text} {self.rule.comment}"

    def spans(self, width: int) -> Spans:
        """Number, condition, action, packets."""
        number = f"{self.rule.index + 1:>3} "
        packets = count(self.rule.packets) if self.rule.packets is not None else ""
        does, role = action(self.rule, self.backend)
        gained = gain_spans(self.gained, width)
        room = width - len(number) - 6 - sum(cells(span.text) for span in gained)
        meets = condition(self.rule)
        target = max(min(cells(does), max(20, room * 9 // 20, room - cells(meets) - 1)), 20 if room > 44 else 10)
        wide = max(room - target - 1, min(cells(meets), 6))
        left = wide - cells(meets) - 2
        comment = clip(self.rule.comment, left) if self.rule.comment and left >= LEAST_COMMENT else ""
        return (
            Span(number, Role.DIM),
            Span(f"{meets}  " if comment else fit(meets, wide)),
            Span(f"{fit(comment, left)} " if comment else " ", Role.DIM),
            Span(fit(does, target), role),
            Span(f"{packets:>6}", Role.DIM),
            *gained,
        )


@dataclass(frozen=True, slots=True)
class HeadRow:
    """Says what the numbers at the end of the rows are; it is above them once a counter gained something."""

    key: None = None
    words: str = ""

    def spans(self, width: int) -> Spans:
        """The heads of the last columns."""
        return (Span(("packets   new" if width < WIDE else "packets  last    new").rjust(width), Role.DIM),)


Row = HeadRow | ChainRow | RuleRow | EmptyRow


def gain_spans(gained: Sequence[int] | None, width: int) -> tuple[Span, ...]:
    """The last gains of a counter as columns, where there is room, and the last one as a number."""
    if gained is None:
        return ()
    last = f"+{count(gained[-1])}" if gained and gained[-1] else ""
    columns = sparkline(gained).rjust(COLUMNS) if width >= WIDE else ""
    return (Span(columns, Role.DIM), Span(last.rjust(GAIN), Role.TRACED))


#: What gaps about a namespace's rules are called: a backend, its sets, or everything in the namespace.
SOURCES = frozenset({*(str(backend) for backend in Backend), "ipset", "namespace"})


def gap_lines(gaps: tuple[Gap, ...], netns: str) -> list[Line]:
    """Says above the rules which of them could not be read, and why."""
    lines: list[Line] = []
    for gap in gaps:
        if gap.netns in ("", netns) and gap.source in SOURCES:
            lines.append(Line((Span(f"⚠ {gap.source} not inspected:", Role.WARN),)))
            lines.append(Line((Span(f"  {gap.reason}", Role.WARN),)))
    return lines


def rows(firewall: Firewall, only: Backend | None = None, gained: Gained | None = None) -> list[Row]:
    """All chains and rules of a namespace, or those of one backend. `gained` is what their counters gained lately."""
    if only is not None:
        firewall = replace(firewall, tables=tuple(table for table in firewall.tables if table.backend is only))
    found: list[Row] = [HeadRow()] if gained is not None else []
    done: set[tuple[Backend, str, str, str]] = set()

    def add(table: Table, chain: Chain) -> None:
        found.extend(_chain_rows(table, chain, gained))

    for table, chain, _ in sorted(_base_chains(firewall), key=_place):
        add(table, chain)
        for below in _reached(table, chain):
            if (table.backend, table.family, table.name, below.name) not in done:
                done.add((table.backend, table.family, table.name, below.name))
                add(table, below)
    for table in firewall.tables:
        for chain in table.chains:
            if chain.base is None and (table.backend, table.family, table.name, chain.name) not in done:
                add(table, chain)
    return found


def count(packets: int) -> str:
    """A counter in at most five cells.

    >>> count(42), count(1_234_567)
    ('42', '1.2M')
    """
    value = float(packets)
    for unit in ("", "k", "M", "G", "T"):
        if value < 10_000 and not unit:
            return str(packets)
        if value < 1000 and unit:
            return f"{value:.1f}{unit}" if value < 100 else f"{value:.0f}{unit}"
        value /= 1000
    return f"{value:.0f}P"


def _base_chains(firewall: Firewall) -> Iterator[tuple[Table, Chain, BaseChain]]:
    for table in firewall.tables:
        for chain in table.chains:
            if chain.base is not None:
                yield table, chain, chain.base


def _place(item: tuple[Table, Chain, BaseChain]) -> tuple[int, int, int, int]:
    _, _, base = item
    hook = HOOKS.index(base.hook) if base.hook in HOOKS else len(HOOKS)
    fixed = NAT_PLACE.get(base.hook, base.priority) if base.kind == "nat" else base.priority
    return hook, fixed, base.priority, -(base.registered or 0)


def _reached(table: Table, chain: Chain) -> Iterator[Chain]:
    """The chains below one, each followed by those below it, in the order of the jumps. Loops end."""
    by_name = {one.name: one for one in table.chains}
    seen = {chain.name}
    waiting = [chain]
    while waiting:
        current = waiting.pop()
        if current is not chain:
            yield current
        below = [name for rule in current.rules for name in _jumps(rule)]
        for name in reversed(list(dict.fromkeys(below))):
            if name not in seen and name in by_name:
                seen.add(name)
                waiting.append(by_name[name])


def _jumps(rule: Rule) -> Iterator[str]:
    for part in rule.statements:
        if isinstance(part, RuleVerdict) and part.chain:
            yield part.chain
        elif isinstance(part, VerdictMap):
            yield from (
                one.value.chain for one in part.elements if isinstance(one.value, RuleVerdict) and one.value.chain
            )


def _chain_rows(table: Table, chain: Chain, gained: Gained | None) -> list[Row]:
    where = chain_path(table, chain)
    made: list[Row] = [ChainRow(table, chain)]
    for rule in chain.rules:
        grown = None if gained is None else tuple(gained.get((*where, rule.text), ()))
        made.append(RuleRow((*where, rule.index), table.backend, rule, grown))
    return made if chain.rules else [*made, EmptyRow()]
