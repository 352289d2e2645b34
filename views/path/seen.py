"""What a real attempt showed of the steps of a path: a mark for each row, and the words of the one that is selected.

Pure. A proof has a row for each predicted step, in the order of the steps; what it has beside them (a rule that nobody
predicted) stands in its own table. A journey that has become another one since the attempt has no marks.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from engine.model.proof import Leg, Proof, ProofRow
from engine.model.trace import Conversation
from views.path.rows import LegKind, StepKey, legs
from views.reports.proof_text import MARKS
from views.text import Span

#: The legs of a proof by a journey and whether it is a relay's; a reset in the target's name looks like an answer.
KINDS: Mapping[tuple[LegKind, bool], tuple[Leg, ...]] = {
    (LegKind.FORWARD, False): (Leg.FORWARD,),
    (LegKind.REPLY, False): (Leg.REPLY,),
    (LegKind.ERROR, False): (Leg.ERROR, Leg.REPLY),
    (LegKind.CONFIRM, False): (Leg.CONFIRM,),
    (LegKind.FORWARD, True): (Leg.RELAYED,),
    (LegKind.REPLY, True): (Leg.RELAYED_REPLY,),
}


def seen(conversation: Conversation, shown: Proof) -> dict[StepKey, ProofRow]:
    """The proof's row of each step, by the step's key in the path."""
    left = {leg: [row for row in shown.rows if row.leg is leg and row.predicted] for leg in Leg}
    found: dict[StepKey, ProofRow] = {}
    for number, leg in enumerate(legs(conversation)):
        wanted = () if leg.lost else KINDS.get((leg.kind, leg.relayed), ())
        kind = next((each for each in wanted if left[each]), None)
        keys = [(number, place, step) for place, hop in enumerate(leg.trace.hops) for step in range(len(hop.steps))]
        if kind is not None and len(keys) <= len(left[kind]):
            found |= zip(keys, left[kind], strict=False)
            left[kind] = left[kind][len(keys) :]
    return found


def marks(rows: Mapping[StepKey, ProofRow]) -> dict[Hashable, Span]:
    """A mark of one cell for each step: ✓ as predicted, ✗ not as predicted, · nothing speaks of it."""
    return {key: Span(*MARKS[row.agree]) for key, row in rows.items()}


def words(row: ProofRow) -> str:
    """`✓ accept (rule trace)`; empty where nothing speaks of the step."""
    return f"{MARKS[row.agree][0]} {row.seen} ({row.source})" if row.seen else ""
