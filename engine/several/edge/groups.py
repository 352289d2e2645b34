"""Security groups: what a cloud's firewall lets to a device and from it, as rules of the host that has the device.

The packet meets them where it comes in by the device, before it is translated, and where it leaves by it, after. They
know which connections they have let through, as the clouds' do (AWS, OpenStack, Azure, Google).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain as chained

from engine.model.address import IPAddress
from engine.model.firewall import (
    BaseChain,
    Chain,
    Field,
    Interval,
    Match,
    RuleVerdict,
    VerdictKind,
)
from engine.model.host import Netns, Snapshot
from engine.model.owner import EDGE_GROUPS
from engine.model.packet import Protocol
from engine.records import replace
from engine.several.edge.nouns import EdgeEnd, EdgeFile, EdgeRule, SecurityGroup
from engine.several.edge.statements import ANSWERS, Line, chain, device, lines_of, spoken, table, verdict
from engine.several.outlets import Outlet

#: Behind conntrack (-200) and before any translation; and behind all translations (linux/netfilter_ipv4.h).
_IN, _OUT = -199, 101
#: Types of neighbour discovery (RFC 4861): no cloud's groups are about it.
_DISCOVERY = Interval(133, 137)
_NEIGHBOURS: Line = (
    (
        spoken(Protocol.ICMPV6),
        Match((Field("icmpv6 type"),), ((_DISCOVERY,),), text="neighbour discovery"),
        RuleVerdict(VerdictKind.ACCEPT),
    ),
    "allow neighbour discovery",
)


class Groups:
    """The security groups of a file, on the hosts that are there."""

    def __init__(self, whole: Snapshot, edge: EdgeFile, outlets: Sequence[Outlet]) -> None:
        self._whole = whole
        self._edge = edge
        self._leading: dict[str, list[str]] = {}
        for inside in chained.from_iterable(each.inside for each in outlets):
            self._leading.setdefault(inside.netns, []).append(inside.link.name)

    def applied(self) -> Snapshot:
        """The hosts with their groups' rules."""
        changed = [self._with_groups(netns) for netns in self._whole.namespaces]
        return replace(self._whole, namespaces=tuple(changed))

    def _with_groups(self, netns: Netns) -> Netns:
        found = self._by_device(netns)
        if not found:
            return netns
        chains: list[Chain] = []
        for way, side, hook, priority in (
            ("inbound", "iifname", "prerouting", _IN),
            ("outbound", "oifname", "postrouting", _OUT),
        ):
            jumps: list[Line] = []
            for name, groups in found.items():
                lines = list(self._lines(groups, way))
                if lines:
                    own = f"{'+'.join(each.name for each in groups)} {way}"
                    chains += [] if any(each.name == own for each in chains) else [chain(own, lines)]
                    jumps.append(((device(side, (name,)), RuleVerdict(VerdictKind.JUMP, own)), f"{way} of {name}"))
            if jumps:
                chains.append(chain(way, jumps, BaseChain("filter", hook, priority)))
        tables = (*netns.firewall.tables, table(EDGE_GROUPS, chains)) if chains else netns.firewall.tables
        return replace(netns, firewall=replace(netns.firewall, tables=tables))

    def _by_device(self, netns: Netns) -> Mapping[str, list[SecurityGroup]]:
        """The groups on each device of a host."""
        found: dict[str, list[SecurityGroup]] = {}
        if not any(each.home == netns.id for each in self._whole.machines):
            return found
        for group in self._edge.groups:
            for end in group.ends:
                for name in self._devices(end) if end.host == netns.machine else ():
                    if group not in found.setdefault(name, []):
                        found[name].append(group)
        return found

    def _devices(self, end: EdgeEnd) -> list[str]:
        machine = self._whole.machines_by_name.get(end.host)
        if machine is None:
            return []
        return [end.device] if end.device else list(dict.fromkeys(self._leading.get(machine.home, ())))

    def _lines(self, groups: list[SecurityGroup], way: str) -> Iterator[Line]:
        """The rules of one direction; none where one of the groups lets all pass."""
        sides = [each.inbound if way == "inbound" else each.outbound for each in groups]
        if any(side is None for side in sides):
            return
        yield ANSWERS
        yield _NEIGHBOURS
        for group, side in zip(groups, sides, strict=True):
            for rule in side or ():
                yield from self._named(group, rule)
        names = " and ".join(each.name for each in groups)
        yield (verdict("drop"),), f"drop what {names} does not allow ({self._edge.name})"

    def _named(self, group: SecurityGroup, rule: EdgeRule) -> Iterator[Line]:
        members = self._members(rule.group) if rule.group else None
        for said, text in lines_of(rule, members):
            yield said, f"{group.name}: {text}"

    def _members(self, name: str) -> list[IPAddress]:
        """The addresses of the devices that a group is on."""
        found: list[IPAddress] = []
        for group in self._edge.groups:
            for end in group.ends if group.name == name else ():
                machine = self._whole.machines_by_name.get(end.host)
                if machine is not None:
                    netns = self._whole.by_id[machine.home]
                    indexes = {netns.links_by_name[each].index for each in self._devices(end)}
                    found += [each.address for each in netns.addresses if each.link in indexes]
        return found
