"""Changes of routes and addresses in the words of NetworkManager: the profile of the device's connection gets them.

`nmcli connection modify` changes the profile, not the device: the fix itself does that now, the profile brings it back
whenever the connection is activated. A connection is named by its UUID, since names may be anything, and may be shared.

How NetworkManager is known: it adds the routes of its addresses' subnets itself, so that the kernel must not
(`noprefixroute`), in the kernel's name (src/core/nm-l3-config-data.c). systemd-networkd and others leave them to the
kernel, some with a metric of their own. Sources: nmcli(1), nm-settings-nmcli(5), ipv4.routes and ipv4.addresses.
"""

from __future__ import annotations

import shlex

from engine.change.address import AddAddress, DeleteAddress
from engine.change.policy_rule import AddPolicyRule, DeletePolicyRule
from engine.change.route import AddRoute, DeleteRoute
from engine.change.words import MAIN_TABLE
from engine.model.address import IPAddress
from engine.model.host import Snapshot
from engine.model.route import NextHop, Route
from engine.model.where import Argvs, seen

Routing = AddRoute | DeleteRoute | AddPolicyRule | DeletePolicyRule | AddAddress | DeleteAddress


def network_manager(snapshot: Snapshot, change: Routing) -> Argvs:
    """The command that changes the profile of the device; () where NetworkManager does not manage it, or has nothing
    of the kind in its profile."""
    host = snapshot.host_netns
    if isinstance(change, AddAddress | DeleteAddress):
        link, about = host.links_by_name[change.link].index, change.address.address
        setting, value = "addresses", str(change.address)
        known = "permanent" in change.address.flags
    elif isinstance(change, AddRoute | DeleteRoute) and change.route.kind == "unicast":
        (hop, *others) = change.route.nexthops
        link, about = hop.link or 0, change.route.destination.network_address
        setting, value = "routes", _route(snapshot, change.route, hop)
        known = change.route.protocol == "static"
        if others:
            return ()
    else:
        return ()
    adds = isinstance(change, AddAddress | AddRoute)
    if not manages(snapshot, link) or _is_off(snapshot, link, about) or not (adds or known):
        return ()
    device = shlex.quote(host.links_by_index[link].name)
    words = f'{"+" if adds else "-"}ipv{about.version}.{setting} "{value}"'
    script = f'nmcli connection modify "$(nmcli -g GENERAL.CON-UUID device show {device})" {words}'
    return ((*seen(snapshot).enter(snapshot.host), "sh", "-c", script),)


def _route(snapshot: Snapshot, route: Route, hop: NextHop) -> str:
    """`ip[/prefix] [next-hop] [metric] [attribute=value]…`; the device's own metric goes without saying."""
    words = [str(route.destination)]
    if hop.gateway is not None:
        words.append(str(hop.gateway))
    if route.metric and route.metric not in _metrics(snapshot, hop.link):
        words.append(str(route.metric))
    if "onlink" in hop.flags:
        words.append("onlink=true")
    if route.preferred_source is not None:
        words.append(f"src={route.preferred_source}")
    if route.table != MAIN_TABLE:
        words.append(f"table={route.table}")
    return " ".join(words)


def _metrics(snapshot: Snapshot, link: int | None) -> frozenset[int]:
    """The metrics of the routes to a device's own subnets."""
    return frozenset(route.metric for route in snapshot.host_netns.routes if _connected(route, link))


def manages(snapshot: Snapshot, link: int) -> bool:
    """Whether a device of the host has addresses and routes of its subnets as NetworkManager makes them."""
    own = (a for a in snapshot.host_netns.addresses if a.link == link and a.address.version == 4)
    made = any("noprefixroute" in address.flags for address in own)
    return made and any(_connected(route, link) for route in snapshot.host_netns.routes)


def _connected(route: Route, link: int | None) -> bool:
    plain = (route.protocol, route.table, route.destination.version) == ("kernel", MAIN_TABLE, 4)
    return plain and any(hop.link == link for hop in route.nexthops)


def _is_off(snapshot: Snapshot, link: int, about: IPAddress) -> bool:
    """Whether IPv6 is disabled on the device: the profile that says so takes neither addresses nor routes."""
    name = snapshot.host_netns.links_by_index[link].name
    return about.version == 6 and bool(snapshot.host_netns.sysctls.get(f"net.ipv6.conf.{name}.disable_ipv6"))
