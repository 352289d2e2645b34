"""A blocker: what stops a packet, with the ways to mend it that are worth trying.

Diagnosis proposes blockers from the failing step; only trying their remedies on the model tells which of them
is the cause (`search`). A blocker without remedies is one that no change of this host can mend.
"""

from __future__ import annotations

from engine.catalogue import CODES
from engine.model.plan import Change
from engine.model.ref import Ref
from engine.model.verdict import Cause, FixKind, NearMiss
from engine.records import dataclass

#: A remedy about many flows (deleting a rule, taking back a ban of a network) weighs as much as so many narrow ones.
WIDE = 3


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way to mend a blocker."""

    title: str
    changes: tuple[Change, ...]
    #: No command on the host can make it.
    manual: bool = False
    #: Only worth offering where the ones before it do not help: it does the same, with more effect.
    fallback: bool = False
    #: Weighs what does more than the question needs (deleting a rule about many flows) against so many narrow ones.
    cost: int = 1
    #: Whose it is, where the changes do not say so.
    kind: FixKind | None = None
    #: It is what the expert does here, and comes first whatever else it opens: a network that is joined as the engine
    #: means it, rather than a hole in the isolation of two.
    meant: bool = False


@dataclass(frozen=True, slots=True)
class Blocker:
    """A possible cause: its stable code, sentence, place, owner and evidence; remedies in order of preference.
    `settled` is why it needs none, as in `Cause`."""

    code: str
    sentence: str
    at: Ref
    remedies: tuple[Remedy, ...] = ()
    owner: str = "admin"
    evidence: tuple[str, ...] = ()
    near_misses: tuple[NearMiss, ...] = ()
    settled: str = ""

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"the code {self.code} is not in the catalogue")

    @property
    def cause(self) -> Cause:
        """As a cause without fixes."""
        return Cause(
            self.code, self.sentence, self.at, self.owner, self.evidence, self.near_misses, settled=self.settled
        )
