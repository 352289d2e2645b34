"""The search for what makes the question work: remedies are tried on the model, the smallest set wins.

A cause is a counterfactual: something is a cause because changing it changes the ending. From each failure the
diagnoses propose blockers with remedies; each remedy is applied to the snapshot and the question is walked
again, on every branch. Iterative deepening finds the cheapest set (`Remedy.cost`; most cost one); among equals
the order of the proposals decides. If nothing connects, only likeliest blockers are told: a way to what others
decide where there is one, else from each failure to the next, as far as mending the first of them gets the
packet.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.change import applied
from engine.change.rule import DeleteRule, InsertRule, ReplaceRule
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers import diagnose
from engine.explain.blockers.beyond_snapshot import unknown
from engine.explain.failure import FailedLeg, Failure, failure_of, translation_of
from engine.explain.search.endings import main_run
from engine.model.plan import Change
from engine.model.trace import Conversation, Outcome
from engine.model.verdict import Question
from engine.path.budget import EDIT, OutOfBudget
from engine.path.exchange.conversation import conversations
from engine.path.world import World
from engine.records import dataclass, replace

#: So many faults at once are looked for in every combination, so many more where the likeliest remedies alone lead on,
#: and so many walks are made at most.
MOST_REMEDIES = 5
MOST_STEPS = 2 * MOST_REMEDIES
MOST_WALKS = 400
STOPPED = "the rules are too many to search for what would fix it"


@dataclass(frozen=True, slots=True)
class SearchStep:
    """A blocker and the remedy that was taken for it, with what the question gave before and after."""

    blocker: Blocker
    remedy: Remedy | None
    before: World
    after: Conversation | None


class Search:
    """Looks for remedies of one question. A remedy helps when every branch of the question connects with it."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.walks = 0
        self._open: list[SearchStep] = []

    def run(self, world: World, conversation: Conversation) -> list[SearchStep]:
        """The blockers in the order in which the packet meets them, each with its remedy."""
        failure = failure_of(world, self.question, conversation)
        if failure is None:
            return []
        try:
            for budget in range(1, MOST_REMEDIES + 1):
                found = self._within(failure, budget, [], {failure.signature})
                if found is not None:
                    return found
            return self._open or self._stuck(failure)
        except OutOfBudget:
            return self._open or [SearchStep(_likeliest(failure), None, world, None)]

    def walk(self, world: World) -> Conversation:
        """The question on a changed world: the branch that fails, where one does."""
        self.walks += 1
        runs, _ = conversations(world, self.question)
        return main_run(runs).result

    def _within(
        self, failure: Failure, budget: int, taken: list[SearchStep], seen: set[tuple[object, ...]]
    ) -> list[SearchStep] | None:
        for blocker, remedy in _options(failure):
            if self.walks >= MOST_WALKS:
                return None
            if remedy.cost > budget:
                continue
            changed = after_remedy(failure.world, remedy)
            after = self.walk(changed)
            steps = [*taken, SearchStep(blocker, remedy, failure.world, after)]
            following = failure_of(changed, self.question, after)
            if following is None:
                return steps
            if following.signature in seen:
                continue
            self._keep_open(steps, following)
            if budget > remedy.cost:
                found = self._within(following, budget - remedy.cost, steps, seen | {following.signature})
                if found is not None:
                    return found
        return None

    def _keep_open(self, steps: list[SearchStep], end: Failure) -> None:
        """Remembers the shortest way to where the packet leaves for what the snapshot does not see."""
        if end.outcome is Outcome.LEAVES_VIEW and end.leg is FailedLeg.FORWARD and not self._open:
            self._open = [*steps, SearchStep(diagnose(end)[0], None, end.world, None)]

    def _stuck(self, failure: Failure) -> list[SearchStep]:
        """The likeliest blocker of each failure, until it connects or the remedies of one change nothing."""
        steps: list[SearchStep] = []
        seen = {failure.signature}
        while len(steps) < MOST_STEPS:
            further = self._further(failure, diagnose(failure)[0], seen)
            if further is None:
                break
            step, following = further
            steps.append(step)
            if following is None:
                return steps
            failure = following
            seen.add(failure.signature)
        return [*steps, SearchStep(diagnose(failure)[0], None, failure.world, None)]

    def _further(
        self, failure: Failure, blocker: Blocker, seen: set[tuple[object, ...]]
    ) -> tuple[SearchStep, Failure | None] | None:
        """The blocker's first remedy that makes a difference, and the failure after it; None where it connects. One
        that only has the packet come back to where it was makes none."""
        for remedy in blocker.remedies:
            changed = after_remedy(failure.world, remedy)
            after = self.walk(changed)
            following = failure_of(changed, self.question, after)
            if following is None or (following.signature not in seen and not _bounced(following)):
                return SearchStep(blocker, remedy, failure.world, after), following
        return None


def _likeliest(failure: Failure) -> Blocker:
    """The first blocker of a failure that was searched for too long."""
    try:
        blocker = diagnose(failure)[0]
    except OutOfBudget:
        blocker = unknown(failure)[0]
    return replace(blocker, evidence=(*blocker.evidence, STOPPED))


def _bounced(failure: Failure) -> bool:
    """Whether a packet that nobody translated is again where it was before."""
    been = {hop.netns for hop in failure.trace.hops[:-1]}
    back = failure.outcome is Outcome.LOOP or failure.netns.id in been
    return failure.leg is FailedLeg.FORWARD and back and translation_of(failure) is None


def _options(failure: Failure) -> Iterator[tuple[Blocker, Remedy]]:
    """The likeliest blocker's remedies first, in their order of preference."""
    for blocker in diagnose(failure):
        for remedy in blocker.remedies:
            yield blocker, remedy


def after_remedy(world: World, remedy: Remedy) -> World:
    """The world after a remedy. Raises OutOfBudget where the chains that it changes are too long for what is left."""
    world.budget.spend(EDIT * sum(_length(world, change) for change in remedy.changes))
    return world.derive(applied(world.snapshot, remedy.changes))


def _length(world: World, change: Change) -> int:
    """How many rules the chain has that a change edits."""
    if not isinstance(change, InsertRule | DeleteRule | ReplaceRule):
        return 0
    place = change.place
    table = world.netns(place.netns).firewall.table(place.backend, place.family, place.table)
    chain = table.chain(place.chain) if table is not None else None
    return len(chain.rules) if chain is not None else 0
