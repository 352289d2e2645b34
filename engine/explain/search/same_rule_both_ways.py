"""A rule, policy or route that ends the packet and later its answer is one cause; its two exceptions are one remedy.

The search goes on behind each remedy, and so it meets the same one again where an exception was for one direction: a
rule, or the route of a network that has the addresses of both ends. What is met again goes to where it was met first,
unless a remedy between them changes the same chain: the exceptions are for their places in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.change.rule import DeleteRule, InsertRule, ReplaceRule
from engine.explain.blocker import Remedy
from engine.explain.failure import failure_of
from engine.explain.search.ref_mapping import as_found, renamed
from engine.explain.search.search import Search, SearchStep, after_remedy
from engine.model.ref import Ref, RefKind
from engine.model.trace import Conversation
from engine.model.verdict import Question
from engine.path.world import World
from engine.records import replace

#: What can be met again, and what it does to a packet.
MET_AGAIN = {
    RefKind.RULE: "stops",
    RefKind.CHAIN: "stops",
    RefKind.ROUTE: "takes",
    RefKind.POLICY_RULE: "takes",
}
#: Stands between what mends it for good and what helps meanwhile.
UNTIL = "; until then: "
#: What one policy rule, or route, is called on the way there and on the way back.
WRONG_TURNS = {"SRC_ROUTE_SHADOWED", "RET_ASYMMETRIC_GATEWAY"}


def joined(host: World, search: Search, steps: list[SearchStep]) -> list[SearchStep]:
    """The steps of a search on `host`, those that one rule, policy or route caused made one."""
    kept: list[SearchStep] = []
    for number, step in enumerate(steps):
        met = next((n for n, each in enumerate(kept) if _one_cause(host, each, step)), None)
        if met is None or any(_changes_chain(each, step.blocker.at) for each in kept[met + 1 :]):
            kept.append(step)
        else:
            kept[met] = _both(search.question, kept[met], steps[number - 1].after, step)
    return kept if len(kept) == len(steps) else list(_walked_again(search, kept))


def _walked_again(search: Search, kept: list[SearchStep]) -> Iterator[SearchStep]:
    """The steps with what the question gives after each of them, now that one does what two did."""
    world = kept[0].before
    for step in kept:
        if step.remedy is None:
            yield step
            continue
        world = after_remedy(world, step.remedy)
        yield replace(step, after=search.walk(world))


def _one_cause(host: World, first: SearchStep, second: SearchStep) -> bool:
    one, other = (as_found(host, each.before, each.blocker) for each in (first, second))
    alike = one.code == other.code or {one.code, other.code} == WRONG_TURNS
    same = alike and one.at == other.at and one.at.kind in MET_AGAIN
    return same and first.remedy is not None and second.remedy is not None


def _changes_chain(step: SearchStep, at: Ref) -> bool:
    chain = (at.netns, *at.key[:4])
    changes = step.remedy.changes if step.remedy else ()
    places = (c.place for c in changes if isinstance(c, InsertRule | ReplaceRule | DeleteRule))
    return any((p.netns, str(p.backend), p.family, p.table, p.chain) == chain for p in places)


def _both(question: Question, first: SearchStep, met: Conversation | None, second: SearchStep) -> SearchStep:
    """`met` is what the question gave when it was met again."""
    one, other = first.remedy, second.remedy
    assert one is not None
    assert other is not None
    assert met is not None
    title = renamed(other.title, second.blocker.at, first.blocker.at)
    lasting, until, _ = one.title.partition(UNTIL)
    title = title.removeprefix(f"{lasting}{until}") if until else title
    remedy = Remedy(f"{one.title}, and {title}", (*one.changes, *other.changes), cost=one.cost + other.cost)
    others = tuple(each for each in first.blocker.remedies if each != one)
    failure = failure_of(second.before, question, met)
    evidence = (
        *first.blocker.evidence,
        *((f"past that it {MET_AGAIN[first.blocker.at.kind]} {failure.packet}",) if failure else ()),
    )
    blocker = replace(first.blocker, remedies=(remedy, *others), evidence=evidence)
    return SearchStep(blocker, remedy, first.before, second.after)
