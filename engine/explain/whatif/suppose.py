"""A question on a changed model: the changed snapshot, the answer before, and what else answers differently after."""

from __future__ import annotations

from collections.abc import Iterable

from engine.change import applied
from engine.explain.question import QuestionError
from engine.explain.ranking.side_effects import Sideways
from engine.explain.search.endings import endings_of, main_run, reach_of
from engine.explain.whatif.sentences import changes_of
from engine.model.host import Snapshot
from engine.model.plan import Change, StaleChange
from engine.model.verdict import Question, Supposition
from engine.path.exchange.conversation import conversations
from engine.path.world import World

#: So many conversations are walked for what else flips: it is what is asked here.
MOST_WALKS = 300


def changed(snapshot: Snapshot, sentences: Iterable[str]) -> tuple[Snapshot, tuple[Change, ...]]:
    """The snapshot after the changes, each read on what those before it left. Raises `QuestionError`."""
    made: tuple[Change, ...] = ()
    for sentence in sentences:
        more = changes_of(snapshot, sentence)
        try:
            snapshot = applied(snapshot, more)
        except StaleChange as error:
            raise QuestionError(f"--if {sentence!r}: {error}") from error
        made += more
    return snapshot, made


def supposed(
    before: Snapshot, after: Snapshot, changes: tuple[Change, ...], question: Question, sentences: Iterable[str]
) -> Supposition:
    """What the question gave without the changes, and what else can be reached with them, or no longer."""
    world = World(before)
    runs, _ = conversations(world, question)
    main = main_run(runs).result
    effects = Sideways(question, MOST_WALKS, MOST_WALKS).of(world, World(after), changes)
    return Supposition(tuple(sentences), reach_of(endings_of(runs)), main.symptom, effects.sentences())
