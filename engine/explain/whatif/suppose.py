"""A question on a changed model: the changed snapshot, the answer before, what else answers differently, the plan."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from engine.change import applied
from engine.change.listener import Listen, StopListening
from engine.change.rule import DeleteRule
from engine.explain.blocker import Remedy
from engine.explain.question import QuestionError
from engine.explain.ranking.selection import planned
from engine.explain.ranking.side_effects import Sideways
from engine.explain.search.endings import endings_of, main_run, reach_of
from engine.explain.whatif.sentences import changes_of
from engine.explain.whatif.switches import deletion
from engine.model.host import Snapshot
from engine.model.plan import Change, StaleChange
from engine.model.trace import Symptom
from engine.model.verdict import Fix, Question, Supposition
from engine.path.exchange.conversation import conversations
from engine.path.world import World
from engine.records import dataclass

#: So many conversations are walked for what else flips: it is what is asked here.
MOST_WALKS = 300


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A snapshot as it would be. `parts` are the changes of each sentence, in order."""

    before: Snapshot
    sentences: tuple[str, ...]
    parts: tuple[tuple[Change, ...], ...]
    after: Snapshot

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes, in order."""
        return tuple(chain.from_iterable(self.parts))


def hypothesis(snapshot: Snapshot, sentences: Iterable[str]) -> Hypothesis:
    """The snapshot after the changes, each read on what those before it left. Raises `QuestionError`."""
    found = Hypothesis(snapshot, (), (), snapshot)
    for sentence in sentences:
        found = _with(found, sentence, changes_of(found.after, sentence))
    return found


def without(known: Hypothesis, number: int) -> Hypothesis:
    """The hypothesis with one sentence less. Those after it mean what they meant: a rule has another number when one
    before it is back. One that does not fit any more goes as well."""
    found = hypothesis(known.before, known.sentences[:number])
    later = zip(known.sentences[number + 1 :], known.parts[number + 1 :], strict=True)
    for sentence, changes in later:
        try:
            if isinstance(changes[0], DeleteRule):
                sentence, changes = deletion(found.after, changes[0])  # noqa: PLW2901 - the same one, renumbered
            found = _with(found, sentence, changes)
        except QuestionError:
            continue
    return found


def _with(known: Hypothesis, sentence: str, changes: tuple[Change, ...]) -> Hypothesis:
    try:
        after = applied(known.after, changes)
    except StaleChange as error:
        raise QuestionError(f"--if {sentence!r}: {error}") from error
    return Hypothesis(known.before, (*known.sentences, sentence), (*known.parts, changes), after)


def supposed(known: Hypothesis, question: Question) -> Supposition:
    """What the question gave without the changes, and what else can be reached with them, or no longer."""
    world = World(known.before)
    runs, _ = conversations(world, question)
    main = main_run(runs).result
    effects = Sideways(question, MOST_WALKS, MOST_WALKS).of(world, World(known.after), known.changes)
    return Supposition(known.sentences, reach_of(endings_of(runs)), main.symptom, effects.sentences())


def plan_of(known: Hypothesis, told: Supposition, then: Symptom) -> Fix:
    """The changes as what can be applied; `then` is what the question gives with them."""
    by_hand = any(isinstance(change, Listen | StopListening) for change in known.changes)
    remedy = Remedy(", then ".join(known.sentences), known.changes, manual=by_hand)
    return planned(known.before, remedy, then, told.flips)
