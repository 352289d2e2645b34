"""A blocker: what stops a packet, with the ways to mend it that are worth trying.

Diagnosis proposes blockers from the failing step; only trying their remedies on the model tells which of them
is the cause (`search`). A blocker without remedies is one that no change of this host can mend.
"""

from __future__ import annotations

from engine.catalogue import CODES
from engine.model.plan import Change
from engine.model.ref import Ref
from engine.model.verdict import NearMiss
from engine.records import dataclass

#: A remedy about many flows (deleting a rule, taking back a ban of a network) weighs as much as so many narrow ones.
WIDE = 3


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way to mend a blocker.

    `manual` marks a change that no command on the host can make; `fallback` one that is only worth
    offering where the ones before it do not help (it does the same, with more effect). `cost` weighs a remedy
    that does more than the question needs (deleting a rule about many flows) against so many narrow ones.
    """

    title: str
    changes: tuple[Change, ...]
    manual: bool = False
    fallback: bool = False
    cost: int = 1


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
