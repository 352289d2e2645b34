"""The causes of a question that fails: every blocker on its path, with the fixes that the search has found."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from engine.explain.blockers.naming.resolvers import unanswered
from engine.explain.intent.instead import with_alternatives
from engine.explain.intent.named import with_names
from engine.explain.intent.proxied import with_proxy
from engine.explain.ranking.selection import Mending
from engine.explain.search.masked_blockers import with_shielded
from engine.explain.search.no_endpoints import refused
from engine.explain.search.ref_mapping import as_found, renamed
from engine.explain.search.same_rule_both_ways import joined
from engine.explain.search.search import Search
from engine.model.trace import Conversation
from engine.model.verdict import Cause, Fix, Question
from engine.path.budget import OutOfBudget
from engine.path.choices import BranchRun
from engine.path.exchange.by_name import at_address
from engine.path.world import World
from engine.records import replace

T = TypeVar("T")


def _affordable(work: Callable[[], T], otherwise: T) -> T:
    """What the work gives, or something else where it uses up the answer's budget."""
    try:
        return work()
    except OutOfBudget:
        return otherwise


def causes_of(
    world: World, question: Question, main: BranchRun[Conversation], *, certain: bool = True
) -> tuple[Cause, ...]:
    """All blockers in the order in which the packet meets them, and where it fails for certain what to ask instead."""
    search = Search(question)
    found = search.run(world, main.result)
    met = refused(question.port, _affordable(lambda: joined(world, search, found), found))
    solved = bool(met) and met[-1].remedy is not None
    steps = _affordable(lambda: with_shielded(world, search, met), met)
    worth = solved or (bool(met) and met[-1].blocker.code == "INFO_EXITS_HOST")
    fixes_of: list[tuple[Fix, ...]] = [()] * len(steps)
    if worth:
        fixes_of = _affordable(lambda: Mending(search, steps, solved=solved).fixes(), fixes_of)
    causes = []
    for step, fixes in zip(steps, fixes_of, strict=True):
        blocker = as_found(world, step.before, step.blocker)
        titled = (replace(fix, title=renamed(fix.title, step.blocker.at, blocker.at)) for fix in fixes)
        causes.append(
            Cause(
                blocker.code,
                blocker.sentence,
                blocker.at,
                blocker.owner,
                blocker.evidence,
                blocker.near_misses,
                tuple(titled),
                blocker.settled,
            )
        )
    named = tuple(causes)
    if main.result.http is not None:
        return _affordable(lambda: with_proxy(world, question, main.result, named), named)
    if question.name:
        return _by_name(world, question, main.result, named, certain=certain)
    return _affordable(lambda: with_alternatives(world, question, main.result, named), named) if certain else named


def _by_name(
    world: World, question: Question, talk: Conversation, causes: tuple[Cause, ...], *, certain: bool
) -> tuple[Cause, ...]:
    """The causes of a question by name: those of the look-up first."""
    used = talk.name.used if talk.name is not None else None
    if used is None:
        first = unanswered(world, question, talk)
        named = causes and causes[0].code.startswith("NAME_")
        return causes if first is None or named else (first.cause, *causes)
    address = at_address(question, used)
    if certain:
        causes = _affordable(lambda: with_alternatives(world, address, talk, causes), causes)
    return _affordable(lambda: with_names(world, question, talk, causes), causes)
