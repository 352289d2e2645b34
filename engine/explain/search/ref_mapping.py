"""Pointers of a later cause as the host has them now: remedies before it may have moved rules in their chain.

A rule is found again by what it says. Near misses that are rules of an earlier remedy are not on the host; they go.
"""

from __future__ import annotations

from engine.explain.blocker import Blocker
from engine.explain.failure import rule_at
from engine.model.firewall import Chain
from engine.model.ref import Ref
from engine.path.lookup.refs import rule_ref
from engine.path.world import World
from engine.records import replace


def as_found(host: World, before: World, blocker: Blocker) -> Blocker:
    """The blocker that was met in the world `before`, pointing into the world `host` that the question was asked of."""
    at = _original(host, before, blocker.at) or blocker.at
    near = ((miss, _original(host, before, miss.ref)) for miss in blocker.near_misses)
    misses = tuple(replace(miss, ref=ref) for miss, ref in near if ref is not None)
    return replace(blocker, at=at, sentence=renamed(blocker.sentence, blocker.at, at), near_misses=misses)


def renamed(text: str, old: Ref, new: Ref) -> str:
    """A text that names the old pointer, naming the new one."""
    return text if old.name == new.name else text.replace(old.words, new.words)


def _original(host: World, before: World, ref: Ref) -> Ref | None:
    """Where a rule is on the host; None for one that is not there. Other pointers stay."""
    found = rule_at(before, ref)
    if found is None:
        return ref
    table, rule = found
    name, index = str(ref.key[3]), int(ref.key[4])
    now, then = table.chain(name), _chain(host, ref)
    same = [each for each in then.rules if each.text == rule.text] if then else []
    if now is None or then is None or not same:
        return None
    number = sum(each.text == rule.text for each in now.rules[:index])
    return rule_ref(ref.netns, table, then, same[min(number, len(same) - 1)])


def _chain(world: World, ref: Ref) -> Chain | None:
    for table in world.netns(ref.netns).firewall.tables:
        if (str(table.backend), table.family, table.name) == ref.key[:3]:
            return table.chain(str(ref.key[3]))
    return None
