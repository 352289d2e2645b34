"""The hosts that tests ask about: a line of three, a Docker host, a host with two uplinks, two hosts on one bridge."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.container import Network, PublishedPort
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.traffic import Process, Relay
from tests.hosts.build import World

#: iptables-save of Docker 26 with one bridge and web's port 80 published as 8080. `{user}` are DOCKER-USER's rules.
DOCKER_RULES = """*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
{filter}-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
{user}-A DOCKER-USER -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
{nat}COMMIT
"""
PUBLISH = "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\n"
WEB, PUBLISHED = "172.17.0.2", "10.77.0.1"


def lines(rules: Sequence[str]) -> str:
    """Rules, one a line."""
    return "".join(f"{rule}\n" for rule in rules)


def docker_world(
    *, user: Sequence[str] = (), filters: Sequence[str] = (), nat: str = PUBLISH, proxy: bool = True
) -> World:
    """`host` with an uplink to `lan` and docker0, on which `web` serves port 80 and `db` port 5432.

    `user` are rules of DOCKER-USER, `filters` rules before all of the filter table, `nat` those of nat's DOCKER chain.
    """
    world = World()
    host, lan = world.space("host"), world.space("lan")
    world.cable("host:up0", "lan:eth0")
    host.bridge("docker0").address("up0", "10.77.0.1/24").address("docker0", "172.17.0.1/16")
    lan.address("eth0", "10.77.0.2/24")
    host.forwarding().route("default via 10.77.0.2 dev up0")
    text = DOCKER_RULES.format(user=lines([f"-A DOCKER-USER {rule}" for rule in user]), filter=lines(filters), nat=nat)
    host.iptables(text)
    for name, address, port in (("web", WEB, 80), ("db", "172.17.0.3", 5432)):
        inside = world.space(name)
        world.cable(f"host:veth{name}", f"{name}:eth0")
        host.plug(f"veth{name}", "docker0")
        inside.address("eth0", f"{address}/16").route("default via 172.17.0.1 dev eth0").listen(port)
    world["web"].listen(80, None, Protocol.UDP)
    world.container("web", WEB, PublishedPort(Protocol.TCP, None, 8080, 80))
    world.container("db", "172.17.0.3")
    world.networks.append(Network("bridge", "docker", "bridge", "docker0", subnets=("172.17.0.0/16",)))
    if proxy:
        relay = Process(790, "docker-proxy", relay=Relay("docker-proxy", world["web"].addresses[-1].address, 80))
        host.listen(8080, process=relay)
    return world


def docker_host(**options: object) -> Snapshot:
    """`docker_world` as a snapshot."""
    return docker_world(**options).snapshot()  # type: ignore[arg-type]


def three_in_line() -> World:
    """`client` 10.1.0.2 — `router` — `server` 10.2.0.2, which serves port 80. No firewall, no container engine."""
    world = World()
    for name in ("client", "router", "server"):
        world.space(name)
    world.cable("client:eth0", "router:left").cable("router:right", "server:eth0")
    world["client"].address("eth0", "10.1.0.2/24", "fd01::2/64").serve(80)
    world["client"].route("default via 10.1.0.1 dev eth0").route("default via fd01::1 dev eth0")
    world["router"].address("left", "10.1.0.1/24", "fd01::1/64").address("right", "10.2.0.1/24", "fd02::1/64")
    world["router"].forwarding().serve(80)
    world["server"].address("eth0", "10.2.0.2/24", "fd02::2/64").serve(80)
    world["server"].listen(80, "fd02::2").listen(80, "fd02::2", Protocol.UDP)
    world["server"].route("default via 10.2.0.1 dev eth0").route("default via fd02::1 dev eth0")
    return world


def two_uplinks() -> World:
    """`host` with two network cards; packets from the second one's address leave by it (rule 100, table 100)."""
    world = World()
    host = world.space("host")
    host.link("isp1")
    host.link("isp2")
    host.address("isp1", "198.51.100.2/24").address("isp2", "203.0.113.2/24").serve(443)
    host.route("default via 198.51.100.1 dev isp1")
    host.route("default via 203.0.113.1 dev isp2 table 100")
    host.policy(100, 100, source="203.0.113.2/32")
    return world


def one_bridge() -> World:
    """`sw` has a bridge br0 between `left` (10.3.0.1) and `right` (10.3.0.2), which serve port 80."""
    world = World()
    world.space("sw")
    for number, name in enumerate(("left", "right"), 1):
        world.space(name)
        world.cable(f"sw:{name}0", f"{name}:eth0")
        world[name].address("eth0", f"10.3.0.{number}/24").serve(80)
    world["sw"].bridge("br0", "left0", "right0")
    return world
