"""What the session's thread tells the screen. Threads post these; only handlers change widgets."""

from __future__ import annotations

from textual.message import Message

from engine.model.host import Snapshot
from engine.model.verdict import Fix, Verdict
from views.verdict.ask import Ask


class Looked(Message):
    """The host was looked at, and is not as it was (or this is the first look)."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot


class Answered(Message):
    """A question has its answer, for the snapshot that was shown last."""

    def __init__(self, ask: Ask, verdict: Verdict, first: bool) -> None:
        super().__init__()
        self.ask = ask
        self.verdict = verdict
        self.first = first


class Unanswerable(Message):
    """A question cannot be asked of this host; `reason` is one line that says what to do."""

    def __init__(self, ask: Ask, reason: str) -> None:
        super().__init__()
        self.ask = ask
        self.reason = reason


class Changed(Message):
    """A fix was carried out (`done`) or taken back; None: there was none to take back."""

    def __init__(self, fix: Fix | None, *, done: bool) -> None:
        super().__init__()
        self.fix = fix
        self.done = done


class Unchanged(Message):
    """A fix could not be carried out, or not be taken back whole; `reason` says what is left."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class Trouble(Message):
    """Looking or answering failed. The screen says so and keeps what it shows. Empty: all is well again."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason
