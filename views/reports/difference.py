"""What differs between two snapshots, as words and as the JSON document `portscope.diff/1`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from engine.change.differences import Difference
from engine.model.verdict import Verdict
from engine.records import dataclass
from views.harmless import clean
from views.reports import answer_json
from views.verdict.outline import HEADLINES, question_text

SCHEMA = "portscope.diff/1"

#: What comes and goes by itself on a host that nobody touches.
PASSING = frozenset({"neighbour"})
#: Namespaces that a summary names.
MOST_NAMED = 4

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's answers before and after; None where it could not be asked. `by` are the changes that flip it.

    `searched` is false where there are too many changes to try, or where no part of them alone leads there.
    """

    before: Verdict | None
    after: Verdict | None
    flipped: bool
    by: tuple[Difference, ...]
    searched: bool


def render(found: Sequence[Difference], asked: Asked | None, *, everything: bool = False) -> str:
    """The question's answers and what flipped them, a summary, then the changes by what they are about."""
    return "".join(f"{line}\n" for line in _lines(found, asked, everything=everything))


def _lines(found: Sequence[Difference], asked: Asked | None, *, everything: bool) -> Iterator[str]:
    if asked is not None:
        yield from _answers(asked)
    if not found:
        yield "no difference affects packets"
        return
    shown = [one for one in found if everything or one.what not in PASSING]
    yield _summary(found)
    for what, alike in groupby(sorted(shown, key=lambda one: one.what), key=lambda one: one.what):
        yield f"{what}:"
        yield from (f"  {clean(str(one).removeprefix(f'{what} '))}" for one in alike)
    if len(shown) < len(found):
        yield f"{len(found) - len(shown)} neighbour entries, which come and go by themselves: --all"


def _answers(asked: Asked) -> Iterator[str]:
    yield f"before  {_headline(asked.before)}"
    yield f"after   {_headline(asked.after)}"
    if not asked.flipped:
        yield "the answer is the same"
    elif not asked.searched:
        yield "the answer flips; none of the tried sets of changes explains it"
    else:
        yield "the answer flips because of"
        yield from (f"  {clean(str(one))}" for one in asked.by)
    yield ""


def _summary(found: Sequence[Difference]) -> str:
    """`12 changes: 8 rule, 2 route, 2 neighbour; in host, web`."""
    counted = ", ".join(f"{count} {what}" for what, count in Counter(one.what for one in found).most_common())
    places = list(dict.fromkeys(clean(one.netns) for one in found if one.netns))
    more = f" and {len(places) - MOST_NAMED} more" if len(places) > MOST_NAMED else ""
    where = f"; in {', '.join(places[:MOST_NAMED])}{more}" if places else ""
    return f"{len(found)} change{'s' if len(found) > 1 else ''}: {counted}{where}"


def _headline(verdict: Verdict | None) -> str:
    if verdict is None:
        return "this question does not fit the snapshot"
    words, _ = HEADLINES[verdict.reach]
    return f"{words.lower()}  {clean(question_text(verdict))}  {verdict.symptom}"


def dumps(found: Sequence[Difference], asked: Asked | None) -> str:
    """The document as text, ending in a newline."""
    return json.dumps(document(found, asked), indent=2) + "\n"


def document(found: Sequence[Difference], asked: Asked | None) -> Json:
    """The document as JSON types."""
    return {
        "schema": SCHEMA,
        "changes": [_change(one) for one in found],
        "why": None
        if asked is None
        else {
            "before": answer_json.document(asked.before) if asked.before else None,
            "after": answer_json.document(asked.after) if asked.after else None,
            "flipped": asked.flipped,
            "flipped_by": [_change(one) for one in asked.by] if asked.searched else None,
        },
    }


def _change(one: Difference) -> Json:
    return {
        "how": str(one.how),
        "what": one.what,
        "name": one.name,
        "netns": one.netns or None,
        "detail": one.detail or None,
        "text": str(one),
    }
