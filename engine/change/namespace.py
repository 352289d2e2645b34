"""What a lab's network is made of: namespaces, bridges and veth pairs of its own. Sources: ip-netns(8), ip-link(8)."""

from __future__ import annotations

from engine.change.words import ip
from engine.model.host import Snapshot
from engine.model.plan import Change
from engine.model.where import NETNS_DIR, Argv, Argvs, Where
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class CreateNetns(Change):
    """A new named namespace, with its loopback up."""

    name: str

    def argv(self, where: Where) -> Argvs:
        """`ip netns add`."""
        return (("ip", "netns", "add", self.name), ip(where, self.name, "link", "set", "lo", "up"))

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether a namespace has the name."""
        return self.name in snapshot.by_id


@dataclass(frozen=True, slots=True)
class DeleteNetns(Change):
    """Removes a named namespace that carries the lab's mark, with all that is in it."""

    name: str

    def argv(self, where: Where) -> Argvs:  # noqa: ARG002
        """`ip netns del`."""
        return (("ip", "netns", "del", self.name),)


@dataclass(frozen=True, slots=True)
class CreateBridge(Change):
    """A new bridge in a namespace, up by default. An `mtu` of None is the kernel's default."""

    netns: str
    name: str
    mtu: int | None = None
    up: bool = True

    def argv(self, where: Where) -> Argvs:
        """`ip link add … type bridge`."""
        made = ip(where, self.netns, "link", "add", self.name, *_mtu(self.mtu), "type", "bridge")
        return (made, ip(where, self.netns, "link", "set", self.name, "up")) if self.up else (made,)

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether there is such a bridge."""
        netns = snapshot.by_id.get(self.netns)
        link = netns.links_by_name.get(self.name) if netns else None
        return link is not None and link.kind == "bridge" and (link.up or not self.up)


@dataclass(frozen=True, slots=True)
class CreateVeth(Change):
    """A new veth pair with an end in each of two namespaces; `master` is for the first end, which is up.

    `up` says whether the second one is, too.
    """

    netns: str
    name: str
    peer_netns: str
    peer_name: str
    master: str | None = None
    mtu: int | None = None
    up: bool = True

    def argv(self, where: Where) -> Argvs:
        """The pair is made from the side that has no path, because `ip link … netns` can only name the other one."""
        here, there = (self.netns, self.name), (self.peer_netns, self.peer_name)
        if where.path(there[0]) is None:
            here, there = there, here
        path = where.path(there[0])
        beyond = ("netns", path.removeprefix(f"{NETNS_DIR}/")) if path is not None and here[0] != there[0] else ()
        master = ("master", self.master) if self.master else ()
        far = (*_mtu(self.mtu), *(("up",) if self.up else ()))
        return (
            ip(where, here[0], "link", "add", here[1], "type", "veth", "peer", "name", there[1], *beyond),
            ip(where, self.netns, "link", "set", self.name, *_mtu(self.mtu), *master, "up"),
            *((ip(where, self.peer_netns, "link", "set", self.peer_name, *far),) if far else ()),
        )

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether there is such a pair, at its bridge."""
        near, far = snapshot.by_id.get(self.netns), snapshot.by_id.get(self.peer_netns)
        if near is None or far is None:
            return False
        one, other = near.links_by_name.get(self.name), far.links_by_name.get(self.peer_name)
        if one is None or other is None or not (one.up and (other.up or not self.up)):
            return False
        master = near.links_by_index.get(one.master) if one.master is not None else None
        paired = one.peer is None or (one.peer.netns in (None, far.id) and one.peer.index == other.index)
        return paired and (master.name if master else None) == self.master


def _mtu(mtu: int | None) -> Argv:
    return () if mtu is None else ("mtu", str(mtu))
