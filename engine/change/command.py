"""A change as the command lines that a person would type for it.

Laws:
1. Pure: words in, words out. Nothing is run, nothing is looked up outside the arguments.
2. One function for each kind of change, in one table. A change that no command can make (`Listen`) has none.
3. A command names its backend: `iptables-nft` and `iptables-legacy` always mean what they say, where plain
   `iptables` is whichever of the two the host's alternatives point at.
4. A rule is deleted by what it says, never by its number: between looking and typing another program may have
   inserted a rule, and `-D CHAIN 3` would then remove a stranger; `-D CHAIN SPEC` removes that rule or fails. Numbers
   also shift while several rules go, specifications do not. Of two equal rules the first one goes, which is the one
   that decides. In nftables the handle does the same service: it is never given to another rule of the table.
5. A position is used where only a position can say it: where to insert, and what to replace.

Sources: iptables(8), nft(8), ip-route(8), ip-link(8), sysctl(8), conntrack(8).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.change.command_building import BUILDING, XT_PROGRAMS, XT_SUFFIX
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
from engine.change.where import Where, seen
from engine.change.words import Argv, address_words, flow_words, policy_rule_words, route_words, rule_spec, sysctl_word
from engine.model.address import Family
from engine.model.firewall import Backend, Rule
from engine.model.host import Snapshot

Argvs = tuple[Argv, ...]


def argvs(change: Change, where: Where | Snapshot) -> Argvs:
    """The command lines that make `change`, in order, each a tuple of words for execve; () where no command can.

    Raises ValueError when the change names a link, namespace or rule that `where` cannot express.
    """
    world = seen(where) if isinstance(where, Snapshot) else where
    return COMMANDS[type(change)](change, world)


def _xt(place: RulePlace, where: Where) -> Argv:
    wait = ("-w",) if place.backend is Backend.XT_LEGACY and place.family in ("ip", "ip6") else ()
    program = f"{XT_PROGRAMS[place.family]}-{XT_SUFFIX[place.backend]}"
    return (*where.enter(place.netns), program, *wait, "-t", place.table)


def _nft(place: RulePlace, where: Where, verb: str) -> Argv:
    return (*where.enter(place.netns), "nft", verb, "rule", place.family, place.table, place.chain)


def _handle(place: RulePlace, rule: Rule | None, where: Where) -> Argv:
    """`handle H` of a rule: its own, or that of the rule which is at the place now."""
    if rule is not None and rule.handle is not None:
        return ("handle", str(rule.handle))
    there = where.rules(place) or ()
    if place.index < len(there) and (handle := there[place.index].handle) is not None:
        return ("handle", str(handle))
    raise ValueError(f"rule {place.index} of {place.family} {place.table} {place.chain} has no handle")


def _insert_rule(change: InsertRule, where: Where) -> Argvs:
    place = change.place
    if place.backend is not Backend.NFT:
        return ((*_xt(place, where), "-I", place.chain, str(place.index + 1), *change.words),)
    if place.index == 0:
        return ((*_nft(place, where, "insert"), *change.words),)
    there = where.rules(place)
    if there is None:
        return ((*_nft(place, where, "insert"), "index", str(place.index), *change.words),)
    if place.index >= len(there):
        return ((*_nft(place, where, "add"), *change.words),)
    return ((*_nft(place, where, "insert"), *_handle(place, None, where), *change.words),)


def _replace_rule(change: ReplaceRule, where: Where) -> Argvs:
    place = change.place
    if place.backend is not Backend.NFT:
        return ((*_xt(place, where), "-R", place.chain, str(place.index + 1), *change.words),)
    return ((*_nft(place, where, "replace"), *_handle(place, change.rule, where), *change.words),)


def _delete_rule(change: DeleteRule, where: Where) -> Argvs:
    place = change.place
    if place.backend is not Backend.NFT:
        return ((*_xt(place, where), "-D", place.chain, *rule_spec(change.rule, place.chain)),)
    return ((*_nft(place, where, "delete"), *_handle(place, change.rule, where)),)


def _delete_element(change: DeleteElement, where: Where) -> Argvs:
    words: Argv = ("ipset", "del", change.name, change.words)
    if change.table:
        words = ("nft", "delete", "element", change.family, change.table, change.name, f"{{ {change.words} }}")
    return ((*where.enter(change.netns), *words),)


def _set_sysctl(change: SetSysctl, where: Where) -> Argvs:
    return ((*where.enter(change.netns), "sysctl", "-w", f"{sysctl_word(change.name)}={change.value}"),)


def _ip(where: Where, netns: str, *words: str) -> Argv:
    return (*where.enter(netns), "ip", *words)


def _route(change: AddRoute | DeleteRoute, where: Where) -> Argvs:
    adds = isinstance(change, AddRoute)
    words = route_words(change.route, lambda index: where.device(change.netns, index), exact=not adds)
    family = ("-6",) if change.route.destination.version == 6 else ()
    return (_ip(where, change.netns, *family, "route", "add" if adds else "del", *words),)


def _policy_rule(change: AddPolicyRule | DeletePolicyRule, where: Where) -> Argvs:
    family = ("-6",) if change.rule.family is Family.INET6 else ()
    verb = "add" if isinstance(change, AddPolicyRule) else "del"
    return (_ip(where, change.netns, *family, "rule", verb, *policy_rule_words(change.rule)),)


def _set_port(change: SetPort, where: Where) -> Argvs:
    value = "on" if change.value else "off"
    return ((*where.enter(change.netns), "bridge", "link", "set", "dev", change.link, change.option, value),)


def _set_container(change: SetContainer, _where: Where) -> Argvs:
    return ((*change.client, *change.words),)


def _add_address(change: AddAddress, where: Where) -> Argvs:
    return (_ip(where, change.netns, "addr", "add", *address_words(change.address), "dev", change.link),)


def _delete_address(change: DeleteAddress, where: Where) -> Argvs:
    return (_ip(where, change.netns, "addr", "del", str(change.address), "dev", change.link),)


def _delete_neighbour(change: DeleteNeighbour, where: Where) -> Argvs:
    return (_ip(where, change.netns, "neigh", "del", str(change.address), "dev", change.link),)


def _forwarding(change: AddForwarding | DeleteForwarding, where: Where) -> Argvs:
    verb = "append" if isinstance(change, AddForwarding) else "del"
    words = ("bridge", "fdb", verb, change.mac, "dev", change.link, "dst", str(change.remote))
    return ((*where.enter(change.netns), *words),)


def _delete_flow(change: DeleteFlow, where: Where) -> Argvs:
    return ((*where.enter(change.netns), "conntrack", "-D", *flow_words(change.entry)),)


def _set_link(change: SetLink, where: Where) -> Argvs:
    words: list[str] = []
    if change.master is not None:
        words += ["master", change.master] if change.master else ["nomaster"]
    if change.up is not None:
        words.append("up" if change.up else "down")
    return (_ip(where, change.netns, "link", "set", change.link, *words),) if words else ()


def _set_arp(change: SetArp, where: Where) -> Argvs:
    return (_ip(where, change.netns, "link", "set", change.link, "arp", "on" if change.on else "off"),)


def _listen(_change: Listen, _where: Where) -> Argvs:
    return ()


COMMANDS: Mapping[type[Any], Callable[[Any, Where], Argvs]] = {
    SetSysctl: _set_sysctl,
    InsertRule: _insert_rule,
    ReplaceRule: _replace_rule,
    DeleteRule: _delete_rule,
    DeleteElement: _delete_element,
    AddRoute: _route,
    DeleteRoute: _route,
    AddPolicyRule: _policy_rule,
    DeletePolicyRule: _policy_rule,
    SetPort: _set_port,
    SetContainer: _set_container,
    AddAddress: _add_address,
    DeleteAddress: _delete_address,
    DeleteNeighbour: _delete_neighbour,
    AddForwarding: _forwarding,
    DeleteForwarding: _forwarding,
    DeleteFlow: _delete_flow,
    SetLink: _set_link,
    SetArp: _set_arp,
    Listen: _listen,
    **BUILDING,
}
