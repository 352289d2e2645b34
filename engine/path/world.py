"""A snapshot with the indexes that a walk needs, each made once and only where a packet comes by."""

from __future__ import annotations

from engine.model.host import Netns, Snapshot
from engine.path.existing import Flows
from engine.path.fib import Fib
from engine.path.stations import Stations


class World:
    """The snapshot under question. Indexes belong to a `Netns` value, so a changed snapshot that shares
    namespaces with another (`derive`) shares their indexes too."""

    def __init__(self, snapshot: Snapshot, known: World | None = None) -> None:
        self.snapshot = snapshot
        self._fibs: dict[int, tuple[Netns, Fib]] = dict(known._fibs) if known else {}
        self._stations: dict[int, tuple[Netns, Stations]] = dict(known._stations) if known else {}
        self._flows: dict[int, tuple[Netns, Flows]] = dict(known._flows) if known else {}

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

    def stations(self, netns: Netns) -> Stations:
        """The namespace's netfilter hooks, in order."""
        found = self._stations.get(id(netns))
        if found is None:
            found = self._stations[id(netns)] = (netns, Stations(netns.firewall))
        return found[1]

    def flows(self, netns: Netns) -> Flows:
        """The flows that the namespace tracks already, indexed."""
        found = self._flows.get(id(netns))
        if found is None:
            found = self._flows[id(netns)] = (netns, Flows(netns))
        return found[1]

    def tracking(self) -> list[Flows]:
        """The flows of every namespace that tracks some."""
        return [self.flows(netns) for netns in self.snapshot.namespaces if netns.conntrack]
