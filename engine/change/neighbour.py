"""Neighbour entries. Source: ip-neighbour(8)."""

from __future__ import annotations

from engine.change.words import ip
from engine.model.address import IPAddress
from engine.model.host import Snapshot
from engine.model.plan import Change
from engine.model.where import Argvs, Where
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class DeleteNeighbour(Change):
    """Deletes a neighbour entry. The kernel resolves the address again when it needs it: there is no way back."""

    netns: str
    link: str
    address: IPAddress

    def argv(self, where: Where) -> Argvs:
        """`ip neigh del`."""
        return (ip(where, self.netns, "neigh", "del", str(self.address), "dev", self.link),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The entries without it."""
        netns = snapshot.by_id[self.netns]
        entry = (netns.links_by_name[self.link].index, self.address)
        kept = tuple(each for each in netns.neighbours if (each.link, each.address) != entry)
        return snapshot.with_netns(replace(netns, neighbours=kept))
