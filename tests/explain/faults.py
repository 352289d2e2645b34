"""Hosts with one thing wrong each: what is asked there, and which cause has to be named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.plan import Change
from engine.model.traffic import Process, Relay
from engine.model.verdict import Question, Verdict
from tests.hosts.build import World
from tests.hosts.stock import PUBLISH, WEB, docker_world, one_bridge, three_in_line, two_uplinks
from tests.path.endings import (
    answer_past_the_translation,
    circle,
    filtered,
    isolated_ports,
    known_gateway,
    no_address,
    vanished,
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


SERVER = {"target": "10.2.0.2:80", "source": "host"}
BRIDGED = {"target": "10.3.0.2:80", "source": "host"}
DROP_BACK = "-s 172.17.0.2/32 -p tcp -m tcp --sport 80 -j DROP"
TO_99 = PUBLISH.replace("172.17.0.2:80", "172.17.0.99:80")
TO_81 = PUBLISH.replace("172.17.0.2:80", "172.17.0.2:81")


def unheard() -> World:
    """`right` has the address and is told not to answer for it."""
    world = one_bridge()
    world["right"].sysctl("net.ipv4.conf.eth0.arp_ignore", 8)
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


def deaf_port() -> Snapshot:
    world = one_bridge()
    world["sw"].plug("right0", "br0", state="blocking")
    return world.snapshot("left")


def astray_frame() -> Snapshot:
    """The bridge has learned the server's MAC address behind another port."""
    world = one_bridge()
    world.space("spy")
    world.cable("sw:spy0", "spy:eth0")
    world["sw"].plug("spy0", "br0").learned("spy0", world["right"].links["eth0"].mac)
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


FAULTS: tuple[Fault, ...] = (
    # Netfilter.
    Fault(
        "drop in DOCKER-USER",
        docker(user=["-p tcp -m tcp --dport 80 -j DROP"]),
        "FW_RULE_DROP",
        "filter/DOCKER-USER #0",
    ),
    Fault(
        "drop before all", docker(filters=["-A FORWARD -s 10.77.0.0/24 -j DROP"]), "FW_RULE_DROP", "filter/FORWARD #0"
    ),
    Fault("reject", docker(filters=["-A FORWARD -o docker0 -j REJECT"]), "FW_RULE_REJECT", "filter/FORWARD #0"),
    Fault("drop of the answer", docker(filters=[f"-A FORWARD {DROP_BACK}"]), "FW_RULE_DROP", "filter/FORWARD #0"),
    Fault(
        "drop in the container",
        docker(lambda w: filtered(w["web"], "INPUT", "-p tcp -m tcp --dport 80 -j DROP"), proxy=False),
        "FW_RULE_DROP",
        "filter/INPUT #0",
    ),
    Fault(
        "policy in the container",
        docker(lambda w: filtered(w["web"], "INPUT", policy="DROP")),
        "FW_POLICY_DROP",
        "filter/INPUT",
    ),
    Fault(
        "isolated networks",
        two_networks().snapshot(),
        "FW_NET_ISOLATION_DROP",
        "filter/DOCKER-ISOLATION-STAGE-2 #0",
        "web:80",
        "app",
        owner="docker",
    ),
    # Routing.
    Fault(
        "forwarding off",
        line(lambda w: w["router"].sysctl("net.ipv4.ip_forward", 0)),
        "HOST_IP_FORWARD_OFF",
        "net.ipv4.ip_forward",
        **SERVER,
    ),
    Fault(
        "forwarding of a device off",
        line(lambda w: w["router"].sysctl("net.ipv4.conf.left.forwarding", 0)),
        "HOST_DEVICE_FORWARDING_OFF",
        "net.ipv4.conf.left.forwarding",
        **SERVER,
    ),
    Fault(
        "strict reverse path filter", line(strict), "HOST_RP_FILTER_STRICT", "net.ipv4.conf.left.rp_filter", **SERVER
    ),
    Fault("no route", line(lambda w: w["client"].routes.clear()), "SRC_NO_ROUTE", "routing table", **SERVER),
    Fault("no route back", line(lambda w: w["server"].routes.clear()), "RET_NO_ROUTE_BACK", "routing table", **SERVER),
    Fault(
        "unreachable route",
        line(lambda w: w["client"].route("unreachable 10.2.0.2/32")),
        "SRC_ROUTE_UNREACHABLE",
        "route 10.2.0.2/32 (table main)",
        **SERVER,
    ),
    Fault(
        "prohibited route",
        line(lambda w: w["router"].route("prohibit 10.2.0.2/32")),
        "SRC_ROUTE_PROHIBIT",
        "route 10.2.0.2/32 (table main)",
        **SERVER,
    ),
    Fault(
        "blackhole",
        line(lambda w: w["client"].route("blackhole 10.2.0.2/32")),
        "SRC_ROUTE_BLACKHOLE",
        "route 10.2.0.2/32 (table main)",
        **SERVER,
    ),
    Fault(
        "blackhole for the answer",
        line(lambda w: w["server"].route("blackhole 10.1.0.2/32")),
        "RET_ROUTE_BLACKHOLE",
        "route 10.1.0.2/32 (table main)",
        **SERVER,
    ),
    Fault(
        "refusing policy rule",
        line(lambda w: w["client"].policy(50, action="prohibit")),
        "SRC_ROUTE_PROHIBIT",
        "ip rule 50",
        **SERVER,
    ),
    # Links.
    Fault(
        "bridge down",
        docker(lambda w: w["host"].change("docker0", up=False), proxy=False),
        "LINK_BRIDGE_DOWN",
        "docker0",
    ),
    Fault(
        "port down", docker(lambda w: w["host"].change("vethweb", up=False), proxy=False), "LINK_VETH_DOWN", "vethweb"
    ),
    Fault("port of no bridge", docker(unplugged, proxy=False), "LINK_NO_MASTER", "vethweb"),
    Fault("address lost", docker(lost_address, proxy=False), "DST_NO_ADDRESS", "eth0", owner="docker"),
    Fault("wrong neighbour entry", docker(stale_neighbour, proxy=False), "LINK_NEIGH_STALE", "172.17.0.2 dev docker0"),
    Fault("isolated ports", isolated_ports().snapshot, "LINK_PORT_ISOLATED", "right0", **BRIDGED),
    Fault(
        "address not answered for",
        unheard().snapshot("left"),
        "LINK_ARP_IGNORED",
        "net.ipv4.conf.eth0.arp_ignore",
        **BRIDGED,
    ),
    Fault(
        "nobody has the address",
        one_bridge().snapshot("left"),
        "SRC_NEIGH_FAILED",
        "10.3.0.9 dev eth0",
        "10.3.0.9:80",
        "host",
        mended=False,
    ),
    Fault("frame for another", line(wrong_mac), "LINK_NEIGH_STALE", "10.2.0.2 dev right", **SERVER),
    # Translation.
    Fault("rules wiped", docker(nat="", proxy=False), "NAT_RULES_WIPED", "port 8080/tcp", owner="docker"),
    Fault(
        "translated to nobody", docker(nat=TO_99, proxy=False), "NAT_DNAT_STALE_TARGET", "nat/DOCKER #1", owner="docker"
    ),
    Fault(
        "translated to a closed port",
        docker(nat=TO_81, filters=["-A FORWARD -o docker0 -j ACCEPT"], proxy=False),
        "DST_LISTEN_OTHER_PORT",
        "nat/DOCKER #1",
        owner="docker",
    ),
    Fault("not published", docker(), "NAT_NOT_PUBLISHED", "port 5432/tcp", "10.77.0.1:5432", owner="docker"),
    Fault(
        "no rule, and dockerd holds the port",
        docker(relay("dockerd", None, 80), nat="", proxy=False),
        "NAT_RULES_WIPED",
        "port 8080/tcp",
        owner="docker",
    ),
    Fault(
        "a relay to a closed port",
        docker(relay("docker-proxy", WEB, 81), nat="", proxy=False),
        "DST_LISTEN_OTHER_PORT",
        "web",
        owner="docker",
    ),
    # The end of the way.
    Fault("nothing listens", line(serving()), "DST_NO_LISTENER", "server", **SERVER),
    Fault("loopback only", line(serving(80, "127.0.0.1")), "DST_LISTEN_LOOPBACK_ONLY", "127.0.0.1:80/tcp", **SERVER),
    Fault("other address", line(serving(80, "10.2.0.9")), "DST_LISTEN_OTHER_ADDRESS", "10.2.0.9:80/tcp", **SERVER),
    Fault("other device", line(serving(80, device=1)), "DST_LISTEN_OTHER_DEVICE", "0.0.0.0:80/tcp", **SERVER),
    Fault("IPv4 only", line(serving(80)), "DST_LISTEN_OTHER_FAMILY", "0.0.0.0:80/tcp", "[fd02::2]:80", "host"),
    Fault("other protocol", line(serving(80)), "DST_LISTEN_OTHER_PROTOCOL", "server", protocol=UDP, **SERVER),
    Fault("other port", docker(), "DST_LISTEN_OTHER_PORT", "web", "web:81", "host", owner="docker"),
    Fault("queue full", line(serving(80, backlog=5, queued=9)), "DST_BACKLOG_FULL", "0.0.0.0:80/tcp", **SERVER),
    Fault(
        "program stopped",
        line(serving(80, process=Process(9, "app", "T"))),
        "DST_STOPPED",
        "0.0.0.0:80/tcp",
        mended=False,
        **SERVER,
    ),
    Fault(
        "container gone",
        docker(state("web", "exited", gone=True), nat="", proxy=False),
        "DST_NOT_RUNNING",
        "web",
        owner="docker",
    ),
    Fault("container paused", docker(state("web", "paused")), "DST_PAUSED", "web", owner="docker"),
    # Out of this host's hands.
    Fault("leaves the view", two_uplinks().snapshot(), "INFO_EXITS_HOST", "isp1", "192.0.2.9:80", "host", mended=False),
    Fault(
        "no address to send from",
        no_address().snapshot,
        "SRC_NO_ADDRESS",
        "route 10.2.0.0/24 (table main)",
        mended=False,
        **SERVER,
    ),
    Fault("a circle", circle().snapshot, "ROUTE_LOOP", "server", "10.5.0.9:80", "host", mended=False),
    Fault(
        "a hole in the snapshot",
        vanished("client").snapshot,
        "ENDS_UNKNOWN",
        "route 10.2.0.2/32 (table main)",
        mended=False,
        **SERVER,
    ),
    Fault(
        "answer not translated back",
        answer_past_the_translation().snapshot,
        "RET_RETURN_NOT_UNNATED",
        "left",
        "10.3.0.254:80",
        "host",
        mended=False,
    ),
    # Less common ones.
    Fault(
        "own address as a source",
        line(lambda w: known_gateway(w).address("lo", "10.1.0.2/32")),
        "HOST_MARTIAN",
        "10.1.0.2",
        owner="kernel",
        mended=False,
        **SERVER,
    ),
    Fault("route shadowed", docker(astray, proxy=False), "SRC_ROUTE_SHADOWED", "route 172.17.0.2/32 (table main)"),
    Fault(
        "answer led astray", line(wrong_gateway), "RET_ASYMMETRIC_GATEWAY", "route 10.1.0.0/24 (table main)", **SERVER
    ),
    Fault("no hairpin", own_published_port(True, False), "LINK_HAIRPIN_OFF", "vethweb", source="web"),
    Fault(
        "no masquerading of a hairpin",
        own_published_port(False, True),
        "NAT_HAIRPIN_NO_MASQ",
        "nat/POSTROUTING",
        source="web",
    ),
    Fault("no masquerading", unmasqueraded(), "NAT_MASQ_MISSING", "nat/POSTROUTING", "10.77.0.2:80", "web"),
    Fault("port that does not forward", deaf_port(), "LINK_PORT_NOT_FORWARDING", "right0", mended=False, **BRIDGED),
    Fault("frame learned elsewhere", astray_frame(), "LINK_NOT_FOR_US", "eth0", mended=False, **BRIDGED),
    Fault("device without ARP", silent_device(), "LINK_ARP_OFF", "eth0", mended=False, **BRIDGED),
)


def first_fixes(verdict: Verdict) -> list[Change]:
    """The changes of every cause's first fix, in order."""
    return [change for cause in verdict.causes if cause.fixes for change in cause.fixes[0].plan.changes]
