"""The one thread that answers questions, and that looks where nobody watches.

Laws:
1. Only this thread asks the engine for what is shown. The screen hands it a wish and goes on; the answer comes as a
   message.
2. A live source is watched (`watcher`): what it hears is told, and the question answered anew. A source that cannot be
   watched, or no longer, is looked at every `INTERVAL` seconds.
3. Wishes collapse: of two questions asked while one is answered, the last one counts. All that was heard meanwhile is
   told, and answered once.
4. The screen may show an earlier moment (`show`), or a model on which something is supposed (`suppose`). Its answer is
   given beside the one of now, so that a flip of that one is never missed.
5. Whatever fails becomes a message. The thread ends only when it is told to.
6. A fix is carried out only on a source that is writable, and only when the user wished for that one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from textual.message import Message

from engine.change.differences import Difference, changes
from engine.model.host import Snapshot
from engine.model.verdict import Fix, Question, Verdict
from engine.observe.base.garbage import uncollected
from views.verdict.ask import Ask
from workbench.exits import Refusal, fault_words
from workbench.session.applied_fixes import Changes
from workbench.session.engine import Engine, unmarked
from workbench.session.first_look import FirstLook
from workbench.session.flips import Flip, OwnFix, answer_words, asked, flipping, same
from workbench.session.messages import (
    Answered,
    Boarded,
    Changed,
    Flipped,
    Looked,
    Reading,
    Trouble,
    Unanswerable,
    Unchanged,
)
from workbench.session.snapshot_sharing import share
from workbench.session.sources import Source
from workbench.session.supposing import Supposing
from workbench.session.survey import BOARD_PAUSE, Survey
from workbench.session.turn import Said, Shown, Turn
from workbench.session.watcher import Watcher

#: Seconds between two looks at a live source that is not watched.
INTERVAL = 2.0
#: So many of the user's own fixes are remembered as what may have flipped an answer.
MOST_OWN = 8


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
        self._watcher = Watcher(source.watch, self._hear, self._reading, self.refresh)
        self._wish = threading.Condition()
        self._next = Turn(look=source.watch is None)
        self._ask: Ask | None = None
        self._pinned: Snapshot | None = None
        self._sentences: tuple[str, ...] = ()
        self._supposing = Supposing(post)
        self._ended = False
        self._now: Snapshot | None = None
        self._seen_at = ""
        self._last: Said | None = None
        self._changes = changes or Changes()
        #: The user's own fixes, the last one first: one of them may be what flips the answer.
        self._own: deque[OwnFix] = deque(maxlen=MOST_OWN)
        self._survey = Survey(self._engine.board)
        self._trouble = ""

    def start(self) -> None:
        """Starts looking."""
        self._thread.start()
        self._watcher.start()

    def stop(self) -> None:
        """Tells the threads to end, and waits a moment for them."""
        self._watcher.stop()
        with self._wish:
            self._ended = True
            self._wish.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=1)

    def ask(self, ask: Ask | None) -> None:
        """Asks a question; from now on each look answers it anew. None: nothing is asked any more."""
        with self._wish:
            self._ask, self._next.asked = ask, True
            self._wish.notify()

    def carry_out(self, fix: Fix) -> None:
        """Carries a fix out, then looks and answers anew."""
        self._wants(fix)

    def take_back(self) -> None:
        """Takes the last fix back, then looks and answers anew."""
        self._wants(None)

    def _wants(self, fix: Fix | None) -> None:
        with self._wish:
            self._next.wishes.append(fix)
            self._next.look = True
            self._wish.notify()

    def resolve(self, snapshot: Snapshot, ask: Ask) -> Question:
        """A question in words as one of a snapshot. From any thread. Raises LookupError."""
        return self._engine.resolve(snapshot, ask)

    def answer_now(self, ask: Ask) -> tuple[Snapshot, Verdict]:
        """A look of the caller's own, and the answer for it: what an attempt is compared with. From any thread.

        Raises `Refusal` or LookupError with a line for the user.
        """
        snapshot = self.source.look()
        return snapshot, self._engine.answer(snapshot, self._engine.resolve(snapshot, ask))

    def refresh(self) -> None:
        """Looks at once."""
        with self._wish:
            self._next.look = True
            self._wish.notify()

    def show(self, snapshot: Snapshot | None) -> None:
        """The screen shows this moment now, and wants the answer for it; None is what is now."""
        with self._wish:
            self._pinned, self._next.again = snapshot, True
            self._wish.notify()

    def suppose(self, sentences: tuple[str, ...]) -> None:
        """The screen shows what would be with these changes, in the words of `why --if`; () ends that."""
        with self._wish:
            self._sentences, self._next.again = sentences, True
            self._wish.notify()

    def _hear(self, snapshot: Snapshot) -> None:
        """The watcher has seen something."""
        with self._wish:
            self._next.heard.append(snapshot)
            self._wish.notify()

    def _reading(self, look: FirstLook) -> None:
        """The watcher is still at its first look."""
        self._post(Reading(look))

    def _run(self) -> None:
        while True:
            with self._wish:
                if not (self._ended or self._next):
                    polled = self.source.live and not self._watcher.watching
                    self._wish.wait(INTERVAL if polled else BOARD_PAUSE if self._survey.due else None)
                    self._next.look = self._next.look or (polled and not self._next)
                if self._ended:
                    return
                turn, self._next = self._next, Turn()
                shown = Shown(self._ask, self._pinned, self._sentences)
            self._turn(turn, shown)

    def _turn(self, turn: Turn, shown: Shown) -> None:
        """The changes that are wished for, what was heard, one look and one answer."""
        try:
            for wish in turn.wishes:
                self._change(wish)
            looks = turn.look or self._now is None
            heard = filter(self._is_news, map(unmarked, turn.heard))
            seen = [*heard, *([unmarked(self.source.look())] if turn.look else [])]
            found = [change for snapshot in seen if (change := self._tell_of(snapshot)) is not None]
            changed = [each for change in found for each in change]
            if self._now is not None:
                self._answer_all(turn, shown, changed if changed or (found and looks) else None)
            self._tell("")
        except Refusal as error:
            self._tell(str(error), stale=True)
        except Exception as error:  # the screen stays, and says what happened
            self._tell(fault_words(error))

    def _answer_all(self, turn: Turn, shown: Shown, changed: list[Difference] | None) -> None:
        """The answer for what is shown, and for now; without a question the board of what is shown. `changed` is what
        differs from the look before, None where nothing does."""
        assert self._now is not None
        again = turn.asked or turn.again
        if changed is None and not again and not self._survey.due:
            return  # rules counted packets
        other, is_new = self._supposing.shown(shown, self._now)
        if shown.ask is None:
            rows = self._survey.of(other or self._now, self._interrupted, at_once=turn.again)
            if rows is not None:
                self._post(Boarded(rows))
            return
        if other is not None and (again or is_new):
            self._answer(other, shown.ask, turn.asked)
        if changed is not None or (other is None and again):
            verdict = self._answer(self._now, shown.ask, turn.asked and other is None)
            self._compare(shown.ask, verdict, changed or [])

    def _change(self, wish: Fix | None) -> None:
        """Carries out a fix, or takes the last one back (None). What fails is told; the look that follows shows it."""
        if not self.source.writable or self._now is None:
            return
        try:
            if wish is not None:
                self._changes.carry_out(wish, self._now)
                self._own.appendleft(OwnFix(wish.title, wish.plan.changes))
                self._post(Changed(wish, wish.commands, done=True))
            elif (taken := self._changes.take_back()) is not None:
                self._own.appendleft(OwnFix(taken.fix.title, taken.fix.plan.changes, applied=False))
                self._post(Changed(taken.fix, taken.commands, done=False))
            else:
                self._post(Changed(None, (), done=False))
        except Refusal as error:
            self._post(Unchanged(str(error)))

    def _is_news(self, heard: Snapshot) -> bool:
        """Whether what was heard is newer than what was last told.

        Where it is older but differs, it may know of something that the newer look had read too early: so one looks
        again.
        """
        if heard.taken_at >= self._seen_at:
            return True
        if not self._is_now(heard):
            self.refresh()
        return False

    def _is_now(self, seen: Snapshot) -> bool:
        """Whether it is what was last told."""
        return self._now is not None and replace(self._now, taken_at=seen.taken_at) == seen

    def _tell_of(self, seen: Snapshot) -> tuple[Difference, ...] | None:
        """Posts a snapshot that differs from the last. Gives the changes; None if it does not."""
        before, self._seen_at = self._now, seen.taken_at
        if self._is_now(seen):
            return None
        self._now = seen if before is None else share(before, seen)
        with uncollected():  # the screen lists all rules, and does not wait for what they mean
            for netns in self._now.namespaces:
                netns.firewall.understand()
        changed = changes(before, seen) if before is not None else ()
        self._post(Looked(self._now, changed))
        return changed

    def _answer(self, snapshot: Snapshot, ask: Ask, first: bool) -> Verdict | None:
        try:
            question = self._engine.resolve(snapshot, ask)
        except LookupError as error:
            self._post(Unanswerable(ask, str(error), first))
            return None
        verdict = self._engine.answer(snapshot, question)
        self._post(Answered(ask, self._supposing.explained(snapshot, verdict), first, snapshot))
        return verdict

    def _compare(self, ask: Ask, verdict: Verdict | None, changed: list[Difference]) -> None:
        """Tells when the answer of now is another one than the last to the same question, and what flipped it."""
        now = self._now
        assert now is not None
        last, self._last = self._last, Said(ask, verdict, now) if verdict is not None else None
        if last is None or verdict is None or last.ask != ask or same(last.verdict, verdict):
            return
        cause = flipping((last.snapshot, now), changed, self._asked(ask), self._awaited, self._own)
        self._post(
            Flipped(Flip(ask, now.taken_at, answer_words(last.verdict), answer_words(verdict), verdict.reach, cause))
        )

    def _asked(self, ask: Ask) -> Callable[[Snapshot], Question]:
        return partial(asked, self._engine.resolve, ask)

    def _awaited(self) -> bool:
        """Whether the user waits for the thread."""
        return self._ended or self._next.asked or self._next.again or bool(self._next.wishes)

    def _interrupted(self) -> bool:
        """Whether there is something else to do."""
        return self._ended or bool(self._next)

    def _tell(self, trouble: str, *, stale: bool = False) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._post(Trouble(trouble, stale=stale))
