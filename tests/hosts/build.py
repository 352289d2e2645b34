"""Hosts for tests in a few words: namespaces, cables between them, and what the kernel makes of an address by itself.

`World` collects namespaces; each method of a `Space` is what one would type into ip(8), sysctl(8) or
iptables-restore(8) there. `World.snapshot` adds what the kernel adds: local, broadcast and connected routes of every
link that is up, carriers that follow from the other end, and the sysctls of every device.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

from engine.model.address import Family
from engine.model.container import Attachment, Container, Network, PublishedPort
from engine.model.firewall import Backend, Firewall, NamedSet, Table
from engine.model.host import Gap, Netns, Snapshot
from engine.model.ipsec import Ipsec, IpsecPolicy
from engine.model.link import Address, BridgeOptions, BridgePort, FdbEntry, Link, Neighbour, Peer
from engine.model.packet import Protocol
from engine.model.route import NextHop, PolicyRule, Route
from engine.model.traffic import ConntrackEntry, Listener, Process
from engine.observe.firewall.xt.save_text import parse_xt_save
from engine.path.lookup.fib import DEFAULT_RULES

TABLES = {"local": 255, "main": 254, "default": 253}
REFUSING = ("unreachable", "prohibit", "blackhole", "throw")
#: What the kernel keeps for every IPv4 device, and the value that a new device has.
CONF = ("rp_filter", "accept_local", "route_localnet", "arp_ignore", "proxy_arp", "src_valid_mark")


@dataclass
class Space:
    """One namespace while it is described."""

    name: str
    world: World
    links: dict[str, Link] = field(default_factory=dict)
    addresses: list[Address] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    rules: list[PolicyRule] = field(default_factory=list)
    neighbours: list[Neighbour] = field(default_factory=list)
    fdb: list[FdbEntry] = field(default_factory=list)
    sysctls: dict[str, int] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)
    ipsets: list[NamedSet] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)
    conntrack: list[ConntrackEntry] = field(default_factory=list)
    policies: list[IpsecPolicy] = field(default_factory=list)

    def link(self, name: str, kind: str = "", **more: Any) -> Link:
        """Adds a device. A plain one is a network card: what is beyond is out of view."""
        index = len(self.links) + 1
        number = self.world.next_mac()
        mac = "00:00:00:00:00:00" if kind == "loopback" else f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"
        self.links[name] = Link(index, name, kind, **{"mac": mac, **more})
        return self.links[name]

    def change(self, name: str, **changes: Any) -> Space:
        """Changes properties of a link."""
        self.links[name] = replace(self.links[name], **changes)
        return self

    def bridge(self, name: str, *ports: str, vlan_filtering: bool = False) -> Space:
        """Adds a bridge, with links that are there already as its ports."""
        self.link(name, "bridge", bridge=BridgeOptions(vlan_filtering=vlan_filtering))
        for port in ports:
            self.plug(port, name)
        return self

    def plug(self, port: str, bridge: str, **options: Any) -> Space:
        """Makes a link a port of a bridge."""
        return self.change(port, master=self.links[bridge].index, port=BridgePort(**options))

    def address(self, link: str, *addresses: str, **more: Any) -> Space:
        """Gives a link addresses ("10.0.0.1/24")."""
        for text in addresses:
            own = ip_interface(text)
            scope = "host" if own.ip.is_loopback else "link" if own.ip.is_link_local and own.version == 6 else "global"
            given = {"scope": scope, **more}
            self.addresses.append(Address(self.links[link].index, own.ip, own.network.prefixlen, **given))
        return self

    def route(self, words: str, **more: Any) -> Space:
        """`ip route add WORDS`: [TYPE] PREFIX [via A] [dev D] [table T] [metric N] [src A] [tos N] [scope S]."""
        first, *rest = words.split()
        kind = first if first in (*REFUSING, "local", "broadcast", "unicast") else "unicast"
        prefix = rest.pop(0) if kind == first else first
        said = dict(zip(rest[::2], rest[1::2], strict=True))
        gateway = ip_address(said["via"]) if "via" in said else None
        six = ":" in prefix or (gateway is not None and gateway.version == 6)
        network = ip_network(("::/0" if six else "0.0.0.0/0") if prefix == "default" else prefix)
        hops: tuple[NextHop, ...] = ()
        if "dev" in said:
            hops = (NextHop(self.links[said["dev"]].index, gateway, flags=more.pop("flags", frozenset())),)
        source = ip_address(said["src"]) if "src" in said else None
        made = Route(
            network,
            TABLES.get(said.get("table", "main")) or int(said["table"]),
            kind,
            int(said.get("metric", 0)),
            int(said.get("tos", 0)),
            said.get("scope", "link" if hops and gateway is None and network.version == 4 else "global"),
            preferred_source=source,
            nexthops=hops,
            text=words,
        )
        self.routes.append(replace(made, **more))
        return self

    def policy(self, priority: int, table: int | str = "main", **selectors: Any) -> Space:
        """`ip rule add pref PRIORITY … lookup TABLE`; selectors are fields of `PolicyRule`, networks as text."""
        for name in ("source", "destination"):
            if isinstance(selectors.get(name), str):
                selectors[name] = ip_network(selectors[name])
        number = TABLES[table] if isinstance(table, str) else table
        family = selectors.pop("family", Family.INET)
        said = " ".join(f"{name} {value}" for name, value in selectors.items())
        text = f"{priority}:\t{said or 'from all'} lookup {table}"
        self.rules.append(PolicyRule(family, priority, table=number, text=text, **selectors))
        return self

    def neighbour(self, link: str, address: str, mac: str | None, state: str = "permanent", **more: Any) -> Space:
        """`ip neighbour add`."""
        self.neighbours.append(Neighbour(self.links[link].index, ip_address(address), mac, state, **more))
        return self

    def learned(self, port: str, mac: str, **more: Any) -> Space:
        """A forwarding entry of the port's bridge."""
        self.fdb.append(FdbEntry(self.links[port].index, self.links[port].master, mac, **more))
        return self

    def ipsec(self, direction: str, source: str, destination: str, **more: Any) -> Space:
        """`ip xfrm policy add`."""
        text = f"src {source} dst {destination} dir {direction}"
        ends = ip_network(source), ip_network(destination)
        self.policies.append(IpsecPolicy(direction, *ends, text=text, **more))
        return self

    def sysctl(self, name: str, value: int) -> Space:
        """`sysctl -w NAME=VALUE`."""
        self.sysctls[name] = value
        return self

    def forwarding(self) -> Space:
        """Makes a router of the namespace, for both IP versions."""
        return self.sysctl("net.ipv4.ip_forward", 1).sysctl("net.ipv6.conf.all.forwarding", 1)

    def iptables(self, text: str, backend: Backend = Backend.XT_NFT, family: str = "ip") -> Space:
        """Loads what iptables-save would print."""
        self.tables += parse_xt_save(text, backend, family, self.ipsets)
        return self

    def table(self, *tables: Table) -> Space:
        """Adds tables as values."""
        self.tables += tables
        return self

    def listen(self, port: int, address: str | None = None, protocol: Protocol = Protocol.TCP, **more: Any) -> Space:
        """A program listens, by default on the IPv4 wildcard. `program` names it."""
        where = ip_address(address) if address else None
        six = where is not None and where.version == 6
        name = more.pop("program", "server")
        given = {"family": Family.INET6 if six else Family.INET, "process": Process(100 + port % 1000, name), **more}
        self.listeners.append(Listener(protocol, address=where, port=port, **given))
        return self

    def serve(self, port: int, address: str | None = None) -> Space:
        """Something answers on the port, over TCP and over UDP."""
        return self.listen(port, address).listen(port, address, Protocol.UDP)

    def finished(self) -> Netns:
        """The namespace with what the kernel adds by itself."""
        made = [route for address in self.addresses for route in self._kernel_routes(address)]
        down = {link.index for link in self.links.values() if not link.up}
        own = [route for route in self.routes if all(hop.link not in down for hop in route.nexthops)]
        rules = (*DEFAULT_RULES[Family.INET], *DEFAULT_RULES[Family.INET6], *self.rules)
        return Netns(
            self.name,
            inode=4026532000 + list(self.world.spaces).index(self.name),
            path=f"/run/netns/{self.name}",
            links=tuple(self.links.values()),
            addresses=tuple(self.addresses),
            routes=tuple(self._flagged(route) for route in (*made, *own)),
            rules=tuple(sorted(rules, key=lambda rule: rule.priority)),
            neighbours=tuple(self.neighbours),
            fdb=tuple(self.fdb),
            sysctls=self._all_sysctls(),
            firewall=Firewall(tuple(self.tables), tuple(self.ipsets), ipsec=Ipsec(tuple(self.policies))),
            listeners=tuple(self.listeners),
            conntrack=tuple(self.conntrack),
        )

    def _kernel_routes(self, address: Address) -> list[Route]:
        """What fib_add_ifaddr and addrconf_add_dev_route make of an address."""
        link = next(link for link in self.links.values() if link.index == address.link)
        if not link.up:
            return []
        own, network = address.address, ip_interface(str(address)).network
        hop, device = (NextHop(link.index),), f"dev {link.name}"
        host = ip_network(own)
        local = Route(host, 255, "local", 0, 0, "host", "kernel", own if own.version == 4 else None, hop)
        made = [replace(local, text=f"local {own} {device} table local")]
        if own.is_loopback and own.version == 4:
            whole = replace(local, destination=network, text=f"local {network} {device} table local")
            return [*made, whole]
        if own.version == 6:
            text = f"{network} {device} proto kernel metric 256"
            return (
                [*made, Route(network, metric=256, protocol="kernel", nexthops=hop, text=text)]
                if not own.is_loopback
                else made
            )
        if network.prefixlen < 31:
            last = ip_network(network.broadcast_address)
            made.append(
                Route(last, 255, "broadcast", 0, 0, "link", "kernel", own, hop, text=f"broadcast {last} {device}")
            )
        if network.prefixlen < 32 and "noprefixroute" not in address.flags:
            text = f"{network} {device} proto kernel scope link src {own}"
            made.append(Route(network, 254, "unicast", 0, 0, "link", "kernel", own, hop, text=text))
        return made

    def _flagged(self, route: Route) -> Route:
        """Next hops without a carrier are linkdown (fib_sync_down_dev)."""
        dark = {link.index for link in self.links.values() if not link.carrier}
        hops = (replace(hop, flags=hop.flags | {"linkdown"}) if hop.link in dark else hop for hop in route.nexthops)
        return replace(route, nexthops=tuple(hops))

    def _all_sysctls(self) -> dict[str, int]:
        forward = self.sysctls.get("net.ipv4.ip_forward", 0)
        found = {"net.ipv4.ip_forward": forward, "net.ipv6.conf.all.forwarding": 0}
        for device in ("all", "default", *self.links):
            found |= {f"net.ipv4.conf.{device}.{name}": 0 for name in CONF}
            found[f"net.ipv4.conf.{device}.forwarding"] = forward
        return found | self.sysctls


class World:
    """Namespaces and the cables between them. The first one is the host, unless `snapshot` is told otherwise."""

    def __init__(self) -> None:
        self.spaces: dict[str, Space] = {}
        self.containers: list[Container] = []
        self.networks: list[Network] = []
        self.gaps: list[Gap] = []
        self._macs = 0

    def next_mac(self) -> int:
        """A number that no other device of this world has."""
        self._macs += 1
        return self._macs

    def __getitem__(self, name: str) -> Space:
        return self.spaces[name]

    def space(self, name: str, loopback: bool = True) -> Space:
        """A new namespace with its loopback up."""
        made = self.spaces[name] = Space(name, self)
        if loopback:
            made.link("lo", "loopback")
            made.address("lo", "127.0.0.1/8", "::1/128")
        return made

    def cable(self, one: str, other: str) -> World:
        """A veth pair between "NETNS:DEVICE" and "NETNS:DEVICE"."""
        (here, name), (there, peer) = one.split(":"), other.split(":")
        end = self.spaces[here].link(name, "veth")
        far = self.spaces[there].link(peer, "veth", peer=Peer(here, end.index))
        self.spaces[here].change(name, peer=Peer(there, far.index))
        return self

    def container(self, name: str, address: str | None, *published: PublishedPort, **more: Any) -> World:
        """What an engine knows of the container that lives in the namespace of that name."""
        at = (Attachment("bridge", ip_address(address), gateway=more.pop("gateway", None)),) if address else ()
        given: dict[str, Any] = {
            "engine": "docker",
            "state": "running",
            "netns": name,
            "attachments": at,
            "published": published,
        }
        given |= {"command": ("docker",), **more}
        self.containers.append(Container(f"{name}0123456789ab", name, **given))
        return self

    def snapshot(self, host: str | None = None) -> Snapshot:
        """The world as a snapshot, with carriers that follow from what is up."""
        self._settle()
        return Snapshot(
            host or next(iter(self.spaces)),
            tuple(space.finished() for space in self.spaces.values()),
            containers=tuple(self.containers),
            networks=tuple(self.networks),
            gaps=tuple(self.gaps),
        )

    def _settle(self) -> None:
        for space in self.spaces.values():
            for name, link in space.links.items():
                if link.peer is not None and link.peer.netns is not None:
                    far = self.spaces[link.peer.netns].links.values()
                    both = link.up and any(other.index == link.peer.index and other.up for other in far)
                    space.change(name, carrier=both)
        for space in self.spaces.values():
            for name, link in space.links.items():
                if link.kind == "bridge":
                    ports = [port for port in space.links.values() if port.master == link.index]
                    space.change(name, carrier=link.up and any(port.works for port in ports))
