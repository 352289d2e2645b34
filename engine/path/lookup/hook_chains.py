"""The netfilter hooks of a namespace: which base chains a packet meets, in which order.

At every hook the base chains of all backends run in one list by priority; connection tracking (-200) and
NAT (-100 and 100) are stations of that list too. Chains of type nat have no place of their own: they run
inside the NAT station, ordered among themselves. Both kinds of station are there only while a rule has the namespace
track connections (`tracking`), and NAT only while there is a chain of type nat. At equal priority the chain that was
registered last runs first (measured; nf_hook_entries_grow inserts a new hook before its equals). When a chain of
iptables-legacy was registered cannot be seen: beside others of its priority it runs first or last (`tied`).
"""

from __future__ import annotations

from enum import StrEnum

from engine.model.firewall import Backend, BaseChain, Chain, Firewall, Table, VerdictKind
from engine.path.lookup.conntrack_in_use import TrackingNeeds
from engine.records import dataclass


class StationKind(StrEnum):
    """What a station does with a packet."""

    CHAIN = "chain"
    CONNTRACK = "conntrack"
    NAT = "nat"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Hooked:
    """A base chain, with the table that its jumps and sets are looked up in."""

    table: Table
    chain: Chain
    base: BaseChain


@dataclass(frozen=True, slots=True)
class HookEntry:
    """One stop at a hook. A NAT station holds all nat chains of the hook, any other at most one chain."""

    kind: StationKind
    priority: int
    chains: tuple[Hooked, ...] = ()


#: Families whose hooks chains of family inet are at, too, and where connections are tracked.
IP_FAMILIES = frozenset({"ip", "ip6"})
#: After every chain (NF_IP_PRI_CONNTRACK_CONFIRM, INT_MAX).
LAST = 0x7FFFFFFF
#: Fixed stations by hook: (kind, priority). include/uapi/linux/netfilter_ipv4.h, enum nf_ip_hook_priorities.
FIXED: dict[str, tuple[tuple[StationKind, int], ...]] = {
    "prerouting": ((StationKind.CONNTRACK, -200), (StationKind.NAT, -100)),
    "input": ((StationKind.NAT, 100), (StationKind.CONFIRM, LAST)),
    "forward": (),
    "output": ((StationKind.CONNTRACK, -200), (StationKind.NAT, -100)),
    "postrouting": ((StationKind.NAT, 100), (StationKind.CONFIRM, LAST)),
}


class HookChains:
    """The hooks of one namespace's firewall. With `tracking` connections are tracked, whatever the rules say."""

    def __init__(self, firewall: Firewall, *, tracking: bool = False, needs: TrackingNeeds | None = None) -> None:
        self._firewall = firewall
        self._needs = needs or TrackingNeeds()
        self._tracking = tracking
        self._at: dict[tuple[str, str, frozenset[int]], tuple[HookEntry, ...]] = {}
        self._tied: dict[tuple[str, str], tuple[Hooked, ...]] = {}
        self._on_device: dict[tuple[str, str], tuple[Hooked, ...]] = {}

    def at(self, hook: str, family: str, legacy_first: frozenset[int] = frozenset()) -> tuple[HookEntry, ...]:
        """The stations at a hook for packets of a family ("ip", "ip6", "bridge" or "arp"), in order.

        `legacy_first` has the priorities at which a legacy chain runs before the others.
        """
        asked = hook, family, legacy_first
        if asked not in self._at:
            self._at[asked] = self._stations(*asked)
        return self._at[asked]

    def tied(self, hook: str, family: str) -> tuple[Hooked, ...]:
        """The legacy chains at a hook whose order among others of their priority is not known and can matter."""
        asked = hook, family
        if asked not in self._tied:
            busy = [each for each in self._hooked(hook, family) if not _idle(each)]
            native = {_rank(each) for each in busy if each.table.backend is not Backend.XT_LEGACY}
            legacy = (each for each in busy if each.table.backend is Backend.XT_LEGACY)
            self._tied[asked] = tuple(each for each in legacy if _rank(each) in native)
        return self._tied[asked]

    def on_device(self, hook: str, device: str) -> tuple[Hooked, ...]:
        """The chains at the ingress or egress hook of one device, in order."""
        asked = hook, device
        if asked not in self._on_device:
            hooked = self._hooked(hook, "netdev") + self._hooked(hook, "inet")
            found = [each for each in hooked if any(_names(pattern, device) for pattern in each.base.devices)]
            found.sort(key=lambda each: (each.base.priority, -(each.base.registered or 0)))
            self._on_device[asked] = tuple(found)
        return self._on_device[asked]

    def _hooked(self, hook: str, family: str) -> list[Hooked]:
        families = (family, "inet") if family in IP_FAMILIES else (family,)
        return [
            Hooked(table, chain, chain.base)
            for table in self._firewall.tables
            if table.family in families and "dormant" not in table.flags
            for chain in table.chains
            if chain.base is not None and chain.base.hook == hook
        ]

    def _stations(self, hook: str, family: str, legacy_first: frozenset[int]) -> tuple[HookEntry, ...]:
        def order(each: Hooked) -> tuple[int, bool, int]:
            legacy = each.table.backend is Backend.XT_LEGACY
            first = legacy and each.base.priority in legacy_first
            return (each.base.priority, not first, -(each.base.registered or 0))

        hooked = sorted(self._hooked(hook, family), key=order)
        nat = tuple(each for each in hooked if each.base.kind == "nat")
        stations = [
            HookEntry(StationKind.CHAIN, each.base.priority, (each,)) for each in hooked if each.base.kind != "nat"
        ]
        if family in IP_FAMILIES and (self._tracking or self._needs.tracks(self._firewall, family)):
            translates = any(_translates(table, family) for table in self._firewall.tables)
            stations += [
                HookEntry(kind, priority, nat if kind is StationKind.NAT else ())
                for kind, priority in FIXED[hook]
                if kind is not StationKind.NAT or translates
            ]
        stations.sort(key=lambda station: station.priority)
        return tuple(stations)


def _translates(table: Table, family: str) -> bool:
    """Whether a table has a chain of type nat, which puts NAT at all of its hooks (nf_nat_register_fn)."""
    awake = table.family in (family, "inet") and "dormant" not in table.flags
    return awake and any(chain.base is not None and chain.base.kind == "nat" for chain in table.chains)


def _names(pattern: str, device: str) -> bool:
    return device.startswith(pattern[:-1]) if pattern.endswith("*") else device == pattern


def _idle(each: Hooked) -> bool:
    """Whether a base chain lets every packet on as it is."""
    return not each.chain.rules and each.base.policy is VerdictKind.ACCEPT


def _rank(each: Hooked) -> tuple[bool, int]:
    """What two chains share that only their registration orders: nat chains are ordered among themselves."""
    return (each.base.kind == "nat", each.base.priority)
