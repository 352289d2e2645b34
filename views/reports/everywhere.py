"""The same question from every vantage point: a table for people, `portscope.why-all/1` for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from engine.model.source_range import SourceRange, SourceRanges
from engine.model.verdict import Reach, Verdict
from views.harmless import clean
from views.reports import answer_json
from views.text import in_columns

SCHEMA = "portscope.why-all/1"

SIGNS: dict[Reach, str] = {Reach.YES: "✓", Reach.NO: "✗", Reach.DEPENDS: "?"}

#: A vantage point's name, and the answer from there.
Answers = Sequence[tuple[str, Verdict]]
Ranges = Sequence[SourceRanges]
#: So many ranges are listed, and so many networks of each.
MOST_RANGES, MOST_NETWORKS = 8, 4


def dumps(answers: Answers, ranges: Ranges = ()) -> str:
    """The document as text, ending in a newline."""
    documents = [{"vantage": name, **answer_json.document(verdict)} for name, verdict in answers]
    whole = {"schema": SCHEMA, "answers": documents, "ranges": [_document(each) for each in ranges]}
    return json.dumps(whole, indent=2) + "\n"


def render(answers: Answers, ranges: Ranges = ()) -> str:
    """A row for each vantage point: sign, name, target, symptom, and the first cause with its place; then the ranges of
    addresses beyond each uplink."""
    lines = list(in_columns([_row(name, verdict) for name, verdict in answers]))
    for each in ranges:
        lines += ["", f"from outside, via {clean(each.device)}, by source address:", *_range_lines(each)]
    return "\n".join(lines) + "\n"


def _range_lines(found: SourceRanges) -> Iterator[str]:
    rows = []
    for number, each in enumerate(found.ranges[:MOST_RANGES]):
        words = f"all {'others' if len(found.ranges) > 1 else 'addresses'}" if number == 0 else _networks(each)
        count = f"{_many(each.addresses)} address{'es' * (each.addresses != 1)}"
        symptom = "" if each.cell.reach is Reach.YES else f"{each.cell.symptom}  {each.cell.ends}"
        rows.append((f"  {SIGNS[each.cell.reach]}", words, count, clean(symptom)))
    yield from in_columns(rows)
    rest = found.ranges[MOST_RANGES:]
    if rest:
        many = _many(sum(each.addresses for each in rest))
        yield f"  and {len(rest)} more ranges with {many} addresses (--json lists them)"
    if found.left_out:
        yield f"  {_many(found.left_out)} addresses were not asked from: too many rules and sets name addresses"
    if not found.exact:
        yield "  not exact: a rule compares addresses under a mask that is no prefix"


def _many(number: int) -> str:
    """A count of addresses: of IPv4 in digits, of IPv6 as a power of two."""
    return f"{number:,}" if number <= 1 << 32 else f"about 2^{number.bit_length() - 1}"


def _networks(found: SourceRange) -> str:
    """The first networks, single addresses without their length."""
    words = [str(each).removesuffix(f"/{each.max_prefixlen}") for each in found.networks[:MOST_NETWORKS]]
    return ", ".join(words) + (" …" if len(found.networks) > MOST_NETWORKS else "")


def _document(found: SourceRanges) -> dict[str, object]:
    return {
        "device": found.device,
        "exact": found.exact,
        "left_out": found.left_out,
        "sources": [
            {
                "reach": str(each.cell.reach),
                "symptom": str(each.cell.symptom),
                "ends": each.cell.ends,
                "addresses": each.addresses,
                "networks": [str(network) for network in each.networks],
            }
            for each in found.ranges
        ],
    }


def _row(name: str, verdict: Verdict) -> tuple[str, str, str, str, str]:
    question = verdict.question
    cause = verdict.causes[0] if verdict.causes else None
    why = f"{cause.code} at {cause.at.name or cause.at.text} in {cause.at.netns}" if cause else ""
    sign = SIGNS[verdict.reach]
    return sign, clean(name), clean(question.end), str(verdict.symptom), clean(why)
