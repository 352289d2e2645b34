"""The causes of a question that fails: every blocker on its path, with the fixes that the search has found."""

from __future__ import annotations

from engine.explain.ranking.selection import Mending
from engine.explain.search.masked_blockers import with_shielded
from engine.explain.search.no_endpoints import refused
from engine.explain.search.ref_mapping import as_found, renamed
from engine.explain.search.same_rule_both_ways import joined
from engine.explain.search.search import Search
from engine.model.trace import Conversation
from engine.model.verdict import Cause, Question
from engine.path.choices import BranchRun
from engine.path.world import World
from engine.records import replace


def causes_of(world: World, question: Question, main: BranchRun[Conversation]) -> tuple[Cause, ...]:
    """All blockers in the order in which the packet meets them."""
    search = Search(question)
    met = refused(question.port, joined(world, search, search.run(world, main.result)))
    solved = bool(met) and met[-1].remedy is not None
    steps = with_shielded(world, search, met)
    worth = solved or (bool(met) and met[-1].blocker.code == "INFO_EXITS_HOST")
    fixes_of = Mending(search, steps, solved=solved).fixes() if worth else [()] * len(steps)
    causes = []
    for step, fixes in zip(steps, fixes_of, strict=True):
        blocker = as_found(world, step.before, step.blocker)
        named = (replace(fix, title=renamed(fix.title, step.blocker.at, blocker.at)) for fix in fixes)
        causes.append(
            Cause(
                blocker.code,
                blocker.sentence,
                blocker.at,
                blocker.owner,
                blocker.evidence,
                blocker.near_misses,
                tuple(named),
                blocker.settled,
            )
        )
    return tuple(causes)
