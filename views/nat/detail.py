"""All about one rule: its line, where it is, whose it is, what it counted, how near it came to the packet. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.owner import owner_of_rule
from views.nat.rows import RuleRow
from views.nat.words import action, condition
from views.text import Line, Role, Span, paragraph


def rule_lines(row: RuleRow, width: int, near: str = "", flaw: str = "", met: Sequence[str] = ()) -> list[Line]:
    """The rule as lines; `near` says why it did not let the packet through, where it nearly did, `flaw` why it can
    match no packet at all, `met` which packets of the question it matched."""
    _, family, table, chain, _ = row.key
    rule = row.rule
    lines = [Line((Span(row.name, Role.HEAD), Span(f"  {row.backend} · {family}", Role.DIM)))]
    lines += [Line((Span(line, Role.CODE),)) for line in paragraph(rule.text, width, first="  ")]
    does, role = action(rule, row.backend)
    lines += [Line(()), _pair("if", condition(rule), width), _pair("does", does, width, role)]
    lines.append(_pair("owner", owner_of_rule(table, chain, rule), width))
    if rule.packets is not None:
        counted = f"{rule.packets} packets" + (f", {rule.bytes} bytes" if rule.bytes is not None else "")
        grown = f", {sum(row.gained)} of them in the last seconds" if row.gained else ""
        lines.append(_pair("counted", counted + grown, width))
    if rule.handle is not None:
        lines.append(_pair("handle", str(rule.handle), width))
    for number, packet in enumerate(met):
        lines.append(_pair("" if number else "question", packet, width, Role.TRACED))
    if near:
        lines += [Line(()), Line((Span("Near miss", Role.WARN),))]
        lines += [Line((Span(line),)) for line in paragraph(near, width, first="  but ")]
    if flaw:
        lines += [Line(()), Line((Span("Without effect", Role.WARN),))]
        lines += [Line((Span(line),)) for line in paragraph(flaw, width, first="  ")]
    return lines


def _pair(name: str, value: str, width: int, role: Role = Role.PLAIN) -> Line:
    return Line((Span(f"  {name:<9}", Role.DIM), Span(value[: max(width - 11, 8)], role)))
