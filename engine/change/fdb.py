"""Forwarding entries of a vxlan. For a MAC address of all zeros: frames for which it has no entry.

Source: bridge(8), bridge fdb.
"""

from __future__ import annotations

from engine.model.address import IPAddress
from engine.model.host import Snapshot
from engine.model.link import FdbEntry
from engine.model.plan import Change
from engine.model.where import Argvs, Where
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class AddForwarding(Change):
    """A vxlan sends frames for a MAC address to a remote."""

    netns: str
    link: str
    mac: str
    remote: IPAddress

    def argv(self, where: Where) -> Argvs:
        """`bridge fdb append`."""
        return _command(where, self, "append")

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The entry stands after those that are there."""
        netns = snapshot.by_id[self.netns]
        link = netns.links_by_name[self.link]
        entry = FdbEntry(link.index, link.master, self.mac, destination=self.remote)
        return snapshot.with_netns(replace(netns, fdb=(*netns.fdb, entry)))

    def inverse(self, before: Snapshot | None = None) -> Change | None:  # noqa: ARG002
        """Removes it."""
        return DeleteForwarding(self.netns, self.link, self.mac, self.remote)


@dataclass(frozen=True, slots=True)
class DeleteForwarding(Change):
    """Removes a vxlan's forwarding entry."""

    netns: str
    link: str
    mac: str
    remote: IPAddress

    def argv(self, where: Where) -> Argvs:
        """`bridge fdb del`."""
        return _command(where, self, "del")

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The entries without it."""
        netns = snapshot.by_id[self.netns]
        entry = (netns.links_by_name[self.link].index, self.mac, self.remote)
        kept = tuple(each for each in netns.fdb if (each.link, each.mac, each.destination) != entry)
        return snapshot.with_netns(replace(netns, fdb=kept))

    def inverse(self, before: Snapshot | None = None) -> Change | None:  # noqa: ARG002
        """Adds it again."""
        return AddForwarding(self.netns, self.link, self.mac, self.remote)


def _command(where: Where, change: AddForwarding | DeleteForwarding, verb: str) -> Argvs:
    words = ("bridge", "fdb", verb, change.mac, "dev", change.link, "dst", str(change.remote))
    return ((*where.enter(change.netns), *words),)
