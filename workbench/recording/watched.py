"""Watched questions: each is answered at every change that can matter to it, and a flip is said, kept and acted upon.

A change that the last walk cannot have met is not walked (`engine.explain.survey.met`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from engine.change.differences import Difference
from engine.explain import ask
from engine.explain.question import resolve
from engine.explain.survey.flip import Ending
from engine.explain.survey.met import Endings, differing
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.verdict import Question, Reach
from engine.records import dataclass
from views.reports import answer_json
from workbench.session.flips import MARKS, FlipCause, flipping


@dataclass(frozen=True, slots=True)
class Told:
    """A flip of a watched question: its words, answers before and after in words, and the answer as JSON."""

    ask: str
    at: str
    before: str
    after: str
    cause: FlipCause
    document: str

    def __str__(self) -> str:
        return f"{self.ask}: {self.after}: {self.cause.words}"


class Watched:
    """One question, asked of snapshot after snapshot."""

    def __init__(self, target: str, source: str, protocol: Protocol = Protocol.TCP) -> None:
        self._words = target, source, protocol
        self.name = f"{target} from {source}" + ("" if protocol is Protocol.TCP else f" ({protocol})")
        self._endings = Endings(self._asked)
        self._walked: Snapshot | None = None
        self._before: Snapshot | None = None
        self.ending: Ending = None

    def _asked(self, snapshot: Snapshot) -> Question:
        target, source, protocol = self._words
        return resolve(snapshot, target, source, protocol)

    def look(self, snapshot: Snapshot, changed: Sequence[Difference]) -> Told | None:
        """Asks a snapshot; gives the flip, if the answer is another one than that of the one before."""
        before, self._before = self._before, snapshot
        if self._walked is not None and not self._endings.met(differing(self._walked, snapshot)):
            return None
        last, self.ending = self.ending, self._endings.of(snapshot)
        self._walked = snapshot
        if before is None or last == self.ending:
            return None
        cause = flipping((before, snapshot), changed, self._asked)
        return Told(
            self.name,
            snapshot.taken_at,
            words(last),
            words(self.ending),
            cause,
            self._document(snapshot, changed, cause),
        )

    def _document(self, snapshot: Snapshot, changed: Sequence[Difference], cause: FlipCause) -> str:
        document = {"schema": answer_json.SCHEMA, "reach": None}
        if self.ending is not None:
            document = answer_json.document(ask(snapshot, self._asked(snapshot)))
        came = {"at": snapshot.taken_at, "changed": [str(each) for each in changed]}
        return json.dumps({**document, **came, "flipped_by": cause.changed if not cause.among else ()}) + "\n"


def words(ending: Ending) -> str:
    """`✗ not reachable, timeout`."""
    if ending is None:
        return "? cannot be asked"
    reach, symptom = ending
    return MARKS[reach] + ("" if reach is Reach.YES else f", {symptom}")
