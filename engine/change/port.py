"""Options of bridge ports. Source: bridge(8), bridge link set."""

from __future__ import annotations

from typing import Any

from engine.model.host import Snapshot
from engine.model.link import BridgePort
from engine.model.plan import Change
from engine.model.where import Argvs, Where
from engine.records import dataclass, replace

#: Options whose name in `BridgePort` is another one.
FIELDS = {"bcast_flood": "broadcast_flood", "mcast_flood": "multicast_flood"}


@dataclass(frozen=True, slots=True)
class SetPort(Change):
    """Sets an option of a bridge port, 0 or 1: hairpin, isolated, learning, flood, bcast_flood, mcast_flood, guard."""

    netns: str
    link: str
    option: str
    value: int

    @property
    def field(self) -> str:
        """The option's name in `BridgePort`."""
        return FIELDS.get(self.option, self.option)

    def argv(self, where: Where) -> Argvs:
        """`bridge link set`."""
        value = "on" if self.value else "off"
        return ((*where.enter(self.netns), "bridge", "link", "set", "dev", self.link, self.option, value),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The port with the option."""
        netns = snapshot.by_id[self.netns]
        link = netns.links_by_name[self.link]
        values: dict[str, Any] = {self.field: bool(self.value)}
        port = replace(link.port or BridgePort(), **values)
        return snapshot.with_netns(netns.with_link(replace(link, port=port)))

    def inverse(self, before: Snapshot | None = None) -> Change | None:
        """Sets the old value."""
        if before is None:
            return None
        port = before.by_id[self.netns].links_by_name[self.link].port or BridgePort()
        return SetPort(self.netns, self.link, self.option, int(getattr(port, self.field)))

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether the port has the option so."""
        netns = snapshot.by_id.get(self.netns)
        link = netns.links_by_name.get(self.link) if netns else None
        return link is not None and link.port is not None and bool(getattr(link.port, self.field)) == bool(self.value)
