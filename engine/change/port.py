"""Bridge ports: their options and state, and the spanning tree that keeps it. Source: bridge(8), bridge link set."""

from __future__ import annotations

from typing import Any

from engine.change.words import ip
from engine.model.host import Snapshot
from engine.model.link import BridgeOptions, BridgePort
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


@dataclass(frozen=True, slots=True)
class SetSpanningTree(Change):
    """Turns a bridge's spanning tree on or off (ip-link(8), stp_state). Ports stay in the state that they are in
    (net/bridge/br_stp_if.c, br_stp_stop)."""

    netns: str
    link: str
    on: bool

    def argv(self, where: Where) -> Argvs:
        """`ip link set type bridge stp_state`."""
        return (ip(where, self.netns, "link", "set", self.link, "type", "bridge", "stp_state", str(int(self.on))),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The bridge with the option."""
        netns = snapshot.by_id[self.netns]
        link = netns.links_by_name[self.link]
        return snapshot.with_netns(
            netns.with_link(replace(link, bridge=replace(link.bridge or BridgeOptions(), stp=self.on)))
        )

    def inverse(self, before: Snapshot | None = None) -> Change | None:  # noqa: ARG002
        """Turns it the other way."""
        return replace(self, on=not self.on)

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether it is so."""
        netns = snapshot.by_id.get(self.netns)
        link = netns.links_by_name.get(self.link) if netns else None
        return link is not None and link.bridge is not None and link.bridge.stp is self.on


@dataclass(frozen=True, slots=True)
class ForwardOnPort(Change):
    """Brings a bridge port into the state forwarding, which the kernel does by itself where a spanning tree is kept
    (there it answers EBUSY; net/bridge/br_stp.c, br_set_state). Nothing brings the earlier state back."""

    netns: str
    link: str

    def argv(self, where: Where) -> Argvs:
        """`bridge link set state`."""
        return ((*where.enter(self.netns), "bridge", "link", "set", "dev", self.link, "state", "forwarding"),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The port in that state."""
        netns = snapshot.by_id[self.netns]
        link = netns.links_by_name[self.link]
        port = replace(link.port or BridgePort(), state="forwarding")
        return snapshot.with_netns(netns.with_link(replace(link, port=port)))

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether it forwards."""
        netns = snapshot.by_id.get(self.netns)
        link = netns.links_by_name.get(self.link) if netns else None
        return link is not None and link.port is not None and link.port.state == "forwarding"
