"""A snapshot with the indexes that a walk needs, each made once and only where a packet comes by."""

from __future__ import annotations

from functools import cached_property

from engine.model.host import Netns, Snapshot
from engine.model.link import Link
from engine.path.budget import Budget
from engine.path.fields.chain_index import Chains
from engine.path.lookup.broadcast_domain import Segment, heard_inside, segment_of
from engine.path.lookup.conntrack_in_use import TrackingNeeds
from engine.path.lookup.conntrack_snapshot import Flows
from engine.path.lookup.device_topology import Wiring
from engine.path.lookup.fib import Fib
from engine.path.lookup.hook_chains import HookChains
from engine.path.lookup.set_lookup import Lookups


class World:
    """The snapshot under question. Indexes belong to a `Netns` value, so a changed snapshot that shares
    namespaces with another (`derive`) shares their indexes too. `chains`, `lookups` and `needs` belong to chains, sets
    and rules.
    `budget` is that of the answer, whatever is changed on the way to it."""

    def __init__(self, snapshot: Snapshot, known: World | None = None, budget: Budget | None = None) -> None:
        self.snapshot = snapshot
        self.budget: Budget = budget or (known.budget if known else Budget())
        self._fibs: dict[int, tuple[Netns, Fib]] = dict(known._fibs) if known else {}
        self._stations: dict[int, tuple[Netns, HookChains]] = dict(known._stations) if known else {}
        self._flows: dict[int, tuple[Netns, Flows]] = dict(known._flows) if known else {}
        self._segments: dict[tuple[str, int, int | None, int | None], Segment] = {}
        self._heard: dict[tuple[str, int, int | None], Segment] = {}
        self.wiring = Wiring(snapshot)
        self.chains: Chains = known.chains if known else Chains()
        self.lookups: Lookups = known.lookups if known else Lookups()
        self.needs: TrackingNeeds = known.needs if known else TrackingNeeds()

    @cached_property
    def now(self) -> float | None:
        """When the snapshot was taken, in seconds since 1970; None where that is not known."""
        try:
            from datetime import datetime  # noqa: PLC0415 - only rules about the time ask

            return datetime.fromisoformat(self.snapshot.taken_at).timestamp()
        except ValueError:
            return None

    def derive(self, snapshot: Snapshot) -> World:
        """The world of a changed snapshot, with the indexes of the namespaces that did not change."""
        return World(snapshot, known=self)

    def netns(self, netns_id: str) -> Netns:
        """The namespace of that id."""
        return self.snapshot.by_id[netns_id]

    def fib(self, netns: Netns) -> Fib:
        """The namespace's routing tables, indexed."""
        found = self._fibs.get(id(netns))
        if found is None:
            found = self._fibs[id(netns)] = (netns, Fib(netns))
        return found[1]

    def stations(self, netns: Netns) -> HookChains:
        """The namespace's netfilter hooks, in order. Tracked flows tell of tracking where rules could not be read."""
        found = self._stations.get(id(netns))
        if found is None:
            unread = any(gap.netns == netns.id for gap in self.snapshot.gaps)
            stations = HookChains(netns.firewall, tracking=unread and bool(netns.conntrack), needs=self.needs)
            found = self._stations[id(netns)] = (netns, stations)
        return found[1]

    def segment(self, netns: Netns, link: Link, inside: int | None = None, version: int | None = None) -> Segment:
        """Who hears a broadcast that leaves by the link, or a question for a neighbour of that IP version. It depends
        on many namespaces, so no other world shares it."""
        key = netns.id, link.index, inside, version
        if key not in self._segments:
            self._segments[key] = segment_of(self.wiring, netns, link, inside, version)
        return self._segments[key]

    def heard(self, netns: Netns, link: Link, vlan: int | None = None) -> Segment:
        """Who hears a frame for everybody that comes in by the link."""
        key = netns.id, link.index, vlan
        if key not in self._heard:
            self._heard[key] = heard_inside(self.wiring, netns, link, vlan)
        return self._heard[key]

    def flows(self, netns: Netns) -> Flows:
        """The flows that the namespace tracks already, indexed."""
        found = self._flows.get(id(netns))
        if found is None:
            found = self._flows[id(netns)] = (netns, Flows(netns))
        return found[1]

    def tracking(self) -> list[Flows]:
        """The flows of every namespace that tracks some."""
        return [self.flows(netns) for netns in self.snapshot.namespaces if netns.conntrack]
