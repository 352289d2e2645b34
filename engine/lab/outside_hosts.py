"""What lies beyond a lab's host: a LAN, the internet, a VPN. Each is one node on a cable of its own. Pure.

Without a word in the file there is one node `lan` on the host's `eth0`. The near side is .1 of the subnet, the node
.2. A node that is `behind` another one makes that one a router, and routers on the way get a route to it. It is no
neighbour of the host, so that its subnet may be one that the host has as well.
"""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network, ip_interface

from engine.lab.addresses import Subnets
from engine.lab.blueprint import Outside
from engine.lab.spec import FilePlace, LabSpec, OutsideSpec
from engine.records import replace

Interface = IPv4Interface | IPv6Interface | None

USUAL = "lan"
NEAR, FAR = 1, 2


def outside_nodes(spec: LabSpec, subnets: Subnets) -> tuple[Outside, ...]:
    """The outside nodes of a lab. Raises LabFileError."""
    wanted = (OutsideSpec(USUAL, FilePlace(spec.file, 1, "x-lab.outside")),) if spec.outside is None else spec.outside
    _claim(spec, wanted, subnets)
    with_ipv6 = any(network.ipv6 for network in spec.networks) or any(node.subnet6 for node in wanted)
    found: dict[str, Outside] = {}
    links: dict[str, int] = {}
    for number, node in enumerate(wanted):
        if node.behind and node.behind not in found:
            raise node.place.wrong(f"is behind {node.behind!r}, which is not there before it", "list that one first")
        near = node.behind or "host"
        count = links[near] = links.get(near, 0) + 1
        subnet = node.subnet or subnets.next_free("outside", f"outside {node.name}", node.place)
        near_side, far_side = _sides(subnet)
        near_side6, far_side6 = _sides(node.subnet6 or (IPv6Network(f"fd00:{30 + number}::/64") if with_ipv6 else None))
        first = near == "host" and not any(other.near_netns.endswith("-host") for other in found.values())
        found[node.name] = Outside(
            node.name,
            f"{spec.name}-{node.name}",
            f"{spec.name}-{near}",
            node.link or (f"eth{count - 1}" if near == "host" else f"eth{count}"),
            _v4(near_side),
            "eth0",
            _v4(far_side),
            _v6(near_side6),
            _v6(far_side6),
            first if node.default is None else node.default,
            node.routes,
            node.listens,
            node.mtu,
        )
        _lead_to(found, wanted, found[node.name])
    return tuple(found.values())


def _claim(spec: LabSpec, wanted: tuple[OutsideSpec, ...], subnets: Subnets) -> None:
    """The names and networks of the nodes are nobody else's. Raises LabFileError."""
    beyond, names = Subnets(), {service.name for service in spec.services} | {"host"}
    for node in wanted:
        if node.name in names:
            raise node.place.wrong("has the name of another node", "choose another one")
        names.add(node.name)
        for subnet in (node.subnet, node.subnet6):
            if subnet is not None:
                if subnet.num_addresses < SMALLEST:
                    raise node.place.wrong(f"has the subnet {subnet}", "leave room for both sides: a /30 or larger")
                beyond.claim(subnet, f"outside {node.name}", node.place)
                subnets.claim(subnet, f"outside {node.name}", node.place) if not node.behind else None
    known = {node.subnet for node in wanted} | {node.subnet6 for node in wanted}
    for node in wanted:
        for route in node.routes:
            if route.prefixlen and route not in known:
                subnets.claim(route, f"the route to {node.name}", node.place)


#: Addresses of a network with two sides: its own, theirs, and that of all.
SMALLEST = 4


def _sides(subnet: IPv4Network | IPv6Network | None) -> tuple[Interface, Interface]:
    """The near and the far side's addresses in a network."""
    if subnet is None:
        return None, None
    near, far = (ip_interface(f"{subnet.network_address + host}/{subnet.prefixlen}") for host in (NEAR, FAR))
    return near, far


def _lead_to(found: dict[str, Outside], wanted: tuple[OutsideSpec, ...], node: Outside) -> None:
    """Gives the routers on the way to a node a route to it, where their default route leads elsewhere."""
    behind = {spec.name: spec.behind for spec in wanted}
    networks = tuple(side.network for side in (node.far, node.far6) if side is not None)
    router = behind[node.name]
    while router:
        if not found[router].default:
            routes = dict.fromkeys((*found[router].routes, *networks))
            found[router] = replace(found[router], routes=tuple(routes))
        router = behind[router]


def _v4(side: Interface) -> IPv4Interface:
    assert isinstance(side, IPv4Interface)
    return side


def _v6(side: Interface) -> IPv6Interface | None:
    assert side is None or isinstance(side, IPv6Interface)
    return side
