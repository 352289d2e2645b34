"""The demo lab: a small Docker-like host with one fault, as a plan. Pure.

Five namespaces: the host with a bridge, three containers on it, and a LAN client on the host's uplink.

    <lab>-lan 192.168.30.2 ── eth0 192.168.30.1 <lab>-host demo0 172.30.0.1 ─┬─ <lab>-web 172.30.0.2 :80
                                                                             ├─ <lab>-api 172.30.0.3 :8000
                                                                             └─ <lab>-db  172.30.0.4 :5432

The rules are those that Docker Engine 26 writes for one bridge network and the published ports 8080→web:80 and
8000→api:8000. The fault is a rule in DOCKER-USER, the chain that Docker leaves to the administrator: it drops what
comes in by the uplink for port 80. Its author meant the host's own port 80 and overlooked that DNAT has turned 8080
into web's 80 before the chain is reached. So 8080 times out, and 8000 works.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, ip_network

from engine.change.address import AddAddress
from engine.change.namespace import CreateBridge, CreateNetns, CreateVeth
from engine.change.program import Serve
from engine.change.route import AddRoute
from engine.change.ruleset import LoadRules
from engine.change.sysctl import SetSysctl
from engine.model.container import Attachment, Container, Network, PublishedPort
from engine.model.firewall import Backend
from engine.model.host import Snapshot
from engine.model.link import Address
from engine.model.packet import Protocol
from engine.model.plan import Change, Plan
from engine.model.route import NextHop, Route
from engine.records import dataclass, replace

BRIDGE = "demo0"
UPLINK = "eth0"
BRIDGE_ADDRESS = IPv4Interface("172.30.0.1/24")
HOST_ADDRESS = IPv4Interface("192.168.30.1/24")
LAN_ADDRESS = IPv4Interface("192.168.30.2/24")


@dataclass(frozen=True, slots=True)
class DemoNode:
    """A container of the lab: what it listens on, and the port of the host that is published for it, if any."""

    name: str
    address: IPv4Interface
    port: int
    published: int | None = None


NODES = (
    DemoNode("web", IPv4Interface("172.30.0.2/24"), 80, published=8080),
    DemoNode("api", IPv4Interface("172.30.0.3/24"), 8000, published=8000),
    DemoNode("db", IPv4Interface("172.30.0.4/24"), 5432),
)

FILTER_HEAD = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o {bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o {bridge} -j DOCKER
-A FORWARD -i {bridge} ! -o {bridge} -j ACCEPT
-A FORWARD -i {bridge} -o {bridge} -j ACCEPT
"""
FILTER_TAIL = """\
-A DOCKER-ISOLATION-STAGE-1 -i {bridge} ! -o {bridge} -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o {bridge} -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -i {uplink} -p tcp -m tcp --dport 80 -j DROP
-A DOCKER-USER -j RETURN
COMMIT
"""
NAT_HEAD = """\
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s {subnet} ! -o {bridge} -j MASQUERADE
"""


def rules() -> str:
    """The host's rules, in iptables-restore's format."""
    published = [node for node in NODES if node.published is not None]
    words = {"bridge": BRIDGE, "uplink": UPLINK, "subnet": BRIDGE_ADDRESS.network}
    opened = [
        f"-A DOCKER -d {node.address.ip}/32 ! -i {BRIDGE} -o {BRIDGE} -p tcp -m tcp --dport {node.port} -j ACCEPT\n"
        for node in published
    ]
    hairpin = [
        f"-A POSTROUTING -s {node.address.ip}/32 -d {node.address.ip}/32 -p tcp -m tcp --dport {node.port}"
        " -j MASQUERADE\n"
        for node in published
    ]
    translated = [
        f"-A DOCKER ! -i {BRIDGE} -p tcp -m tcp --dport {node.published}"
        f" -j DNAT --to-destination {node.address.ip}:{node.port}\n"
        for node in published
    ]
    nat = [NAT_HEAD.format(**words), *hairpin, f"-A DOCKER -i {BRIDGE} -j RETURN\n", *translated, "COMMIT\n"]
    return "".join([FILTER_HEAD.format(**words), *opened, FILTER_TAIL.format(**words), *nat])


def plan(lab: str = "demo") -> Plan:
    """The demo lab under a name; its namespaces are `<lab>-host`, `<lab>-lan` and `<lab>-<container>`."""
    host, lan = f"{lab}-host", f"{lab}-lan"
    changes: list[Change] = [
        CreateNetns(host),
        SetSysctl(host, "net.ipv4.ip_forward", 1),
        CreateBridge(host, BRIDGE),
        _address(host, BRIDGE, BRIDGE_ADDRESS),
        CreateNetns(lan),
        CreateVeth(host, UPLINK, lan, "eth0"),
        _address(host, UPLINK, HOST_ADDRESS),
        _address(lan, "eth0", LAN_ADDRESS),
        _default_route(lan, HOST_ADDRESS.ip),
    ]
    for node in NODES:
        container = f"{lab}-{node.name}"
        changes += [
            CreateNetns(container),
            CreateVeth(host, f"veth{node.name}", container, "eth0", master=BRIDGE),
            _address(container, "eth0", node.address),
            _default_route(container, BRIDGE_ADDRESS.ip),
        ]
    changes.append(LoadRules(host, Backend.XT_NFT, rules()))
    changes += [
        Serve(f"{lab}-{node.name}", Protocol.TCP, IPv4Address("0.0.0.0"), node.port, node.name) for node in NODES
    ]
    return Plan(f"the demo lab {lab}: a bridge, three containers, a published port and one fault", tuple(changes))


def target() -> str:
    """What to ask for: the published port that the fault keeps closed."""
    return f"{HOST_ADDRESS.ip}:{NODES[0].published}"


def source(lab: str = "demo") -> str:
    """Who asks: the client on the LAN."""
    return f"ns:{lab}-lan"


def dressed(snapshot: Snapshot, lab: str = "demo") -> Snapshot:
    """A snapshot of the lab's host in which the lab's nodes are the containers of an engine, and the only ones."""
    own = {f"{lab}-{name}" for name in ("host", "lan", *(node.name for node in NODES))}
    return replace(
        snapshot,
        namespaces=tuple(netns for netns in snapshot.namespaces if netns.id in own),
        gaps=tuple(gap for gap in snapshot.gaps if gap.netns in own),
        containers=tuple(_container(lab, node) for node in NODES if f"{lab}-{node.name}" in snapshot.by_id),
        networks=(Network("demo", "docker", "bridge", BRIDGE, subnets=(str(BRIDGE_ADDRESS.network),)),),
    )


def _container(lab: str, node: DemoNode) -> Container:
    published = [PublishedPort(Protocol.TCP, None, node.published, node.port)] if node.published else []
    return Container(
        id=f"{lab}-{node.name}",
        name=node.name,
        engine="docker",
        state="running",
        netns=f"{lab}-{node.name}",
        network_mode="demo",
        attachments=(Attachment("demo", node.address.ip, gateway=BRIDGE_ADDRESS.ip),),
        published=tuple(published),
        project=lab,
        service=node.name,
        command=("docker",),
    )


def _address(netns: str, link: str, interface: IPv4Interface) -> AddAddress:
    network = interface.network
    address = Address(0, interface.ip, network.prefixlen, broadcast=network.broadcast_address)
    return AddAddress(netns, link, address)


def _default_route(netns: str, gateway: IPv4Address) -> AddRoute:
    return AddRoute(netns, Route(ip_network("0.0.0.0/0"), nexthops=(NextHop(gateway=gateway),)))
