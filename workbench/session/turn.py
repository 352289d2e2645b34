"""One turn of the session's thread: what it has to do, what the screen shows meanwhile, and what was said last."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.model.host import Snapshot
from engine.model.verdict import Fix, Verdict
from views.verdict.ask import Ask


@dataclass
class Turn:
    """What the thread has to do next. `wishes`: fixes to carry out, None to take the last one back.

    `look` is to look now; `asked` that the question is a new one, `again` that it is to be answered for what is shown.
    """

    wishes: list[Fix | None] = field(default_factory=list)
    heard: list[Snapshot] = field(default_factory=list)
    look: bool = False
    asked: bool = False
    again: bool = False

    def __bool__(self) -> bool:
        return bool(self.wishes or self.heard or self.look or self.asked or self.again)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the screen shows: a question, a moment that is not now, and what is supposed of it."""

    ask: Ask | None
    pinned: Snapshot | None
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """The last answer of now, and the snapshot that it was given for."""

    ask: Ask
    verdict: Verdict
    snapshot: Snapshot
