"""The one thread that looks at the host and answers questions, and what it looks at.

Laws:
1. Only this thread calls the engine. The screen hands it a wish and goes on; the answer comes as a message.
2. A live source is looked at every `INTERVAL` seconds, unless frozen; each look answers the question anew.
3. Wishes collapse: of two questions asked while one is answered, the last one counts.
4. Whatever fails becomes a message. The thread ends only when it is told to.
5. A fix is carried out only on a source that is writable, and only when the user wished for that one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from textual.message import Message

from engine.model.host import Snapshot
from engine.model.verdict import Fix, Question, Verdict
from views.verdict.ask import Ask
from workbench import world
from workbench.changing import Changes
from workbench.exits import Refusal
from workbench.messages import Answered, Changed, Looked, Trouble, Unanswerable, Unchanged

#: Seconds between two looks at a live host.
INTERVAL = 2.0


class Source(Protocol):
    """Something to look at. `title` is for the header; a source that is not `live` is looked at once.

    One that is `writable` may be changed by a fix that the user has seen and accepted.
    """

    @property
    def title(self) -> str: ...  # noqa: D102

    @property
    def live(self) -> bool: ...  # noqa: D102

    @property
    def writable(self) -> bool: ...  # noqa: D102

    def look(self) -> Snapshot:
        """What it is now. Raises `Refusal` with a line for the user."""
        ...


@dataclass(frozen=True, slots=True)
class LiveHost:
    """The host that portscope runs on: the network namespace of the session's thread."""

    title: str = "this host"
    live: bool = True
    writable: bool = False

    def look(self) -> Snapshot:
        """Reads the kernel and the container engines."""
        return world.look()


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A snapshot in a file."""

    path: Path
    live: bool = False
    writable: bool = False

    @property
    def title(self) -> str:
        """The file's name."""
        return self.path.name

    def look(self) -> Snapshot:
        """Reads the file."""
        return world.load(self.path)


@dataclass(frozen=True, slots=True)
class Given:
    """A source by its function: a lab, or a snapshot that is there already."""

    title: str
    take: Callable[[], Snapshot]
    live: bool = False
    writable: bool = False

    def look(self) -> Snapshot:
        """Calls the function."""
        return self.take()


Resolve = Callable[[Snapshot, Ask], Question]
Answer = Callable[[Snapshot, Question], Verdict]


def _resolve(snapshot: Snapshot, ask: Ask) -> Question:
    from engine.explain.question import QuestionError, resolve  # noqa: PLC0415 - the first picture comes first

    try:
        return resolve(snapshot, ask.target, ask.source, ask.protocol)
    except QuestionError as error:
        raise LookupError(str(error)) from error


def _answer(snapshot: Snapshot, question: Question) -> Verdict:
    from engine.explain import ask as explain  # noqa: PLC0415 - the first picture comes first

    return explain(snapshot, question)


@dataclass(frozen=True, slots=True)
class Engine:
    """What the session asks: words to a question (raises LookupError with one line), a question to an answer."""

    resolve: Resolve = _resolve
    answer: Answer = _answer


class Session:
    """Runs the thread. `post` is called from it, and must be safe to call from any thread."""

    def __init__(
        self,
        source: Source,
        post: Callable[[Message], object],
        engine: Engine | None = None,
        changes: Changes | None = None,
    ) -> None:
        self.source = source
        self._engine = engine or Engine()
        self._post = post
        self._thread = threading.Thread(target=self._run, name="portscope-session", daemon=True)
        self._wish = threading.Condition()
        self._ask: Ask | None = None
        self._asked_now = False
        self._look_now = True
        self._frozen = False
        self._ended = False
        self._shown: Snapshot | None = None
        self._changes = changes or Changes()
        self._wishes: list[Fix | None] = []
        self._trouble = ""

    def start(self) -> None:
        """Starts looking."""
        self._thread.start()

    def stop(self) -> None:
        """Tells the thread to end, and waits a moment for it."""
        with self._wish:
            self._ended = True
            self._wish.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=1)

    def ask(self, ask: Ask) -> None:
        """Asks a question; from now on each look answers it anew."""
        with self._wish:
            self._ask, self._asked_now = ask, True
            self._wish.notify()

    def carry_out(self, fix: Fix) -> None:
        """Carries a fix out, then looks and answers anew."""
        self._wants(fix)

    def take_back(self) -> None:
        """Takes the last fix back, then looks and answers anew."""
        self._wants(None)

    def _wants(self, fix: Fix | None) -> None:
        with self._wish:
            self._wishes.append(fix)
            self._look_now = True
            self._wish.notify()

    def refresh(self) -> None:
        """Looks at once."""
        with self._wish:
            self._look_now = True
            self._wish.notify()

    def freeze(self, frozen: bool) -> None:
        """Stops or resumes looking. A refresh works in either state."""
        with self._wish:
            self._frozen = frozen
            self._wish.notify()

    def _run(self) -> None:
        while True:
            with self._wish:
                if not (self._ended or self._look_now or self._asked_now):
                    self._wish.wait(INTERVAL if self.source.live and not self._frozen else None)
                if self._ended:
                    return
                asked, self._asked_now = self._asked_now, False
                look = self._look_now or (not asked and self.source.live and not self._frozen)
                self._look_now, ask = False, self._ask
                wishes, self._wishes = self._wishes, []
            self._turn(wishes, look, ask, asked)

    def _turn(self, wishes: list[Fix | None], look: bool, ask: Ask | None, asked: bool) -> None:
        """The changes that are wished for, one look and one answer."""
        try:
            for wish in wishes:
                self._change(wish)
            changed = self._look() if look else False
            if ask is not None and self._shown is not None and (asked or changed):
                self._answer(self._shown, ask, asked)
            self._tell("")
        except Refusal as error:
            self._tell(str(error))
        except Exception as error:  # the screen stays, and says what happened
            self._tell(f"a fault of portscope, not yours: {' '.join(f'{type(error).__name__}: {error}'.split())}")

    def _change(self, wish: Fix | None) -> None:
        """Carries out a fix, or takes the last one back (None). What fails is told; the look that follows shows it."""
        if not self.source.writable or self._shown is None:
            return
        try:
            if wish is not None:
                self._changes.carry_out(wish, self._shown)
                self._post(Changed(wish, done=True))
            elif (fix := self._changes.take_back()) is not None:
                self._post(Changed(fix, done=False))
            else:
                self._post(Changed(None, done=False))
        except Refusal as error:
            self._post(Unchanged(str(error)))

    def _look(self) -> bool:
        """Looks, and posts the snapshot when it differs from the last one. Says whether it does."""
        seen = self.source.look()
        before, self._shown = self._shown, seen
        if before is not None and replace(before, taken_at=seen.taken_at) == seen:
            return False
        self._post(Looked(seen))
        return True

    def _answer(self, snapshot: Snapshot, ask: Ask, asked: bool) -> None:
        try:
            question = self._engine.resolve(snapshot, ask)
        except LookupError as error:
            self._post(Unanswerable(ask, str(error)))
            return
        self._post(Answered(ask, self._engine.answer(snapshot, question), asked))

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._post(Trouble(trouble))
