"""The fixes of a cause: the chosen remedy and its alternatives, with commands and side effects, the narrowest first.

Whichever of them is taken, together with the fixes of the other causes the question connects; a set of first fixes
that was put together from alternatives is tried as a whole before it is offered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.change import applied, part_of
from engine.change.listener import Listen, StopListening
from engine.explain.blocker import Remedy
from engine.explain.fixes.described import in_a_group, is_described
from engine.explain.fixes.persistence import Lasting, lasting
from engine.explain.fixes.restart import given_again
from engine.explain.ranking.kinds import kind_of
from engine.explain.ranking.side_effects import Effects, Sideways
from engine.explain.search.search import Search, SearchStep, after_remedy
from engine.model.host import Snapshot
from engine.model.plan import Change, Plan, StaleChange
from engine.model.trace import Symptom
from engine.model.verdict import Fix
from engine.model.where import Argv, seen
from engine.path.world import World
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class FixChoice:
    """A remedy that helps, what the question gives after it, and what else it changes."""

    remedy: Remedy
    then: Symptom
    effects: Effects


class Mending:
    """Makes the fixes of the steps of a search."""

    def __init__(self, search: Search, steps: list[SearchStep], *, solved: bool) -> None:
        self.search = search
        self.steps = steps
        self.solved = solved
        self.sideways = Sideways(search.question)

    def fixes(self) -> list[tuple[Fix, ...]]:
        """For each step its fixes, the first of which go together."""
        ways = [self._ways(number) if step.remedy is not None else [] for number, step in enumerate(self.steps)]
        narrowest = [_narrowest_first(few) for few in ways]
        if narrowest != ways and self._together([few[0].remedy for few in narrowest if few]):
            ways = narrowest
        return [
            tuple(fix_of(step.before.snapshot, way) for way in few) for step, few in zip(self.steps, ways, strict=True)
        ]

    def _ways(self, number: int) -> list[FixChoice]:
        """The chosen remedy first, then the blocker's others that do as well together with the rest."""
        step = self.steps[number]
        assert step.remedy is not None
        after = after_remedy(step.before, step.remedy)
        then = step.after.symptom if step.after is not None else Symptom.TIMEOUT
        found = [FixChoice(step.remedy, then, self.sideways.of(step.before, after, step.remedy.changes))]
        others = [r for r in step.blocker.remedies if r != step.remedy and not r.fallback] if self.solved else []
        rest = [later.remedy for later in self.steps[number + 1 :] if later.remedy]
        for remedy in others:
            if self._connects(step.before, [remedy, *rest]):
                changed = after_remedy(step.before, remedy)
                alone = self.search.walk(changed).symptom
                found.append(FixChoice(remedy, alone, self.sideways.of(step.before, changed, remedy.changes)))
        return found

    def _together(self, remedies: list[Remedy]) -> bool:
        return self.solved and self._connects(self.steps[0].before, remedies)

    def _connects(self, world: World, remedies: list[Remedy]) -> bool:
        try:
            for remedy in remedies:
                world = after_remedy(world, remedy)
        except StaleChange:
            return False
        return self.search.walk(world).works


def _narrowest_first(ways: list[FixChoice]) -> list[FixChoice]:
    """What a command can do, first what the owner means to be done, then by how much it is about and by what it changes
    beside it; among equals the order of the proposals stays."""
    if not ways or ways[0].remedy.manual:
        return ways
    return sorted(ways, key=_rank)


def _rank(way: FixChoice) -> tuple[bool, bool, int, int]:
    remedy = way.remedy
    return remedy.manual, not remedy.meant, remedy.cost, way.effects.weight


def _commands(snapshot: Snapshot, changes: Sequence[Change]) -> Iterator[Argv]:
    """The command lines of changes that are made one after the other: each is worded for what those before it left."""
    for number, change in enumerate(changes):
        if number:
            snapshot = applied(snapshot, changes[number - 1 : number])
        yield from change.argv(seen(snapshot))


def _said(snapshot: Snapshot, changes: Sequence[Change]) -> tuple[Argv, ...]:
    """The command lines; none where the snapshot lacks what they name, as the file that enters a namespace."""
    try:
        return tuple(_commands(snapshot, changes))
    except ValueError:
        return ()


def fix_of(snapshot: Snapshot, way: FixChoice) -> Fix:
    """A remedy as a plan, with what is known of it."""
    return planned(snapshot, way.remedy, way.then, way.effects.sentences())


def planned(snapshot: Snapshot, remedy: Remedy, then: Symptom, side_effects: tuple[str, ...]) -> Fix:
    """A remedy as a plan and as commands for the host as it is. Where a program has to listen first, or to end, no
    command does it: the changes beside that are what follows from it. Nor does one change what is only described."""
    described = any(is_described(snapshot, each) for each in remedy.changes)
    snapshot = part_of(snapshot, remedy.changes)
    by_hand = [each for each in remedy.changes if remedy.manual and isinstance(each, Listen | StopListening)]
    commands = () if remedy.manual or described else _said(snapshot, remedy.changes)
    kept = Lasting("") if described else lasting(snapshot, by_hand or remedy.changes)
    again = given_again(snapshot, remedy.changes)
    title = f"restart {again}, which gives it again; until then: {remedy.title}" if again else remedy.title
    host = snapshot.host_netns.machine
    title = f"on {host}: {title}" if host and not in_a_group(remedy.changes) else title
    return Fix(
        title,
        Plan(title, remedy.changes),
        commands,
        then=then,
        side_effects=side_effects,
        survives=kept.survives,
        lasting=kept.commands,
        kind=remedy.kind or kind_of(remedy.changes),
        host=host,
    )
