"""The audit of a host's rules as text, and as the JSON document `portscope.rules/1`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from itertools import groupby
from typing import Any

from engine.model.host import Snapshot
from engine.model.rule_finding import RuleFinding, RuleFlaw
from views.harmless import clean
from views.reports.answer_text import heading, labelled, paint
from views.reports.json_parts import pointer
from views.text import Role, Span, Spans

SCHEMA = "portscope.rules/1"
LABEL = 16


def render(found: Sequence[RuleFinding], width: int = 100, *, colour: bool = False, unused: bool = False) -> str:
    """The findings as text, ending in a newline; rules that have only met no packet are counted unless asked for."""
    return "".join(f"{paint(line, colour)}\n" for line in _lines(found, width, unused=unused))


def _lines(found: Sequence[RuleFinding], width: int, *, unused: bool) -> Iterator[Spans]:
    shown = [each for each in found if unused or each.flaw is not RuleFlaw.UNUSED]
    for _, alike in groupby(shown, key=_reason):
        first, *others = alike
        title = Span(str(first.flaw).ljust(LABEL - 2), Role.WARN)
        yield from heading(width, title, Span(f"owner: {clean(first.owner)}", Role.DIM))
        also = f", as {len(others)} rule{'s' if len(others) > 1 else ''} behind it" if others else ""
        where = f"{first.at.words} in {first.at.netns}"
        yield from labelled("", clean(f"{where} {first.sentence}{also}"), width, indent=2)
        if first.at.text:
            yield from labelled("", first.at.text, width, Role.CODE, indent=4)
    counted = Counter(str(each.flaw) for each in found)
    total = ", ".join(f"{count} {flaw}" for flaw, count in counted.items()) or "no finding"
    more = " (--unused lists them)" if counted[str(RuleFlaw.UNUSED)] and not unused else ""
    yield (Span(f"{total}{more}", Role.STRONG),)


def _reason(finding: RuleFinding) -> Hashable:
    """Rules that one rule takes every packet from are told together."""
    return (finding.by, "") if finding.flaw is RuleFlaw.AFTER_VERDICT else (finding.at, finding.sentence)


def dumps(snapshot: Snapshot, found: Sequence[RuleFinding]) -> str:
    """The document as text, ending in a newline."""
    return json.dumps(document(snapshot, found), indent=2) + "\n"


def document(snapshot: Snapshot, found: Sequence[RuleFinding]) -> dict[str, Any]:
    """The document as JSON types."""
    return {
        "schema": SCHEMA,
        "host": snapshot.host,
        "findings": [_row(each) for each in found],
        "gaps": [{"source": each.source, "netns": each.netns, "reason": each.reason} for each in snapshot.gaps],
    }


def _row(finding: RuleFinding) -> dict[str, Any]:
    index = finding.at.key[4] if len(finding.at.key) > 4 else None
    backend, family, table, chain = finding.at.key[:4]
    return {
        "flaw": str(finding.flaw),
        "sentence": f"{finding.at.words} in {finding.at.netns} {finding.sentence}",
        "at": pointer(finding.at)
        | {"backend": backend, "family": family, "table": table, "chain": chain, "index": index},
        "owner": finding.owner,
        "by": pointer(finding.by) if finding.by is not None else None,
    }
