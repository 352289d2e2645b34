"""A host for every ending: once the client's own namespace is why, once something further on.

The table of `docs/endings.md` is checked against what these hosts give.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import pairwise

from engine.model.application.naming import NameConfig
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.route import NextHop
from engine.model.trace import Conversation, Outcome
from engine.model.traffic import ConntrackEntry, Tuple4
from engine.model.verdict import Question, Source
from engine.path.exchange.conversation import conversations
from engine.path.world import World as Walked
from engine.records import replace
from tests.hosts.build import Space, World
from tests.hosts.stock import one_bridge, three_in_line

SERVER = "10.2.0.2"


@dataclass(frozen=True)
class Case:
    """A host and what `client` (or `left`) asks there."""

    snapshot: Snapshot
    address: str = SERVER
    port: int = 80
    protocols: tuple[Protocol, ...] = (Protocol.TCP, Protocol.UDP)
    name: str = ""

    def ask(self, protocol: Protocol) -> Conversation:
        question = Question(Source(self.snapshot.host), ip_address(self.address), self.port, protocol, name=self.name)
        runs, _ = conversations(Walked(self.snapshot), question)
        return runs[0].result


def as_it_is(world: World) -> None:
    """Changes nothing."""


def line(change: Callable[[World], object] = as_it_is) -> Case:
    """Client, router and server, with one thing changed."""
    world = three_in_line()
    change(world)
    return Case(world.snapshot("client"))


def filtered(space: Space, chain: str, rule: str = "", policy: str = "ACCEPT") -> Space:
    """One iptables rule, or a policy."""
    rules = f"-A {chain} {rule}\n" if rule else ""
    return space.iptables(f"*filter\n:{chain} {policy} [0:0]\n{rules}COMMIT\n")


def own_service(port: int = 80) -> Case:
    """The client asks its own address."""
    return Case(three_in_line().snapshot("client"), "10.1.0.2", port)


def full_queue(name: str, address: str) -> Case:
    world = three_in_line()
    world[name].listeners.clear()
    world[name].listen(80, backlog=5, queued=6)
    return Case(world.snapshot("client"), address, protocols=(Protocol.TCP,))


def tunnel_end(name: str, address: str) -> Case:
    world = three_in_line()
    space = world[name]
    space.link("vx0", "vxlan", detail={"id": "7", "dstport": "80"})
    space.listeners.clear()
    space.listen(80, None, Protocol.UDP, process=None)
    return Case(world.snapshot("client"), address, protocols=(Protocol.UDP,))


def no_address() -> Case:
    world = World()
    for name in ("client", "server"):
        world.space(name)
    world.cable("client:eth0", "server:eth0")
    world["client"].route("10.2.0.0/24 dev eth0")
    world["server"].address("eth0", "10.2.0.2/24").serve(80)
    return Case(world.snapshot("client"))


def closed_bridge_port() -> Case:
    """The client's own bridge knows where the MAC address lives, and that port does not forward."""
    world = World()
    for name in ("client", "server"):
        world.space(name)
    world.cable("client:p0", "server:eth0")
    world["client"].bridge("br0").address("br0", "10.2.0.1/24").plug("p0", "br0", state="blocking")
    world["server"].address("eth0", "10.2.0.2/24").serve(80)
    mac = world["server"].links["eth0"].mac
    world["client"].neighbour("br0", SERVER, mac).learned("p0", mac)
    return Case(world.snapshot("client"))


def isolated_ports() -> Case:
    world = one_bridge()
    for name in ("left", "right"):
        world["sw"].plug(f"{name}0", "br0", isolated=True)
        other = "right" if name == "left" else "left"
        world[name].neighbour("eth0", f"10.3.0.{1 if other == 'left' else 2}", world[other].links["eth0"].mac)
    return Case(world.snapshot("left"), "10.3.0.2")


def unpowered() -> Case:
    """The server's end of the cable is down, and the router knows the server's MAC address for good."""

    def change(world: World) -> None:
        world["router"].neighbour("right", SERVER, world["server"].links["eth0"].mac)
        world["server"].change("eth0", up=False)

    return line(change)


def answer_past_the_translation() -> Case:
    """Both are on one bridge, which translates the question; the answer goes straight back, under another name."""
    world = one_bridge()
    world["sw"].address("br0", "10.3.0.254/24").forwarding()
    rules = [f"-A PREROUTING -d 10.3.0.254/32 -p {p} -j DNAT --to-destination 10.3.0.2" for p in ("tcp", "udp")]
    world["sw"].iptables("*nat\n:PREROUTING ACCEPT [0:0]\n" + "\n".join(rules) + "\nCOMMIT\n")
    return Case(world.snapshot("left"), "10.3.0.254")


def known_gateway(world: World) -> Space:
    """The client needs no answer to know the router's MAC address; gives the router."""
    world["client"].neighbour("eth0", "10.1.0.1", world["router"].links["left"].mac)
    return world["router"]


def circle() -> Case:
    """The router and the server send packets for 10.5.0.0/16 to each other."""
    world = three_in_line()
    world["router"].route("10.5.0.0/16 via 10.2.0.2 dev right")
    world["server"].forwarding()
    return Case(world.snapshot("client"), "10.5.0.9")


def many_routers(count: int) -> Case:
    """One router after another, more than a packet has time to live."""
    world = World()
    world.space("client")
    for number in range(count):
        world.space(f"r{number}").forwarding()
    world.space("server")
    names = list(world.spaces)
    for number, (near, far) in enumerate(pairwise(names)):
        world.cable(f"{near}:out", f"{far}:in")
        world[near].address("out", f"10.9.{number}.1/24")
        world[far].address("in", f"10.9.{number}.2/24")
        world[near].route(f"10.255.0.1/32 via 10.9.{number}.2 dev out")
        if number:
            world[near].route(f"10.9.0.0/24 via 10.9.{number - 1}.1 dev in")
    world["server"].address("lo", "10.255.0.1/32").serve(80).route(f"10.9.0.0/24 via 10.9.{count}.1 dev in")
    return Case(world.snapshot("client"), "10.255.0.1")


def away(name: str) -> Case:
    """A network card leads to where nobody looked."""

    def change(world: World) -> None:
        world[name].link("wan")
        world[name].address("wan", "192.0.2.2/24").route(f"{SERVER}/32 via 192.0.2.1 dev wan")

    return line(change)


def vanished(name: str) -> Case:
    """A route by a device that is not in the snapshot."""
    return line(lambda w: w[name].route(f"{SERVER}/32", nexthops=(NextHop(99),)))


def rejecting(kind: str = "icmp-port-unreachable") -> str:
    return f"-d {SERVER}/32 -j REJECT --reject-with {kind}"


def refused(name: str, kind: str) -> Case:
    return line(lambda w: w[name].route(f"{kind} {SERVER}/32"))


def loopback_source() -> Case:
    """What is asked of 127.0.0.1 is translated to the server and keeps its source."""
    world = three_in_line()
    rules = [f"-A OUTPUT -d 127.0.0.1/32 -p {p} -j DNAT --to-destination {SERVER}\n" for p in ("tcp", "udp")]
    world["client"].iptables(f"*nat\n:OUTPUT ACCEPT [0:0]\n{''.join(rules)}COMMIT\n")
    return Case(world.snapshot("client"), "127.0.0.1")


def full_table(name: str) -> Case:
    """Connection tracking has room for one flow, and it is taken for good."""

    def change(world: World) -> None:
        ends = ip_address("192.0.2.1"), ip_address("192.0.2.2")
        there, back = Tuple4(*ends, 40000, 443), Tuple4(ends[1], ends[0], 443, 40000)
        space = world[name].sysctl("net.netfilter.nf_conntrack_max", 1).sysctl("net.netfilter.nf_conntrack_count", 1)
        space.conntrack.append(ConntrackEntry(Protocol.TCP, there, back, frozenset({"assured"}), "ESTABLISHED"))
        filtered(space, "OUTPUT" if name == "client" else "FORWARD", "-m conntrack --ctstate NEW -j ACCEPT")

    return line(change)


def clashing(name: str) -> Case:
    """Flows leave from one port, which one that is tracked has towards the same service."""

    def change(world: World) -> None:
        space = world[name]
        own = ip_address("10.1.0.2" if name == "client" else "10.2.0.1")
        there = Tuple4(ip_address("192.0.2.1"), ip_address(SERVER), 40000, 80)
        rules = ""
        for protocol in (Protocol.TCP, Protocol.UDP):
            back = Tuple4(there.dst, own, 80, 5000)
            space.conntrack.append(ConntrackEntry(protocol, there, back, frozenset({"confirmed", "snat"})))
            rules += f"-A POSTROUTING -p {protocol} -j SNAT --to-source {own}:5000\n"
        space.iptables(f"*nat\n:POSTROUTING ACCEPT [0:0]\n{rules}COMMIT\n")

    return line(change)


def nameless() -> Case:
    """The client looks names up in its hosts file alone, which has none."""
    snapshot = three_in_line().snapshot("client")
    config = NameConfig(snapshot.host, sources=("files",))
    return Case(replace(snapshot, name_configs=(config,)), "0.0.0.0", name="web.example.test")


#: For each ending a host on which the client's own namespace is why, and one on which something further on is.
HERE: dict[Outcome, Case] = {
    Outcome.DELIVERED: own_service(),
    Outcome.CONNTRACK_FULL: full_table("client"),
    Outcome.CONNTRACK_CLASH: clashing("client"),
    Outcome.RULE_DROP: line(lambda w: filtered(w["client"], "OUTPUT", f"-d {SERVER}/32 -j DROP")),
    Outcome.POLICY_DROP: line(lambda w: filtered(w["client"], "OUTPUT", policy="DROP")),
    Outcome.REJECTED: line(lambda w: filtered(w["client"], "OUTPUT", rejecting())),
    Outcome.IPSEC_DROP: line(lambda w: w["client"].ipsec("out", "0.0.0.0/0", f"{SERVER}/32", blocks=True)),
    Outcome.NO_ROUTE: line(lambda w: w["client"].routes.clear()),
    Outcome.ROUTE_UNREACHABLE: refused("client", "unreachable"),
    Outcome.ROUTE_PROHIBIT: refused("client", "prohibit"),
    Outcome.ROUTE_BLACKHOLE: refused("client", "blackhole"),
    Outcome.MARTIAN: loopback_source(),
    Outcome.NO_NEIGHBOUR: line(lambda w: w["router"].change("left", up=False)),
    Outcome.BRIDGE_DROP: closed_bridge_port(),
    Outcome.NOT_FOR_US: Case(three_in_line().snapshot("client"), "10.1.0.255"),
    Outcome.NO_LISTENER: own_service(port=81),
    Outcome.BACKLOG_FULL: full_queue("client", "10.1.0.2"),
    Outcome.TUNNEL_PORT: tunnel_end("client", "10.1.0.2"),
    Outcome.NO_SOURCE_ADDRESS: no_address(),
    Outcome.LEAVES_VIEW: away("client"),
    Outcome.NO_NAME: nameless(),
    Outcome.UNKNOWN: vanished("client"),
}
FURTHER: dict[Outcome, Case] = {
    Outcome.DELIVERED: line(),
    Outcome.CONNTRACK_FULL: full_table("router"),
    Outcome.CONNTRACK_CLASH: clashing("router"),
    Outcome.RULE_DROP: line(lambda w: filtered(w["router"], "FORWARD", f"-d {SERVER}/32 -j DROP")),
    Outcome.POLICY_DROP: line(lambda w: filtered(w["router"], "FORWARD", policy="DROP")),
    Outcome.REJECTED: line(lambda w: filtered(w["router"], "FORWARD", rejecting())),
    Outcome.IPSEC_DROP: line(lambda w: w["router"].ipsec("fwd", "0.0.0.0/0", f"{SERVER}/32", transforms=True)),
    Outcome.NO_ROUTE: Case(three_in_line().snapshot("client"), "10.5.0.9"),
    Outcome.ROUTE_UNREACHABLE: refused("router", "unreachable"),
    Outcome.ROUTE_PROHIBIT: refused("router", "prohibit"),
    Outcome.ROUTE_BLACKHOLE: refused("router", "blackhole"),
    Outcome.NOT_FORWARDED: line(lambda w: w["router"].sysctl("net.ipv4.ip_forward", 0)),
    Outcome.RP_FILTER: line(
        lambda w: known_gateway(w).sysctl("net.ipv4.conf.left.rp_filter", 1).route("10.1.0.2/32 via 10.2.0.2 dev right")
    ),
    Outcome.MARTIAN: line(lambda w: known_gateway(w).address("lo", "10.1.0.2/32")),
    Outcome.NO_NEIGHBOUR: line(lambda w: w["server"].change("eth0", up=False)),
    Outcome.LINK_DOWN: unpowered(),
    Outcome.BRIDGE_DROP: isolated_ports(),
    Outcome.NOT_FOR_US: line(lambda w: w["router"].neighbour("right", SERVER, "02:00:00:00:ff:ff")),
    Outcome.NO_LISTENER: line(lambda w: w["server"].listeners.clear()),
    Outcome.BACKLOG_FULL: full_queue("server", SERVER),
    Outcome.TUNNEL_PORT: tunnel_end("server", SERVER),
    Outcome.REPLY_MISMATCH: answer_past_the_translation(),
    Outcome.TTL_EXPIRED: many_routers(65),
    Outcome.LOOP: circle(),
    Outcome.LEAVES_VIEW: away("router"),
    Outcome.UNKNOWN: vanished("router"),
}
