"""What the kernel does because of a change, named by that change.

`flip` finds a smallest set of changes that is enough, and of two that are, the first: that may be what only followed.
Where the change that it followed came at the same time, that one is named.

- Forwarding of each device follows net.ipv4.ip_forward, and that of all devices (net/ipv4/devinet.c,
  inet_forward_change; net/ipv6/addrconf.c, addrconf_fixup_forwarding).
- Routes to an address and to its network come and go with it (net/ipv4/fib_frontend.c, fib_add_ifaddr).
- Routes by a device go when it is set down, or loses its last address (fib_disable_ip); its own come when it is set up.
- The carrier of a veth, and its state in a bridge, follow its other end being set up or down (drivers/net/veth.c).
- The neighbours of a device go when it does, or loses its carrier (net/core/neighbour.c, neigh_carrier_down).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.change.differences import Difference, How
from engine.model.host import Snapshot
from engine.model.link import BridgePort, Link
from engine.records import replace

_FORWARDING = re.compile(r"net\.ipv([46])\.conf\.[^ ]+\.forwarding")
_OWN_ROUTE = re.compile(r"^local (?P<to>[0-9a-f.:]+) |\bproto kernel\b.*\bsrc (?P<src>[0-9a-f.:]+)")
_DEVICE = re.compile(r" dev (\S+)")
_SWITCHES = {"4": ("net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"), "6": ("net.ipv6.conf.all.forwarding",)}


def traced(
    by: Sequence[Difference], came: Sequence[Difference], sides: tuple[Snapshot, Snapshot]
) -> tuple[Difference, ...]:
    """The changes, with what followed another one of those that `came` replaced by that one. `sides` are the snapshots
    before and after."""
    return tuple(dict.fromkeys(_cause(each, came, sides) for each in by))


def _cause(change: Difference, came: Sequence[Difference], sides: tuple[Snapshot, Snapshot]) -> Difference:
    """What a change followed, or itself."""
    if change.what == "sysctl":
        return _switch(change, came) or change
    if change.what == "link" and change.how is How.CHANGED:
        return _other_end(change, came, sides) or change
    if change.what == "route":
        return _own_address(change, came) or _device(change, came, sides) or change
    if change.what == "neighbour" and change.how is How.DELETED:
        links = (each for each in came if each.what == "link" and each.netns == change.netns)
        return next((_cause(each, came, sides) for each in links), change)
    return change


def _switch(change: Difference, came: Sequence[Difference]) -> Difference | None:
    found = _FORWARDING.fullmatch(change.name)
    names = _SWITCHES[found[1]] if found else ()
    switches = {each.name: each for each in came if each.what == "sysctl" and each.netns == change.netns}
    return next((switches[name] for name in names if name in switches), None)


def _own_address(change: Difference, came: Sequence[Difference]) -> Difference | None:
    """The address that came or went with a route of the kernel's own."""
    found = _OWN_ROUTE.search(change.name)
    if found is None:
        return None
    alike = (each for each in came if (each.what, each.netns, each.how) == ("address", change.netns, change.how))
    return next((each for each in alike if each.name.startswith(f"{found['to'] or found['src']}/")), None)


def _device(change: Difference, came: Sequence[Difference], sides: tuple[Snapshot, Snapshot]) -> Difference | None:
    """What gave a route its device, or took it away: that it was set up or down, or that its last address went."""
    found = _DEVICE.search(change.name)
    if found is None or not (change.how is How.DELETED or _OWN_ROUTE.search(change.name)):
        return None
    before, after = (_link(side, change.netns, found[1]) for side in sides)
    own = [each for each in came if each.netns == change.netns]
    if before is not None and after is not None and before.up != after.up:
        return next((each for each in own if (each.what, each.name) == ("link", found[1])), None)
    if after is not None and any(each.link == after.index for each in sides[1].by_id[change.netns].addresses):
        return None
    gone = (each for each in own if (each.what, each.how) == ("address", How.DELETED))
    return next((each for each in gone if each.name.endswith(f" dev {found[1]}")), None)


def _other_end(change: Difference, came: Sequence[Difference], sides: tuple[Snapshot, Snapshot]) -> Difference | None:
    """The change of a veth's other end, where this end did nothing but follow."""
    before, after = (_link(side, change.netns, change.name) for side in sides)
    if before is None or after is None or after.peer is None or not _follows(before, after):
        return None
    peer = after.peer
    ends = [_indexed(side, peer.netns, peer.index) for side in sides]
    if ends[0] is None or ends[1] is None or ends[0].up == ends[1].up:
        return None
    name = ends[1].name
    return next((each for each in came if (each.what, each.netns, each.name) == ("link", peer.netns, name)), None)


def _follows(before: Link, after: Link) -> bool:
    """Whether nothing but the carrier is another one, and with it the state of a bridge's port."""

    def still(link: Link) -> Link:
        return replace(link, carrier=True, port=_resting(link.port))

    return still(before) == still(after)


def _resting(port: BridgePort | None) -> BridgePort | None:
    return replace(port, state=BridgePort().state) if port is not None else None


def _link(snapshot: Snapshot, netns: str, name: str) -> Link | None:
    there = snapshot.by_id.get(netns)
    return there.links_by_name.get(name) if there else None


def _indexed(snapshot: Snapshot, netns: str | None, index: int) -> Link | None:
    there = snapshot.by_id.get(netns) if netns is not None else None
    return there.links_by_index.get(index) if there else None
