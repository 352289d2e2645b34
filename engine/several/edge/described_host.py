"""A described host as a snapshot: what a Linux router or host with these devices, addresses and routes has."""

from __future__ import annotations

from ipaddress import ip_address
from zlib import crc32

from engine.change.consequences.carriers import connected_route, connects, local_route
from engine.model.address import Family
from engine.model.firewall import Firewall
from engine.model.host import LISTENERS, Gap, Netns, Snapshot
from engine.model.link import Address, Link
from engine.model.owner import EDGE_ROUTER
from engine.model.route import NextHop, Route
from engine.model.traffic import Listener
from engine.path.lookup.fib import DEFAULT_RULES
from engine.several.edge.nouns import Described, EdgeRoute
from engine.several.edge.router_rules import router_table

#: What of `net.ipv4.conf` decides a packet's way; all are off but forwarding.
_CONF = ("rp_filter", "accept_local", "route_localnet", "arp_ignore", "proxy_arp", "src_valid_mark")
HOST = "host"


def snapshot_of(host: Described, file: str) -> Snapshot:
    """The host as it would be read if it could be."""
    links = (
        Link(1, "lo", "loopback", mac="00:00:00:00:00:00", mtu=65536),
        *(Link(index, name, mac=_mac(host.name, name)) for index, name in enumerate(host.devices, 2)),
    )
    by_name = {link.name: link for link in links}
    addresses = (
        Address(1, ip_address("127.0.0.1"), 8, "host"),
        Address(1, ip_address("::1"), 128, "host"),
        *(
            Address(by_name[name].index, each.ip, each.network.prefixlen)
            for name, interfaces in host.devices.items()
            for each in interfaces
        ),
        *_pairs(host, by_name),
    )
    made = [local_route(each) for each in addresses]
    made += [connected_route(each, links[each.link - 1].name) for each in addresses if connects(each)]
    netns = Netns(
        HOST,
        links=links,
        addresses=addresses,
        routes=(*made, *(_route(each, host, by_name) for each in host.routes)),
        rules=(*DEFAULT_RULES[Family.INET], *DEFAULT_RULES[Family.INET6]),
        sysctls=_sysctls(host, links),
        firewall=Firewall((router_table(host, EDGE_ROUTER, file),) if host.forwards else ()),
        listeners=tuple(Listener(protocol, Family.INET6, None, port) for protocol, port in host.listens or ()),
    )
    reason = f"{file}:{host.line} does not say what listens there"
    gaps = (Gap(LISTENERS, HOST, reason),) if host.listens is None else ()
    return Snapshot(HOST, (netns,), gaps=gaps, hostname=host.name)


def _mac(host: str, device: str) -> str:
    """A MAC address of its own, made up locally (IEEE 802)."""
    number = crc32(f"{host}/{device}".encode())
    return "02:ed:" + ":".join(f"{number >> shift & 255:02x}" for shift in (24, 16, 8, 0))


def _pairs(host: Described, by_name: dict[str, Link]) -> list[Address]:
    """Addresses that stand for others, on the devices whose subnets they are in, so that neighbours are answered."""
    own = {each.ip for interfaces in host.devices.values() for each in interfaces}
    return [
        Address(by_name[name].index, pair.public, pair.public.max_prefixlen)
        for pair in host.pairs
        for name, interfaces in host.devices.items()
        if pair.public not in own and any(pair.public in each.network for each in interfaces)
    ]


def _route(route: EdgeRoute, host: Described, by_name: dict[str, Link]) -> Route:
    name = route.device or next(
        (each for each, own in host.devices.items() if any(route.gateway in one.network for one in own)), ""
    )
    index = by_name[name].index if name else None
    return Route(route.destination, nexthops=(NextHop(index, route.gateway),), text=route.text)


def _sysctls(host: Described, links: tuple[Link, ...]) -> dict[str, int]:
    forward = int(host.forwards)
    found = {"net.ipv4.ip_forward": forward, "net.ipv6.conf.all.forwarding": forward}
    for name in ("all", "default", *(link.name for link in links)):
        found |= {f"net.ipv4.conf.{name}.{each}": 0 for each in _CONF}
        found |= {f"net.ipv4.conf.{name}.forwarding": forward, f"net.ipv6.conf.{name}.forwarding": forward}
    return found
