"""What the session's thread tells the screen. Threads post these; only handlers change widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from engine.change.differences import Difference
from engine.model.host import Snapshot
from engine.model.verdict import Fix, Verdict
from engine.model.where import Argv
from views.verdict.ask import Ask
from workbench.session.first_look import FirstLook
from workbench.session.flips import Flip

if TYPE_CHECKING:
    from engine.explain.whatif.suppose import Hypothesis
    from engine.model.board import BoardRow


class Told(Message):
    """What the app hears; which controller it is for, the app's table says."""


class Looked(Told):
    """The host was looked at, and is not as it was (or this is the first look). Counters alone are no `changed`."""

    def __init__(self, snapshot: Snapshot, changed: tuple[Difference, ...] = ()) -> None:
        super().__init__()
        self.snapshot = snapshot
        self.changed = changed


class Reading(Told):
    """How far the first look is."""

    def __init__(self, look: FirstLook) -> None:
        super().__init__()
        self.look = look


class Boarded(Told):
    """The ports of what is shown, while nothing is asked."""

    def __init__(self, rows: tuple[BoardRow, ...]) -> None:
        super().__init__()
        self.rows = rows


class Supposed(Told):
    """The model that is shown in place of the host; None with a `reason`: what was supposed does not fit the host."""

    def __init__(self, known: Hypothesis | None, reason: str = "") -> None:
        super().__init__()
        self.known = known
        self.reason = reason


class Answered(Told):
    """A question has its answer for a snapshot. `first`: the user has just asked it."""

    def __init__(self, ask: Ask, verdict: Verdict, first: bool, snapshot: Snapshot) -> None:
        super().__init__()
        self.ask = ask
        self.verdict = verdict
        self.first = first
        self.snapshot = snapshot


class Flipped(Told):
    """The answer to the same question is another one than it was before the host changed."""

    def __init__(self, flip: Flip) -> None:
        super().__init__()
        self.flip = flip


class Unanswerable(Told):
    """A question cannot be asked of this host; `reason` is one line that says what to do.

    `first`: the user has just asked it; else it could be asked before the host changed.
    """

    def __init__(self, ask: Ask, reason: str, first: bool) -> None:
        super().__init__()
        self.ask = ask
        self.reason = reason
        self.first = first


class Changed(Told):
    """A fix was carried out (`done`) or taken back, by these commands; None: there was none to take back."""

    def __init__(self, fix: Fix | None, commands: tuple[Argv, ...], *, done: bool) -> None:
        super().__init__()
        self.fix = fix
        self.commands = commands
        self.done = done


class Unchanged(Told):
    """A fix could not be carried out, or not be taken back whole; `reason` says what is left."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class Trouble(Told):
    """Looking or answering failed. The screen says so and keeps what it shows. Empty: all is well again.

    `stale`: the source cannot be looked at, and may be another one by now.
    """

    def __init__(self, reason: str, *, stale: bool = False) -> None:
        super().__init__()
        self.reason = reason
        self.stale = stale
