"""What has to be done so that a host becomes what a plan builds: pure, a plan and a snapshot in, a plan out.

A plan that builds something is a list of claims about the host: this namespace is there, with this link, this address.
`diff` keeps the changes whose claim does not hold in the snapshot, and adds what takes away things that an earlier
plan (`before`) claimed and the wanted one does not. A new namespace or link has nothing in it, so that all that is
claimed of it is made. Rules are claimed as a whole: where the text differs from the earlier one, or a line of it is
missing or out of order in the snapshot, all tables are loaded again and an administrator's commands run again after.
What somebody else added is left: rules between ours, links without our mark, addresses of theirs.

Programs (`Serve`, `Start`, `Relay`) are not compared with the snapshot: `same_programs` compares plans.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.change.address import AddAddress, DeleteAddress, has_address
from engine.change.link import DeleteLink
from engine.change.namespace import CreateBridge, CreateNetns, CreateVeth, DeleteNetns
from engine.change.namespace_file import WriteNetnsFile
from engine.change.program import PROGRAMS, Command
from engine.change.route import AddRoute, DeleteRoute, has_route
from engine.change.ruleset import LoadRules
from engine.change.sysctl import SetSysctl
from engine.model.host import Netns, Snapshot
from engine.model.link import Address
from engine.model.plan import Change, Plan
from engine.model.route import Route


def diff(desired: Plan, snapshot: Snapshot, before: Plan | None = None) -> Plan:
    """The changes that make the host of a snapshot what `desired` builds. None when it is that already."""
    earlier = before or Plan("", ())
    gone = _removed(earlier, desired, snapshot)
    fresh = _Fresh(gone)
    reload = _reloads(desired, earlier, snapshot)
    made: list[Change] = []
    for change in desired.changes:
        if isinstance(change, PROGRAMS):
            continue
        if isinstance(change, (LoadRules, Command)):
            again = change.netns in reload or fresh.in_new(change)
            needed = again or (isinstance(change, Command) and change not in earlier.changes)
        elif isinstance(change, WriteNetnsFile):
            needed = fresh.in_new(change) or change not in earlier.changes
        else:
            needed = fresh.in_new(change) or not change.holds(snapshot)
        if needed:
            made += [*_in_the_way(change, snapshot), change]
            fresh.add(change)
    return Plan(desired.title, (*gone, *made))


def restoring(todo: Plan, earlier: Plan) -> Plan:
    """What builds again what a plan of `diff` removes, out of the plan that had built it."""
    gone = [change for change in todo.changes if isinstance(change, (DeleteNetns, DeleteLink))]
    fresh = _Fresh(gone)
    made: list[Change] = []
    for change in earlier.changes:
        if not isinstance(change, PROGRAMS) and (fresh.removed(change) or fresh.in_new(change)):
            made.append(change)
            fresh.add(change)
    return Plan(earlier.title, tuple(made))


def same_programs(one: Plan, other: Plan) -> bool:
    """Whether two plans start the same programs and listeners."""
    return [change for change in one.changes if isinstance(change, PROGRAMS)] == [
        change for change in other.changes if isinstance(change, PROGRAMS)
    ]


def _in_the_way(change: Change, snapshot: Snapshot) -> list[Change]:
    """What has to go before a link can be made anew: one of its name, of which something else is wrong."""
    match change:
        case CreateBridge(netns, name) | CreateVeth(netns, name):
            there = snapshot.by_id.get(netns)
            return [DeleteLink(netns, name)] if there is not None and name in there.links_by_name else []
    return []


class _Fresh:
    """Namespaces and links that are new, or will be: what is claimed of them has to be made."""

    def __init__(self, gone: Iterable[Change]) -> None:
        self._namespaces = {change.name for change in gone if isinstance(change, DeleteNetns)}
        self._links = {(change.netns, change.name) for change in gone if isinstance(change, DeleteLink)}
        self._addresses: list[tuple[str, Address]] = []

    def add(self, change: Change) -> None:
        match change:
            case CreateNetns(name):
                self._namespaces.add(name)
            case CreateBridge() | CreateVeth():
                self._links |= set(_ends(change))
            case AddAddress(netns, _, address):
                self._addresses.append((netns, address))

    def removed(self, change: Change) -> bool:
        """Whether a change makes one of them."""
        match change:
            case CreateNetns(name):
                return name in self._namespaces
            case CreateBridge() | CreateVeth():
                return any(end in self._links or end[0] in self._namespaces for end in _ends(change))
        return False

    def in_new(self, change: Any) -> bool:
        """Whether a change is about something new: for a route, whether its gateway is reached by a new address."""
        netns = getattr(change, "netns", None)
        if netns in self._namespaces or getattr(change, "peer_netns", None) in self._namespaces:
            return True
        if isinstance(change, AddRoute):
            return _leads_by(change.route, (address for place, address in self._addresses if place == netns))
        if isinstance(change, SetSysctl):
            return any(place == netns and f".{link}." in change.name for place, link in self._links)
        return (netns, getattr(change, "link", None)) in self._links


def _removed(earlier: Plan, desired: Plan, snapshot: Snapshot) -> list[Change]:
    """What takes away what only the earlier plan has, as far as it is there: namespaces last."""
    wanted = set(_keys(desired))
    gone = {key: change for key, change in _keyed(earlier) if key not in wanted}
    namespaces = {change.name for change in gone.values() if isinstance(change, CreateNetns)}
    links = {
        end
        for change in gone.values()
        if isinstance(change, (CreateBridge, CreateVeth))
        for end in _ends(change)
        if end[0] not in namespaces
    }
    found: list[Change] = []
    for change in gone.values():
        netns = snapshot.by_id.get(getattr(change, "netns", ""))
        if netns is None or netns.id in namespaces or _goes_with(change, links, earlier):
            continue
        removal = _removal(change, netns)
        if removal is not None:
            found.append(removal)
    found += [DeleteNetns(name) for name in sorted(namespaces) if name in snapshot.by_id]
    return found


def _ends(change: CreateBridge | CreateVeth) -> tuple[tuple[str, str], ...]:
    """The links that a change makes: namespace and name."""
    if isinstance(change, CreateBridge):
        return ((change.netns, change.name),)
    return ((change.netns, change.name), (change.peer_netns, change.peer_name))


def _goes_with(change: Change, links: set[tuple[str, str]], earlier: Plan) -> bool:
    """Whether what a change made goes with one of the links: an address, or a route that leads by one."""
    match change:
        case AddAddress(netns, link):
            return (netns, link) in links
        case AddRoute(netns, route):
            lost = (one for one in earlier.changes if isinstance(one, AddAddress) and (one.netns, one.link) in links)
            return _leads_by(route, (one.address for one in lost if one.netns == netns))
    return False


def _leads_by(route: Route, addresses: Iterable[Address]) -> bool:
    """Whether a gateway of a route is reached by one of the addresses."""
    gateways = [hop.gateway for hop in route.nexthops if hop.gateway is not None]
    return any(address.covers(gateway) for address in addresses for gateway in gateways)


def _removal(change: Change, netns: Netns) -> Change | None:
    match change:
        case CreateBridge(name=name) | CreateVeth(name=name):
            return DeleteLink(netns.id, name) if name in netns.links_by_name else None
        case AddAddress(link=link, address=address) if link in netns.links_by_name:
            return DeleteAddress(netns.id, link, address) if has_address(netns, link, str(address)) else None
        case AddRoute(route=route):
            return DeleteRoute(netns.id, route) if has_route(netns, route) else None
        case WriteNetnsFile(netns=name, name=path, text=text) if text is not None:
            return WriteNetnsFile(name, path, None)
        case Command(words=words, back=back) if back:
            return Command(netns.id, back, words)
    return None


def _keyed(plan: Plan) -> list[tuple[tuple[object, ...], Change]]:
    return [(_key(change), change) for change in plan.changes if not isinstance(change, PROGRAMS)]


def _keys(plan: Plan) -> list[tuple[object, ...]]:
    return [key for key, _ in _keyed(plan)]


def _key(change: Change) -> tuple[object, ...]:
    """What a change is about: two of the same key claim the same thing, perhaps differently."""
    match change:
        case CreateNetns(name):
            return (CreateNetns, name)
        case CreateBridge(netns, name, mtu):
            return (CreateBridge, netns, name, mtu)
        case LoadRules():
            return (LoadRules, change.netns, change.backend, change.family)
        case SetSysctl(netns, name) | WriteNetnsFile(netns, name):
            return (type(change), netns, name)
    return (type(change), change)


def _reloads(desired: Plan, before: Plan, snapshot: Snapshot) -> set[str]:
    """The namespaces whose rules must be loaded again."""
    old = {_key(change): change for change in before.changes if isinstance(change, LoadRules)}
    found = set()
    for change in desired.changes:
        if isinstance(change, LoadRules):
            netns = snapshot.by_id.get(change.netns)
            known = old.get(_key(change), change)
            if netns is None or known != change or not change.holds(snapshot):
                found.add(change.netns)
    lost = [change for change in before.changes if isinstance(change, Command) and change not in desired.changes]
    return found | {change.netns for change in lost if not change.back}
