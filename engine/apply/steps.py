"""How each change is made and what undoes it: by its command line, or by a function of its own where that is not all.

`prepare` looks at what the change is about to overwrite and gives a `ApplyStep`: the inverse, to be written down first,
and the act. What lies in a namespace that the lab makes has no inverse, since it goes with the namespace. The handle
of an nft rule is known only once it is there, so the act of such a change gives its inverse afterwards.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.apply.errors import BuildError
from engine.apply.hands import Hands
from engine.apply.inverse import Inverse, RunCommand, WriteSysctl
from engine.apply.step import ApplyStep, Site, step_in
from engine.apply.steps_building import BUILDING
from engine.apply.steps_rebuilding import REBUILDING
from engine.change.address import AddAddress
from engine.change.application.hosts_line import AddHostsLine, DeleteHostsLine
from engine.change.application.proxy import ReloadProxy, SetUpstream
from engine.change.application.proxy_access import LetIn
from engine.change.engines.container import SetContainer
from engine.change.engines.network import ConnectNetwork
from engine.change.engines.new_network import CreateNetwork
from engine.change.link import SetLink
from engine.change.listener import Listen
from engine.change.neighbour import DeleteNeighbour
from engine.change.port import SetPort
from engine.change.route import AddRoute, DeleteRoute
from engine.change.rule import DeleteRule, InsertRule, ReplaceRule, words_of
from engine.change.sysctl import SetSysctl
from engine.model.firewall import Backend, Rule
from engine.model.plan import Change
from engine.model.where import RulePlace
from engine.records import replace

NFT_HANDLE = re.compile(r"# handle (\d+)\s*$", re.MULTILINE)

#: Commands of a container engine's client that undo each other.
OPPOSITES = {"unpause": "pause", "pause": "unpause", "start": "stop", "stop": "start"}


def prepare(change: Change, site: Site) -> ApplyStep:
    """The step that makes `change`. Raises BuildError for a change that cannot be made, OSError where looking fails."""
    return STEPS.get(type(change), _by_command)(change, site)


def _by_command(change: Any, site: Site) -> ApplyStep:
    """Made by its command line, or by netlink where `ACTS` has it; undone by the command line of its inverse."""
    path = site.where.path(change.netns)
    act = ACTS.get(type(change))
    back = change.inverse()

    def make() -> None:
        if act is not None:
            act(site.hands, path, change)
            return
        (argv,) = change.argv(site.bare())
        site.hands.run(path, argv)

    if back is None:
        return ApplyStep(make)
    return step_in(site, change.netns, lambda: RunCommand(path, back.argv(site.bare())[0]), make)


#: What netlink makes without a program.
ACTS: Mapping[type[Change], Callable[[Hands, str | None, Any], object]] = {
    AddAddress: lambda hands, path, change: hands.add_address(path, change.link, change.address),
    AddRoute: lambda hands, path, change: hands.route(path, "add", change.route),
    DeleteRoute: lambda hands, path, change: hands.route(path, "del", change.route),
    DeleteNeighbour: lambda hands, path, change: hands.delete_neighbour(path, change.link, change.address),
}


def _set_link(change: SetLink, site: Site) -> ApplyStep:
    path = site.where.path(change.netns)

    def inverse() -> Inverse:
        up, master = site.hands.link_state(path, change.link)
        before = replace(change, up=None if change.up is None else up, master=None if change.master is None else master)
        return RunCommand(path, before.argv(site.bare())[0])

    return step_in(
        site, change.netns, inverse, lambda: site.hands.set_link(path, change.link, change.up, change.master)
    )


def _set_port(change: SetPort, site: Site) -> ApplyStep:
    path = site.where.path(change.netns)
    (argv,) = change.argv(site.bare())

    def inverse() -> Inverse:
        (port,) = json.loads(site.hands.run(path, ("bridge", "-d", "-j", "link", "show", "dev", change.link)))
        return RunCommand(path, replace(change, value=int(port[change.option])).argv(site.bare())[0])

    return step_in(site, change.netns, inverse, lambda: site.hands.run(path, argv))


def _set_container(change: SetContainer, site: Site) -> ApplyStep:
    """What the engine's client does is undone where its command has an opposite."""
    (argv,) = change.argv(site.where)
    opposite = OPPOSITES.get(change.words[0])
    inverse = RunCommand(None, (*change.client, opposite, *change.words[1:])) if opposite else None

    def act() -> None:
        site.hands.run(None, argv)

    return ApplyStep(act, inverse)


def _create_network(change: CreateNetwork, site: Site) -> ApplyStep:
    """The engine's client makes a network, and removes it to undo that."""
    (argv,) = change.argv(site.where)
    inverse = RunCommand(None, (*change.client, "network", "rm", change.network))

    def act() -> None:
        site.hands.run(None, argv)

    return ApplyStep(act, inverse)


def _in_a_file(change: AddHostsLine | DeleteHostsLine | SetUpstream | LetIn | ReloadProxy, site: Site) -> ApplyStep:
    """A command writes a file or has a program read it; nothing here remembers what was there."""
    (argv,) = change.argv(site.where)

    def act() -> None:
        site.hands.run(None, argv)

    return ApplyStep(act, None)


def _connect_network(change: ConnectNetwork, site: Site) -> ApplyStep:
    """The engine's client connects, and disconnects to undo it."""
    (argv,) = change.argv(site.where)
    inverse = RunCommand(None, (*change.client, "network", "disconnect", change.network, change.name))

    def act() -> None:
        site.hands.run(None, argv)

    return ApplyStep(act, inverse)


def _set_sysctl(change: SetSysctl, site: Site) -> ApplyStep:
    path = site.where.path(change.netns)

    def inverse() -> Inverse:
        return WriteSysctl(path, change.name, site.hands.read_sysctl(path, change.name), change.value)

    return step_in(site, change.netns, inverse, lambda: site.hands.write_sysctl(path, change.name, change.value))


def _listen(change: Listen, _site: Site) -> ApplyStep:
    raise BuildError(f"the program in {change.netns} must listen on {change.listener}: its owner must see to that")


def _rule(change: InsertRule | ReplaceRule | DeleteRule, site: Site) -> ApplyStep:
    place = change.place
    path = site.where.path(place.netns)
    there = site.where.rules(place)
    (argv,) = change.argv(site.bare())
    if isinstance(change, DeleteRule):
        left = None if there is None else (*there[: place.index], *there[place.index + 1 :])
        back = InsertRule(place, change.rule, words_of(change.rule, place))
        return ApplyStep(lambda: _ran(site, path, argv), RunCommand(path, back.argv(site.bare(left))[0]))
    if place.backend is Backend.NFT:
        return ApplyStep(lambda: _made_by_nft(change, site, argv))
    new = Rule(place.index, (), shlex.join(("-A", place.chain, *change.words)))
    if isinstance(change, InsertRule):
        return ApplyStep(lambda: _ran(site, path, argv), RunCommand(path, DeleteRule(place, new).argv(site.bare())[0]))
    old = _old_rule(change, there)
    back_again = ReplaceRule(place, old, words_of(old, place))
    return ApplyStep(lambda: _ran(site, path, argv), RunCommand(path, back_again.argv(site.bare())[0]))


def _ran(site: Site, path: str | None, argv: Sequence[str]) -> None:
    site.hands.run(path, argv)


def _made_by_nft(change: InsertRule | ReplaceRule, site: Site, argv: Sequence[str]) -> Inverse:
    """Makes the rule, and gives the inverse by the handle that nft prints."""
    path = site.where.path(change.place.netns)
    handle = NFT_HANDLE.search(site.hands.run(path, (argv[0], "--echo", "--handle", *argv[1:])))
    if handle is None:
        raise BuildError("nft did not print the handle of the new rule")
    new = Rule(change.place.index, (), "", handle=int(handle.group(1)))
    if isinstance(change, InsertRule):
        return RunCommand(path, DeleteRule(change.place, new).argv(site.bare())[0])
    old = _old_rule(change, site.where.rules(change.place))
    return RunCommand(path, ReplaceRule(change.place, new, (old.text,)).argv(site.bare())[0])


def _old_rule(change: ReplaceRule, there: Sequence[Rule] | None) -> Rule:
    place: RulePlace = change.place
    if there is None or place.index >= len(there):
        raise BuildError(f"what rule {place.index} of {place.table} {place.chain} says is not known")
    return there[place.index]


STEPS: Mapping[type[Change], Callable[[Any, Site], ApplyStep]] = {
    SetSysctl: _set_sysctl,
    InsertRule: _rule,
    ReplaceRule: _rule,
    DeleteRule: _rule,
    SetPort: _set_port,
    SetContainer: _set_container,
    ConnectNetwork: _connect_network,
    CreateNetwork: _create_network,
    AddHostsLine: _in_a_file,
    DeleteHostsLine: _in_a_file,
    SetUpstream: _in_a_file,
    LetIn: _in_a_file,
    ReloadProxy: _in_a_file,
    SetLink: _set_link,
    Listen: _listen,
    **BUILDING,
    **REBUILDING,
}
