"""Blockers that a fix takes the packet past together with the one before them.

An exception that accepts ends its chain, so that what stands behind it there is not asked any more, and the search does
not meet it. Whoever deletes the first rule instead does: it is walked without the rule, and what stops the packet
next in the same hook and table is a blocker of its own. A policy behind a rule that is about everybody is not, nor
is the last word of the same tool: the rule is what they are. It has no fix of its own: the exception is enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from engine.change.rule import DeleteRule, InsertRule
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers import diagnose
from engine.explain.blockers.firewall import PLACES, PORTS
from engine.explain.failure import Failure, failure_of, place_of, rule_at
from engine.explain.search.ref_mapping import as_found
from engine.explain.search.search import MOST_REMEDIES, Search, SearchStep, after_remedy
from engine.model.firewall import Match, Rule, RuleVerdict, VerdictKind
from engine.model.owner import ADMIN
from engine.model.ref import Ref, RefKind
from engine.path.world import World
from engine.records import replace

BEHIND = "without the rule above and its exception, this blocks the packet"
SETTLED = "none of its own: the fix above takes the packet past it too"


def with_shielded(host: World, search: Search, steps: list[SearchStep]) -> list[SearchStep]:
    """The steps of a search on `host`, each followed by what its remedy shields the packet from."""
    met = {_place(host, step) for step in steps}
    kept: list[SearchStep] = []
    for step in steps:
        kept.append(step)
        for behind in islice(_behind(search, step), MOST_REMEDIES):
            place = _place(host, behind)
            if place in met:
                break
            met.add(place)
            kept.append(behind)
    return kept


def _place(host: World, step: SearchStep) -> tuple[str, Ref]:
    found = as_found(host, step.before, step.blocker)
    return found.code, found.at


def _behind(search: Search, step: SearchStep) -> Iterator[SearchStep]:
    world, at = step.before, step.blocker.at
    first = failure_of(world, search.question, search.walk(world)) if _accepts(step.remedy) else None
    while first is not None and (found := rule_at(world, at)) is not None:
        world = after_remedy(world, Remedy("", (DeleteRule(place_of(at), found[1]),)))
        failure = failure_of(world, search.question, search.walk(world))
        if failure is None or _hook(failure) != _hook(first):
            return
        blocker = next((each for each in diagnose(failure) if each.at == failure.step.ref and each.remedies), None)
        if blocker is None or _same_for_all(world, step.blocker.owner, found[1], blocker):
            return
        at = blocker.at
        settled = replace(blocker, evidence=(*blocker.evidence, BEHIND), settled=SETTLED)
        yield SearchStep(settled, None, world, None)


def _same_for_all(world: World, owner: str, rule: Rule, behind: Blocker) -> bool:
    """Whether a rule about everybody says what stands behind it: a policy, or what the same tool has there for all that
    none of its rules is about."""
    then = rule_at(world, behind.at)
    if _particular(rule) or then is None:
        return behind.at.kind is RefKind.CHAIN and not _particular(rule)
    return owner == behind.owner != ADMIN and not any(isinstance(each, Match) for each in then[1].statements)


def _accepts(remedy: Remedy | None) -> bool:
    """Whether a command of the remedy accepts the packet; what is mended by hand takes the engine's rules with it."""
    changes = remedy.changes if remedy and not remedy.manual else ()
    inserted = (change for change in changes if isinstance(change, InsertRule))
    return any(RuleVerdict(VerdictKind.ACCEPT) in change.rule.statements for change in inserted)


def _hook(failure: Failure) -> tuple[object, ...]:
    ref = failure.step.ref
    return failure.depth, failure.leg, failure.netns.id, failure.step.hook, ref.key[:3] if ref else ()


def _particular(rule: Rule) -> bool:
    """Whether a rule is about somebody or something, by an address or a port."""
    conditions = [each for each in rule.statements if isinstance(each, Match)]
    return any(field.name in PORTS | PLACES for each in conditions for field in each.fields)
