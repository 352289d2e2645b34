"""What else a fix changes: other places and ports that can be reached after it and could not be before, or the reverse.

Laws:
1. Computed, not guessed: each probe (a place at a door) is walked before and after the changes.
2. Bounded: only probes that the changes can touch are walked (`touch`), those nearest to the question first, and no
   more of them than a budget allows; how many were left out is told.
3. What was asked is no side effect.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from engine.change import part_of
from engine.change.address import AddAddress
from engine.change.link import SetLink
from engine.change.listener import Listen
from engine.change.policy_rule import AddPolicyRule, DeletePolicyRule
from engine.change.route import AddRoute, DeleteRoute
from engine.explain.ranking.affected_probes import only_opens, touches
from engine.explain.search.endings import main_run
from engine.explain.survey.probes import Door, Probe, VantagePoint, doors, places
from engine.model.plan import Change
from engine.model.trace import Symptom
from engine.model.verdict import Question
from engine.path.exchange.conversation import conversations
from engine.path.lookup.fib import FlowKey, Found
from engine.path.world import World
from engine.records import dataclass

#: So many conversations are walked for the side effects of one fix, and for those of all fixes of an answer.
MOST_FOR_A_FIX, MOST = 64, 192
#: So many doors are named in one sentence.
MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class Effects:
    """Probes that connect only after the changes, and those that connect only before; `untried` may be either."""

    opened: tuple[Probe, ...] = ()
    closed: tuple[Probe, ...] = ()
    untried: int = 0

    @property
    def weight(self) -> int:
        """How much more the changes do than was asked, as far as was tried: a limit of ours ranks nothing."""
        return len(self.opened) + len(self.closed)

    def sentences(self) -> tuple[str, ...]:
        """The effects in words, those of places that share them in one."""
        effects = [*_sentences(self.opened, "can now also reach"), *_sentences(self.closed, "can no longer reach")]
        if self.untried:
            what = "side effect was" if self.untried == 1 else "side effects were"
            effects.append(f"{self.untried} more possible {what} not checked")
        return tuple(effects)


class Sideways:
    """Finds the side effects of fixes for one question."""

    def __init__(self, question: Question, most_for_a_fix: int = MOST_FOR_A_FIX, most: int = MOST) -> None:
        self.question = question
        self.most_for_a_fix, self.most = most_for_a_fix, most
        self.walks = 0
        self._known: dict[tuple[int, Question], tuple[World, bool]] = {}
        self._seen: dict[int, tuple[World, tuple[VantagePoint, ...], tuple[Door, ...]]] = {}

    def of(self, before: World, after: World, changes: Sequence[Change]) -> Effects:
        """What else differs between two worlds, of which the second one has the changes."""
        probes = self._touched(before, changes)
        opens, limit = only_opens(changes), self.walks + self.most_for_a_fix
        opened, closed, untried = [], [], 0
        for probe in probes:
            if self.walks >= min(limit, self.most):
                untried += 1
                continue
            question = probe.question()
            earlier = self._reaches(before, question)
            if opens and earlier:
                continue
            later = self._reaches(after, question)
            if later and not earlier:
                opened.append(probe)
            elif earlier and not later:
                closed.append(probe)
        return Effects(tuple(opened), tuple(closed), untried)

    def _touched(self, before: World, changes: Sequence[Change]) -> list[Probe]:
        snapshot, asked = part_of(before.snapshot, changes), self.question
        if id(before) not in self._seen:
            self._seen[id(before)] = (before, places(snapshot, asked), doors(snapshot, asked))
        _, starts, ends = self._seen[id(before)]
        ends = (*ends, *_made(before, changes, ends))
        found = [
            probe
            for place in starts
            for door in ends
            for probe in (Probe(place, door),)
            if not self._is_asked(probe) and not _at_home(probe) and touches(snapshot, changes, probe)
            if _has_way(before, probe) or _routes(changes, probe)
        ]
        target = next((door.netns for door in ends if self._door_asked(door) and door.netns), None)
        near = {target} | {door.netns for door in ends if door.address == asked.address}
        found.sort(key=lambda probe: (probe.door.netns != target, probe.door.netns not in near))
        return found

    def _is_asked(self, probe: Probe) -> bool:
        source = self.question.source
        same = (probe.place.source.netns, probe.place.source.address) == (source.netns, source.address)
        return same and self._door_asked(probe.door)

    def _door_asked(self, door: Door) -> bool:
        asked = self.question
        return (door.address, door.port, door.protocol) == (asked.address, asked.port, asked.protocol)

    def _reaches(self, world: World, question: Question) -> bool:
        known = self._known.get((id(world), question))
        if known is None:
            self.walks += 1
            runs, _ = conversations(world, question)
            known = (world, main_run(runs).result.symptom is Symptom.CONNECTED)
            self._known[id(world), question] = known
        return known[1]


def _at_home(probe: Probe) -> bool:
    """A namespace that asks for its own address never leaves it."""
    return not probe.place.source.outside and probe.door.address in probe.place.addresses


def _has_way(world: World, probe: Probe) -> bool:
    """Whether whoever asks can send towards the door at all."""
    source = probe.place.source
    if source.outside:
        return True
    return isinstance(world.fib(world.netns(source.netns)).lookup(FlowKey(probe.door.address)), Found)


def _routes(changes: Iterable[Change], probe: Probe) -> bool:
    """Whether the changes are about what the place's own routes hang on."""
    routing = (AddRoute, DeleteRoute, AddPolicyRule, DeletePolicyRule, AddAddress, SetLink)
    return any(isinstance(each, routing) and each.netns == probe.place.source.netns for each in changes)


def _made(before: World, changes: Iterable[Change], known: Iterable[Door]) -> list[Door]:
    """Doors that are not there before the changes: a program that is to listen for others."""
    found, there = [], {(door.address, door.port, door.protocol) for door in known}
    for change in changes:
        if isinstance(change, Listen):
            netns = before.netns(change.netns)
            own = next((a.address for a in netns.addresses if a.scope == "global"), None)
            if own is not None and own.version == (4 if change.listener.family.value == "inet" else 6):
                names = [container.name for container in before.snapshot.containers_in(netns.id)]
                name = f"{names[0] if names else netns.id}:{change.listener.port}/{change.listener.protocol}"
                if (own, change.listener.port, change.listener.protocol) not in there:
                    found.append(Door(name, own, change.listener.port, change.listener.protocol, netns.id))
    return found


def _sentences(probes: Sequence[Probe], verb: str) -> list[str]:
    """One sentence for all places that the same doors open or close for."""
    by_place: dict[VantagePoint, list[str]] = defaultdict(list)
    for probe in probes:
        by_place[probe.place].append(probe.door.name)
    together: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for place, names in by_place.items():
        together[tuple(dict.fromkeys(names))].append(place.name)
    return [f"{_listed(who)} {verb} {_listed(names)}" for names, who in together.items()]


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:MOST_NAMED])
    if len(names) > MOST_NAMED:
        shown.append(f"{len(names) - MOST_NAMED} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
