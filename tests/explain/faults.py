"""Hosts with one thing wrong each: what is asked there, and which cause has to be named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.firewall import Backend, BaseChain, Chain, Field, Interval, Match, Rule, Table, VerdictKind
from engine.model.firewall import RuleVerdict as Says
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.plan import Change
from engine.model.traffic import Process, Relay
from engine.model.verdict import Question, Verdict
from engine.path.lookup.device_topology import ZERO_MAC
from tests.hosts.build import World
from tests.hosts.stock import PUBLISH, WEB, docker_world, one_bridge, three_in_line, two_uplinks
from tests.path.endings import (
    known_gateway,
)

TCP, UDP = Protocol.TCP, Protocol.UDP
PORT = "10.77.0.1:8080"


@dataclass(frozen=True)
class Fault:
    """A host, a question, and the first cause: its code, place and owner. `mended`: it has fixes."""

    name: str
    snapshot: Snapshot
    code: str
    at: str
    target: str = PORT
    source: str = "ns:lan"
    protocol: Protocol = TCP
    owner: str = "admin"
    mended: bool = True

    def __str__(self) -> str:
        return self.name

    @property
    def question(self) -> Question:
        return resolve(self.snapshot, self.target, self.source, self.protocol)

    def verdict(self) -> Verdict:
        return ask(self.snapshot, self.question)


def docker(change: Callable[[World], object] | None = None, **options: object) -> Snapshot:
    world = docker_world(**options)  # type: ignore[arg-type]
    if change is not None:
        change(world)
    return world.snapshot()


def raw(rule: str) -> Callable[[World], object]:
    """A rule of the host's raw table, which packets meet before they are tracked."""
    return lambda world: world["host"].iptables(f"*raw\n:PREROUTING ACCEPT [0:0]\n{rule}\nCOMMIT\n")


def line(change: Callable[[World], object]) -> Snapshot:
    world = three_in_line()
    change(world)
    return world.snapshot("client")


def state(name: str, value: str, *, gone: bool = False) -> Callable[[World], object]:
    """Puts a container into a state; one that is gone has no namespace."""

    def change(world: World) -> None:
        found = next(c for c in world.containers if c.name == name)
        made = replace(found, state=value, netns=None if gone else found.netns)
        world.containers[world.containers.index(found)] = made
        if gone:
            del world.spaces[name]
            del world["host"].links[f"veth{name}"]

    return change


def serving(*arguments: object, where: str = "server", **more: object) -> Callable[[World], object]:
    """What a namespace listens on, instead of what it does."""

    def change(world: World) -> None:
        world[where].listeners.clear()
        if arguments:
            world[where].listen(*arguments, **more)  # type: ignore[arg-type]

    return change


def relay(kind: str, target: str | None, port: int) -> Callable[[World], object]:
    def change(world: World) -> None:
        to = Relay(kind, ip_address(target) if target else None, port)
        world["host"].listen(8080, process=Process(790, kind, relay=to))

    return change


def guarded(world: World) -> None:
    """The rule with which Docker Engine 28 keeps a container's own address from outside its bridge."""
    world["lan"].route("172.17.0.0/16 via 10.77.0.1 dev eth0")
    world["host"].iptables(
        "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP\nCOMMIT\n"
    )


def unplugged(world: World) -> None:
    world["host"].change("vethweb", master=None, port=None)


def lost_address(world: World) -> None:
    world["web"].addresses[:] = [a for a in world["web"].addresses if str(a.address) != WEB]


def stale_neighbour(world: World) -> None:
    world["host"].neighbour("docker0", WEB, "02:42:ac:11:00:99", "permanent")


def strict(world: World) -> None:
    known_gateway(world).sysctl("net.ipv4.conf.left.rp_filter", 1).route("10.1.0.2/32 via 10.2.0.2 dev right")


def two_networks() -> World:
    """A second bridge br1 with `app`, which Docker keeps apart from docker0."""
    world = docker_world()
    host = world["host"].bridge("br1").address("br1", "172.18.0.1/16")
    app = world.space("app")
    world.cable("host:vethapp", "app:eth0")
    host.plug("vethapp", "br1")
    app.address("eth0", "172.18.0.2/16").route("default via 172.18.0.1 dev eth0")
    world.container("app", "172.18.0.2")
    host.tables.clear()
    host.iptables(
        "*filter\n:FORWARD DROP [0:0]\n:DOCKER-USER - [0:0]\n:DOCKER-ISOLATION-STAGE-1 - [0:0]\n"
        ":DOCKER-ISOLATION-STAGE-2 - [0:0]\n-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER-ISOLATION-STAGE-1\n"
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A FORWARD -i br1 ! -o br1 -j ACCEPT\n"
        "-A DOCKER-ISOLATION-STAGE-1 -i br1 ! -o br1 -j DOCKER-ISOLATION-STAGE-2\n"
        "-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP\n-A DOCKER-USER -j RETURN\nCOMMIT\n"
    )
    return world


def wrong_mac(world: World) -> None:
    world["router"].neighbour("right", "10.2.0.2", "02:00:00:00:ff:ff")


SERVER: dict[str, Any] = {"target": "10.2.0.2:80", "source": "host"}
BRIDGED: dict[str, Any] = {"target": "10.3.0.2:80", "source": "host"}
TUNNEL: dict[str, Any] = {"target": "10.7.0.2:80", "source": "host"}
DROP_BACK = "-s 172.17.0.2/32 -p tcp -m tcp --sport 80 -j DROP"
TO_99 = PUBLISH.replace("172.17.0.2:80", "172.17.0.99:80")
TO_81 = PUBLISH.replace("172.17.0.2:80", "172.17.0.2:81")


def unheard() -> World:
    """`right` has the address and is told not to answer for it."""
    world = one_bridge()
    world["right"].sysctl("net.ipv4.conf.eth0.arp_ignore", 8)
    return world


def undiscovered() -> World:
    """`right` drops what its few rules do not accept, and neighbour discovery is none of it."""
    world = one_bridge()
    for number, name in enumerate(("left", "right"), 1):
        world[name].address("eth0", f"fd03::{number}/64").listen(80, f"fd03::{number}")
    rules = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n"
    world["right"].iptables(rules, family="ip6")
    return world


def unasked() -> World:
    """The bridge's own chain passes on what is for the web and nothing else, not even who asks for an address."""
    world = one_bridge()
    web = Match((Field("tcp dport"),), ((Interval(80, 80),),), text="tcp dport 80")
    rule = Rule(0, (web, Says(VerdictKind.ACCEPT)), "tcp dport 80 accept")
    base = BaseChain("filter", "forward", 0, VerdictKind.DROP)
    world["sw"].table(Table(Backend.NFT, "bridge", "frames", (Chain("forward", rules=(rule,), base=base),)))
    return world


def astray(world: World) -> None:
    """A more specific route of a VPN, say, takes packets for web away."""
    world["host"].link("tun0", noarp=True)
    world["host"].route("172.17.0.2/32 dev tun0")


def own_published_port(masquerade: bool, hairpin: bool) -> Snapshot:
    """A container asks for its own published port, which is translated on docker0 as well."""
    world = docker_world(proxy=False)
    host = world["host"].plug("vethweb", "docker0", hairpin=hairpin)
    host.sysctl("net.bridge.bridge-nf-call-iptables", 1).tables.clear()
    source = (
        "-A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE\n"
        if masquerade
        else ""
    )
    host.iptables(
        "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n-A PREROUTING -d 10.77.0.1/32 -p tcp -m tcp "
        f"--dport 8080 -j DNAT --to-destination 172.17.0.2:80\n{source}COMMIT\n"
    )
    return world.snapshot()


def unmasqueraded() -> Snapshot:
    """Containers ask out with their own address, to which nobody outside has a route."""
    world = docker_world()
    world["lan"].serve(80)
    world["host"].tables[:] = [table for table in world["host"].tables if table.name != "nat"]
    world["host"].iptables("*nat\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n")
    return world.snapshot()


def given_source(rule: str) -> Snapshot:
    """A rule that chooses a source for what leaves, before the engine's own rules."""
    world = docker_world()
    world["lan"].serve(80).route("172.17.0.0/16 dev eth0")
    host = world["host"]
    nat = next(table for table in host.tables if table.name == "nat")
    host.tables.remove(nat)
    host.iptables(
        f"*nat\n:POSTROUTING ACCEPT [0:0]\n{rule}\n-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\nCOMMIT\n"
    )
    return world.snapshot()


def overlay(
    there: str = "10.2.0.2", back: str = "10.1.0.2", server: str = "", change: Callable[[World], object] | None = None
) -> Snapshot:
    """A vxlan between client and server: the remotes that its ends send unknown frames to (empty for none), and the one
    that the client has for the server's MAC address; with one thing changed."""
    world = three_in_line()
    for name, own, local, remote in (("client", 1, "10.1.0.2", there), ("server", 2, "10.2.0.2", back)):
        space = world[name]
        space.link("vx7", "vxlan", detail={"id": "7", "dstport": "4789", "local": local})
        space.address("vx7", f"10.7.0.{own}/24")
        if remote:
            space.learned("vx7", ZERO_MAC, destination=ip_address(remote))
    if server:
        world["client"].learned("vx7", world["server"].links["vx7"].mac, destination=ip_address(server))
    if change is not None:
        change(world)
    return world.snapshot("client")


def deaf_port() -> Snapshot:
    world = one_bridge()
    world["sw"].plug("right0", "br0", state="blocking")
    return world.snapshot("left")


def astray_frame() -> Snapshot:
    """The bridge has learned the server's MAC address behind another port, and nobody asks where it is."""
    world = one_bridge()
    world.space("spy")
    world.cable("sw:spy0", "spy:eth0")
    mac = world["right"].links["eth0"].mac
    world["sw"].plug("spy0", "br0").learned("spy0", mac)
    world["left"].neighbour("eth0", "10.3.0.2", mac, "reachable")
    return world.snapshot("left")


def silent_device() -> Snapshot:
    world = one_bridge()
    world["right"].change("eth0", noarp=True)
    return world.snapshot("left")


def card_down() -> Snapshot:
    world = two_uplinks()
    world["host"].routes.clear()
    world["host"].change("isp1", up=False)
    return world.snapshot()


def wrong_gateway(world: World) -> None:
    world["server"].routes.clear()
    world["server"].address("eth0", "10.2.0.2/24")
    world["server"].link("wan")
    world["server"].address("wan", "192.0.2.2/24").route("10.1.0.0/24 via 192.0.2.1 dev wan")
    world["server"].route("default via 10.2.0.1 dev eth0")


def first_fixes(verdict: Verdict) -> list[Change]:
    """The changes of the first fix of every cause that changes something, in order."""
    return [change for cause in verdict.causes if cause.change for change in cause.change.plan.changes]


def translated_by_hand(world: World) -> None:
    rule = "-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.2.0.2:80"
    world["router"].iptables(f"*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{rule}\nCOMMIT\n")


def exit_node(world: World) -> None:
    """A VPN's rule takes everything to its tunnel, also what is for the host's own networks (Tailscale's table 52)."""
    host = world["host"]
    host.link("ts0", noarp=True)
    host.address("ts0", "100.64.1.1/32").route("default dev ts0 table 52").policy(5270, 52)


def second_uplink(world: World) -> None:
    """A client comes in by the host's second uplink, and the answer leaves by the default route of the first."""
    isp, far = world.space("isp"), world.space("far")
    world.cable("host:up1", "isp:eth0").cable("isp:far0", "far:eth0")
    world["host"].address("up1", "10.78.0.1/24")
    isp.address("eth0", "10.78.0.2/24").address("far0", "192.0.2.1/24").forwarding()
    far.address("eth0", "192.0.2.9/24").route("default via 192.0.2.1 dev eth0")


def stolen_reply(world: World) -> None:
    """wg-quick's rules: what carries no mark of its own goes by the tunnel, but for what main has a network for."""
    host = world["host"]
    host.link("wg0", noarp=True)
    host.route("default dev wg0 table 51820")
    host.policy(32764, suppress_prefixlength=0)
    host.policy(32765, 51820, fwmark=51820, invert=True)
    world["host"].routes[:] = [r for r in host.routes if r.table != 254 or r.destination.prefixlen]
    world["lan"].address("eth0", "192.0.2.7/32").route("10.77.0.1/32 dev eth0 src 192.0.2.7")
    host.route("default via 10.77.0.2 dev up0")
