"""What is supposed of the host: a model beside it, what it answers, and its plan.

What thinks is loaded when something is first supposed. Each raises LookupError with one line for what does not fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from textual.message import Message

from engine.model.host import Snapshot
from engine.model.ref import Ref
from engine.model.verdict import Fix, Verdict
from engine.records import replace
from workbench.session.messages import Supposed
from workbench.session.turn import Shown

if TYPE_CHECKING:
    from engine.explain.whatif.suppose import Hypothesis

T = TypeVar("T")


def suppose(snapshot: Snapshot, sentences: tuple[str, ...]) -> Hypothesis:
    """The snapshot with what the sentences say, in the words of `why --if`."""
    from engine.explain.whatif.suppose import hypothesis  # noqa: PLC0415

    return _asked(lambda: hypothesis(snapshot, sentences))


def without(known: Hypothesis, number: int) -> tuple[str, ...]:
    """The sentences but one, which still mean what they meant."""
    from engine.explain.whatif.suppose import without as less  # noqa: PLC0415

    return _asked(lambda: less(known, number)).sentences


def switched(snapshot: Snapshot, ref: Ref) -> str:
    """The sentence that switches a thing off, or on; "" where it has no switch."""
    from engine.explain.whatif.switches import switched as sentence  # noqa: PLC0415

    return _asked(lambda: sentence(snapshot, ref))


def examples() -> tuple[str, ...]:
    """A sentence of each form."""
    from engine.explain.whatif.sentences import FORMS  # noqa: PLC0415

    return tuple(form.example for form in FORMS)


def plan_of(known: Hypothesis, verdict: Verdict) -> Fix | None:
    """What is supposed as a fix for the host; None where the answer is not about it."""
    from engine.explain.whatif.suppose import plan_of as plan  # noqa: PLC0415

    told = verdict.supposed
    return plan(known, told, verdict.symptom) if told is not None and told.sentences == known.sentences else None


def _asked(work: Callable[[], T]) -> T:
    from engine.explain.question import QuestionError  # noqa: PLC0415

    try:
        return work()
    except QuestionError as error:
        raise LookupError(str(error).removeprefix("--if ")) from error


class Supposing:
    """The model that is shown in place of the host, while something is supposed. Of the session's thread."""

    def __init__(self, post: Callable[[Message], object]) -> None:
        self._post = post
        self._known: Hypothesis | None = None
        self._refused: tuple[str, ...] = ()

    def shown(self, shown: Shown, now: Snapshot) -> tuple[Snapshot | None, bool]:
        """What is shown in place of now (None: now is), and whether it is another model than before, which is told."""
        base, known, sentences = shown.pinned or now, self._known, shown.sentences
        if not sentences or sentences == self._refused:
            self._known = None
            return shown.pinned, False
        if known is not None and known.before is base and known.sentences == sentences:
            return known.after, False
        try:
            self._known = suppose(base, sentences)
        except LookupError as error:
            self._known, self._refused = None, sentences
            self._post(Supposed(None, str(error)))
            return shown.pinned, False
        self._refused = ()
        self._post(Supposed(self._known))
        return self._known.after, True

    def explained(self, snapshot: Snapshot, verdict: Verdict) -> Verdict:
        """The answer, with what it would be without what is supposed, where it is for the model."""
        from engine.explain.whatif.suppose import supposed  # noqa: PLC0415

        if self._known is None or snapshot is not self._known.after:
            return verdict
        return replace(verdict, supposed=supposed(self._known, verdict.question))
