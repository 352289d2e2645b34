"""How each change is made and what undoes it: one function for each kind of change, in one table.

`prepare` looks at what the change is about to overwrite and gives a `Step`: the inverse, to be written down first,
and the act. What lies in a namespace that the lab makes has no inverse, since it goes with the namespace. The handle
of an nft rule is known only once it is there, so the act of such a change gives its inverse afterwards.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.apply.errors import BuildError
from engine.apply.inverse import Inverse, Run, WriteSysctl
from engine.apply.step import Site, Step, step_in
from engine.apply.steps_building import BUILDING
from engine.change.command import argvs
from engine.change.plan import (
    AddAddress,
    AddForwarding,
    AddPolicyRule,
    AddRoute,
    Change,
    DeleteAddress,
    DeleteElement,
    DeleteFlow,
    DeleteForwarding,
    DeleteNeighbour,
    DeletePolicyRule,
    DeleteRoute,
    DeleteRule,
    InsertRule,
    Listen,
    ReplaceRule,
    RulePlace,
    SetArp,
    SetContainer,
    SetLink,
    SetPort,
    SetSysctl,
)
from engine.change.words import address_words, rule_spec
from engine.model.firewall import Backend, Rule

NFT_HANDLE = re.compile(r"# handle (\d+)\s*$", re.MULTILINE)

#: Commands of a container engine's client that undo each other.
OPPOSITES = {"unpause": "pause", "pause": "unpause", "start": "stop", "stop": "start"}


def prepare(change: Change, site: Site) -> Step:
    """The step that makes `change`. Raises BuildError for a change that cannot be made, OSError where looking fails."""
    return STEPS[type(change)](change, site)


def _set_link(change: SetLink, site: Site) -> Step:
    path = site.where.path(change.netns)

    def inverse() -> Inverse:
        up, master = site.hands.link_state(path, change.link)
        before = replace(change, up=None if change.up is None else up, master=None if change.master is None else master)
        return Run(path, argvs(before, site.bare())[0])

    return step_in(
        site, change.netns, inverse, lambda: site.hands.set_link(path, change.link, change.up, change.master)
    )


def _add_address(change: AddAddress, site: Site) -> Step:
    path = site.where.path(change.netns)
    argv = ("ip", "addr", "del", *address_words(change.address)[:1], "dev", change.link)
    do = lambda: site.hands.add_address(path, change.link, change.address)  # noqa: E731
    return step_in(site, change.netns, lambda: Run(path, argv), do)


def _route(change: AddRoute | DeleteRoute, site: Site) -> Step:
    path = site.where.path(change.netns)
    verb, opposite = ("add", DeleteRoute) if isinstance(change, AddRoute) else ("del", AddRoute)
    back = opposite(change.netns, change.route)
    return step_in(
        site,
        change.netns,
        lambda: Run(path, argvs(back, site.bare())[0]),
        lambda: site.hands.route(path, verb, change.route),
    )


def _policy_rule(change: AddPolicyRule | DeletePolicyRule, site: Site) -> Step:
    path = site.where.path(change.netns)
    (argv,) = argvs(change, site.bare())
    back = tuple({"add": "del", "del": "add"}.get(word, word) for word in argv)
    return step_in(site, change.netns, lambda: Run(path, back), lambda: site.hands.run(path, argv))


def _set_port(change: SetPort, site: Site) -> Step:
    path = site.where.path(change.netns)
    (argv,) = argvs(change, site.bare())

    def inverse() -> Inverse:
        (port,) = json.loads(site.hands.run(path, ("bridge", "-d", "-j", "link", "show", "dev", change.link)))
        return Run(path, argvs(replace(change, value=int(port[change.option])), site.bare())[0])

    return step_in(site, change.netns, inverse, lambda: site.hands.run(path, argv))


def _set_container(change: SetContainer, site: Site) -> Step:
    """What the engine's client does is undone where its command has an opposite."""
    (argv,) = argvs(change, site.where)
    opposite = OPPOSITES.get(change.words[0])
    inverse = Run(None, (*change.client, opposite, *change.words[1:])) if opposite else None

    def act() -> None:
        site.hands.run(None, argv)

    return Step(act, inverse)


def _delete_address(change: DeleteAddress, site: Site) -> Step:
    path = site.where.path(change.netns)
    (argv,) = argvs(change, site.bare())
    back = tuple("add" if word == "del" else word for word in argv)
    return step_in(site, change.netns, lambda: Run(path, back), lambda: site.hands.run(path, argv))


def _delete_neighbour(change: DeleteNeighbour, site: Site) -> Step:
    """The kernel finds a neighbour again when it needs it: there is nothing to undo."""
    path = site.where.path(change.netns)
    return Step(lambda: site.hands.delete_neighbour(path, change.link, change.address))


def _forwarding(change: AddForwarding | DeleteForwarding, site: Site) -> Step:
    path = site.where.path(change.netns)
    opposite = DeleteForwarding if isinstance(change, AddForwarding) else AddForwarding
    (argv,) = argvs(change, site.bare())
    (back,) = argvs(opposite(change.netns, change.link, change.mac, change.remote), site.bare())
    return step_in(site, change.netns, lambda: Run(path, back), lambda: site.hands.run(path, argv))


def _set_arp(change: SetArp, site: Site) -> Step:
    path = site.where.path(change.netns)
    (argv,), (back,) = (argvs(SetArp(change.netns, change.link, on), site.bare()) for on in (change.on, not change.on))
    return step_in(site, change.netns, lambda: Run(path, back), lambda: site.hands.run(path, argv))


def _delete_element(change: DeleteElement, site: Site) -> Step:
    """An element that had a time to live comes back for good: what was left of it is not known."""
    path = site.where.path(change.netns)
    (argv,) = argvs(change, site.bare())
    back = tuple({"delete": "add", "del": "add"}.get(word, word) for word in argv[:2]) + argv[2:]
    return step_in(site, change.netns, lambda: Run(path, back), lambda: site.hands.run(path, argv))


def _delete_flow(change: DeleteFlow, site: Site) -> Step:
    """A flow begins anew with its next packet: there is nothing to undo."""
    path = site.where.path(change.netns)
    (argv,) = argvs(change, site.bare())

    def act() -> None:
        site.hands.run(path, argv)

    return Step(act)


def _set_sysctl(change: SetSysctl, site: Site) -> Step:
    path = site.where.path(change.netns)

    def inverse() -> Inverse:
        return WriteSysctl(path, change.name, site.hands.read_sysctl(path, change.name), change.value)

    return step_in(site, change.netns, inverse, lambda: site.hands.write_sysctl(path, change.name, change.value))


def _listen(change: Listen, _site: Site) -> Step:
    raise BuildError(f"the program in {change.netns} must listen on {change.listener}: its owner must see to that")


def _rule(change: InsertRule | ReplaceRule | DeleteRule, site: Site) -> Step:
    place = change.place
    path = site.where.path(place.netns)
    there = site.where.rules(place)
    native = place.backend is Backend.NFT
    (argv,) = argvs(change, site.bare())
    if native and not isinstance(change, DeleteRule):
        argv = (argv[0], "--echo", "--handle", *argv[1:])

    def act() -> Inverse | None:
        said = site.hands.run(path, argv)
        if not native or isinstance(change, DeleteRule):
            return None
        handle = NFT_HANDLE.search(said)
        if handle is None:
            raise BuildError("nft did not say which handle the new rule has")
        new = Rule(place.index, (), "", handle=int(handle.group(1)))
        if isinstance(change, InsertRule):
            return Run(path, argvs(DeleteRule(place, new), site.bare())[0])
        old = _old_rule(change, there)
        return Run(path, argvs(ReplaceRule(place, new, (old.text,)), site.bare())[0])

    if isinstance(change, DeleteRule):
        left = None if there is None else (*there[: place.index], *there[place.index + 1 :])
        words = (change.rule.text,) if native else rule_spec(change.rule, place.chain)
        return Step(act, Run(path, argvs(InsertRule(place, change.rule, words), site.bare(left))[0]))
    if native:
        return Step(act)
    new = Rule(place.index, (), shlex.join(("-A", place.chain, *change.words)))
    if isinstance(change, InsertRule):
        return Step(act, Run(path, argvs(DeleteRule(place, new), site.bare())[0]))
    old = _old_rule(change, there)
    back = ReplaceRule(place, old, rule_spec(old, place.chain))
    return Step(act, Run(path, argvs(back, site.bare())[0]))


def _old_rule(change: ReplaceRule, there: Sequence[Rule] | None) -> Rule:
    place: RulePlace = change.place
    if there is None or place.index >= len(there):
        raise BuildError(f"what rule {place.index} of {place.table} {place.chain} says is not known")
    return there[place.index]


STEPS: Mapping[type[Any], Callable[[Any, Site], Step]] = {
    SetSysctl: _set_sysctl,
    InsertRule: _rule,
    ReplaceRule: _rule,
    DeleteRule: _rule,
    DeleteElement: _delete_element,
    AddRoute: _route,
    DeleteRoute: _route,
    AddAddress: _add_address,
    DeleteAddress: _delete_address,
    AddPolicyRule: _policy_rule,
    DeletePolicyRule: _policy_rule,
    SetPort: _set_port,
    SetContainer: _set_container,
    DeleteNeighbour: _delete_neighbour,
    AddForwarding: _forwarding,
    DeleteForwarding: _forwarding,
    DeleteFlow: _delete_flow,
    SetLink: _set_link,
    SetArp: _set_arp,
    Listen: _listen,
    **BUILDING,
}
