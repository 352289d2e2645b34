"""The less common faults, one a line, and an example of each code that no single fault stands for."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.container import Attachment, Container, PublishedPort
from engine.model.host import Gap, Snapshot
from engine.model.packet import Protocol
from engine.model.verdict import Cause
from tests.explain.faults import BRIDGED, SERVER, UDP, Fault, docker, line, relay, unplugged
from tests.explain.named_faults import both_families
from tests.explain.test_client_proxy import with_environment
from tests.explain.test_duplicate import with_a_second_holder
from tests.hosts.build import World
from tests.hosts.named import named, named_world
from tests.hosts.stock import PUBLISH, docker_world, one_bridge, three_in_line
from tests.path.endings import clashing
from tests.path.test_existing import ASSURED, CLIENT, NOBODY, ROUTER, entry, full, router, untranslated
from tests.path.test_proxies import FAR, proxied
from tests.path.test_stacked import TEN, TWENTY, filtering, stacked
from tests.several.hosts import pair


def without_gateway() -> Snapshot:
    """docker0 has lost its address."""
    world = docker_world(proxy=False)
    world["host"].addresses[:] = [a for a in world["host"].addresses if str(a.address) != "172.17.0.1"]
    for number, each in enumerate(world.containers):
        place = replace(each.attachments[0], gateway=ip_address("172.17.0.1"))
        world.containers[number] = replace(each, attachments=(place,))
    return world.snapshot()


def loopback_down() -> Snapshot:
    world = one_bridge()
    world["left"].change("lo", up=False)
    return world.snapshot("left")


def no_flooding() -> Snapshot:
    world = one_bridge()
    world["sw"].plug("right0", "br0", flood=False)
    world["left"].neighbour("eth0", "10.3.0.2", world["right"].links["eth0"].mac)
    return world.snapshot("left")


def published_on(address: str) -> Snapshot:
    """web is published on one address of the host only."""
    world = docker_world(nat="", proxy=False)
    port = PublishedPort(Protocol.TCP, ip_address(address), 8080, 80)
    world.containers[0] = replace(world.containers[0], published=(port,))
    return world.snapshot()


def to_loopback(world: World) -> None:
    """A port is translated to a program that listens on the host's loopback address."""
    world["host"].iptables(
        "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i up0 -p tcp -m tcp --dport 9090 -j DNAT "
        "--to-destination 127.0.0.1:9090\nCOMMIT\n"
    ).listen(9090, "127.0.0.1")


def held_by_dockerd(world: World) -> None:
    relay("dockerd", None, 80)(world)
    world.containers[0] = replace(world.containers[0], published=())


def past_iptables() -> Snapshot:
    """Bridged answers do not pass iptables, and db asks for web by the host's address."""
    world = docker_world(nat=PUBLISH.replace("! -i docker0 ", ""), proxy=False)
    host = world["host"].sysctl("net.bridge.bridge-nf-call-iptables", 0)
    host.tables.clear()
    host.iptables(
        "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 10.77.0.1/32 -p tcp -m tcp --dport 8080 -j DNAT "
        "--to-destination 172.17.0.2:80\nCOMMIT\n"
    )
    return world.snapshot()


def two_addresses(world: World) -> None:
    world["server"].address("eth0", "10.2.0.9/24")


def tunnelled(world: World) -> None:
    """A vxlan whose packets come in at 4789: the kernel's own socket is there."""
    server = world["server"]
    server.link("vx0", "vxlan", detail={"id": "7", "dstport": "4789"})
    server.listen(4789, None, Protocol.UDP, process=None)


def host_mode(world: World) -> None:
    world.container("tool", None, netns="host", network_mode="host")


def client_of_the_containers_network(world: World) -> None:
    """The LAN's client asks with an address of docker0's network."""
    lan = world["lan"].address("eth0", "172.17.5.5/32")
    lan.route("10.77.0.1/32 dev eth0 scope link src 172.17.5.5")


def without_engine(world: World) -> None:
    """docker0 has lost its address, and no engine tells of its networks."""
    world.containers.clear()
    world["host"].addresses[:] = [a for a in world["host"].addresses if str(a.address) != "172.17.0.1"]


def routed() -> Snapshot:
    """A network of web's that is routed: the engine publishes nothing."""
    world = docker_world(nat="", proxy=False)
    mode = (("com.docker.network.bridge.gateway_mode_ipv4", "routed"),)
    world.networks[0] = replace(world.networks[0], options=mode)
    place = Attachment("bridge", ip_address("172.17.0.2"))
    world.containers[0] = replace(world.containers[0], attachments=(place,))
    return world.snapshot()


def bridged(world: World) -> None:
    """What stays inside a bridge passes iptables."""
    world["host"].sysctl("net.bridge.bridge-nf-call-iptables", 1)


#: How Docker Engine 28 ends the rules of a bridge's published ports.
UNPUBLISHED = "-A DOCKER ! -i docker0 -o docker0 -j DROP"
THIEF = PUBLISH.replace("172.17.0.2:80", "172.17.0.99:80")


def from_behind(world: World) -> None:
    """web's port has left its bridge, and web asks for something outside."""
    unplugged(world)
    world["lan"].serve(80)


def device_down(world: World) -> None:
    """web's own device is down, and its routes have gone with it."""
    world["web"].change("eth0", up=False).routes.clear()


def bridge_down(world: World) -> None:
    """docker0 is down, and passes nothing between its ports."""
    world["host"].change("docker0", up=False)
    for port in ("vethweb", "vethdb"):
        world["host"].plug(port, "docker0", state="disabled")


MORE: tuple[Fault, ...] = (
    Fault(
        "an echo that a rule translates to nobody",
        docker(nat="-A DOCKER -p icmp -j DNAT --to-destination 172.17.0.77\n"),
        "NAT_DNAT_STALE_TARGET",
        "nat/DOCKER 2",
        "10.77.0.1",
        protocol=Protocol.ICMP,
        owner="docker",
    ),
    Fault(
        "port of no bridge, asked from behind it",
        docker(from_behind),
        "LINK_NO_MASTER",
        "vethweb",
        "10.77.0.2:80",
        "web",
    ),
    Fault("the asker's own device down", docker(device_down), "LINK_VETH_DOWN", "eth0", source="web"),
    Fault("bridge down between its ports", docker(bridge_down), "LINK_BRIDGE_DOWN", "docker0", "web:80", "db"),
    Fault("bridge without its address", without_gateway(), "LINK_BRIDGE_NO_ADDRESS", "docker0"),
    Fault(
        "client with an address of the containers' network",
        docker(client_of_the_containers_network),
        "SRC_SUBNET_OVERLAP",
        "route 172.17.0.0/16 (table main)",
    ),
    Fault(
        "unseen client with an address of the containers' network",
        docker(),
        "SRC_SUBNET_OVERLAP",
        "route 172.17.0.0/16 (table main)",
        source="172.17.5.5@up0",
    ),
    Fault(
        "containers of one network kept apart",
        docker(bridged, filters=["-A FORWARD -i docker0 -o docker0 -j DROP"]),
        "FW_ICC_DROP",
        "filter/FORWARD 1",
        "web:80",
        "db",
        owner="docker",
    ),
    Fault(
        "an internal network",
        docker(filters=["-A DOCKER-ISOLATION-STAGE-1 ! -s 172.17.0.0/16 -o docker0 -j DROP"]),
        "FW_INTERNAL_NET_DROP",
        "filter/DOCKER-ISOLATION-STAGE-1 1",
        owner="docker",
    ),
    Fault(
        "a port that is not published, at the container's own address",
        docker(lambda world: world["lan"].route("172.17.0.0/16 via 10.77.0.1 dev eth0"), filters=[UNPUBLISHED]),
        "FW_UNPUBLISHED_PORT_DROP",
        "filter/DOCKER 1",
        "db:5432",
        owner="docker",
    ),
    Fault(
        "let go before it is translated",
        docker(nat="-A DOCKER -i up0 -j RETURN\n" + PUBLISH, proxy=False),
        "NAT_DNAT_SHADOWED",
        "nat/DOCKER 2",
        owner="docker",
    ),
    Fault("bridge without an address that its ports name", docker(without_engine), "LINK_BRIDGE_NO_ADDRESS", "docker0"),
    Fault("a routed network", routed(), "NAT_NOT_PUBLISHED", "port 8080/tcp", owner="docker"),
    Fault(
        "routed by a neighbour that is no router",
        docker(lambda world: world["web"].route("10.77.0.0/24 via 172.17.0.3 dev eth0")),
        "SRC_ROUTE_SHADOWED",
        "route 10.77.0.0/24 (table main)",
        source="web",
    ),
    Fault("loopback down", loopback_down(), "LINK_DOWN", "lo", "127.0.0.1:80", "host"),
    Fault("no flooding", no_flooding(), "LINK_FLOOD_OFF", "right0", **BRIDGED),
    Fault(
        "published on another address",
        published_on("127.0.0.1"),
        "NAT_DNAT_HOSTIP_MISMATCH",
        "port 8080/tcp",
        owner="docker",
    ),
    Fault(
        "translated by another rule first",
        docker(nat=THIEF + PUBLISH, proxy=False),
        "NAT_DNAT_SHADOWED",
        "nat/DOCKER 2",
        owner="docker",
    ),
    Fault(
        "translated to loopback",
        docker(to_loopback),
        "NAT_LOOPBACK_NEEDS_ROUTE_LOCALNET",
        "net.ipv4.conf.up0.route_localnet",
        "10.77.0.1:9090",
        owner="kernel",
    ),
    Fault(
        "held, and for nobody",
        docker(held_by_dockerd, nat="", proxy=False),
        "NAT_NO_DNAT_RULE",
        "0.0.0.0:8080/tcp",
        owner="docker",
        mended=False,
    ),
    Fault(
        "no proxy", docker(proxy=False), "NAT_PROXY_ABSENT", "port 8080/tcp", "127.0.0.1:8080", "host", owner="docker"
    ),
    Fault(
        "answer past iptables",
        past_iptables(),
        "HOST_BRNF_OFF",
        "net.bridge.bridge-nf-call-iptables",
        source="db",
        owner="kernel",
    ),
    Fault(
        "unreachable route for the answer",
        line(lambda w: w["server"].route("unreachable 10.1.0.2/32")),
        "RET_ROUTE_UNREACHABLE",
        "route 10.1.0.2/32 (table main)",
        **SERVER,
    ),
    Fault(
        "prohibited route for the answer",
        line(lambda w: w["server"].route("prohibit 10.1.0.2/32")),
        "RET_ROUTE_PROHIBIT",
        "route 10.1.0.2/32 (table main)",
        **SERVER,
    ),
    Fault(
        "sent back",
        line(lambda w: w["router"].route("10.9.0.0/24 via 10.1.0.2 dev left")),
        "ROUTE_SENT_BACK",
        "net.ipv4.ip_forward",
        "10.9.0.9:80",
        "host",
        mended=False,
    ),
    Fault(
        "IPsec wanted",
        line(lambda w: w["router"].ipsec("fwd", "10.1.0.0/24", "10.2.0.0/24", transforms=True)),
        "HOST_IPSEC_POLICY",
        "IPsec policy",
        **SERVER,
        mended=False,
    ),
    Fault(
        "echo not answered",
        line(lambda w: w["server"].sysctl("net.ipv4.icmp_echo_ignore_all", 1)),
        "DST_ECHO_IGNORED",
        "net.ipv4.icmp_echo_ignore_all",
        "10.2.0.2",
        "host",
        Protocol.ICMP,
    ),
    Fault(
        "the port of a tunnel",
        line(tunnelled),
        "DST_TUNNEL_PORT",
        "0.0.0.0:4789/udp",
        "10.2.0.2:4789",
        "host",
        UDP,
        mended=False,
    ),
    Fault(
        "answer from another address",
        line(two_addresses),
        "RET_ANSWER_FROM_OTHER_ADDRESS",
        "0.0.0.0:80/udp",
        "10.2.0.9:80",
        "host",
        UDP,
    ),
    Fault(
        "rules wiped, asked from the host",
        docker(relay("dockerd", None, 80), nat="", proxy=False),
        "NAT_RULES_WIPED",
        "port 8080/tcp",
        source="host",
        owner="docker",
    ),
    Fault(
        "port of a container in host mode",
        docker(host_mode),
        "DST_NO_LISTENER",
        "host",
        "tool:9000",
    ),
    Fault(
        "tracked since before",
        router(entry(NOBODY)).snapshot("router"),
        "CT_STALE_ENTRY",
        f"udp {CLIENT}:4000 → {ROUTER}:53",
        f"{ROUTER}:53",
        f"{CLIENT}:4000",
        UDP,
        "kernel",
    ),
    Fault(
        "route by the loopback device",
        line(lambda world: world["router"].route("10.2.0.2/32 dev lo")),
        "ROUTE_LOOP",
        "route 10.2.0.2/32 (table main)",
        "10.2.0.2:80",
        source="host",
    ),
    Fault(
        "port taken",
        clashing("router").snapshot,
        "CT_CLASH",
        "nat/POSTROUTING 1",
        "10.2.0.2:80",
        source="host",
    ),
    Fault(
        "flow in the way",
        untranslated(entry("10.2.0.2")).snapshot("router"),
        "CT_CLASH",
        f"udp {CLIENT}:4000 → {ROUTER}:53",
        "10.2.0.2:80",
        f"{CLIENT}:4000",
        UDP,
        "kernel",
    ),
    Fault(
        "table full",
        full(ASSURED).snapshot("router"),
        "CT_TABLE_FULL",
        "net.netfilter.nf_conntrack_max",
        f"{ROUTER}:53",
        CLIENT,
        UDP,
        "kernel",
    ),
)


def _by_chance() -> Snapshot:
    rule = "-A FORWARD -d 10.2.0.2/32 -m recent --rcheck --name x --rsource -j DROP"
    return line(lambda world: world["router"].iptables(f"*filter\n:FORWARD ACCEPT [0:0]\n{rule}\nCOMMIT\n"))


def _unread() -> Snapshot:
    return line(lambda world: world.gaps.append(Gap("nft", "router", "nft is not installed: install nftables")))


def _unproxied() -> Snapshot:
    world = proxied(routed=False)
    world["router"].route("203.0.113.0/24 via 10.2.0.2 dev right")
    return world.snapshot("client")


def _translated() -> Snapshot:
    world = proxied()
    rule = "-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3128"
    world["router"].iptables(f"*nat\n:PREROUTING ACCEPT [0:0]\n{rule}\nCOMMIT\n")
    return world.snapshot("client")


def _loose() -> Snapshot:
    world = three_in_line()
    world["router"].iptables(
        "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i left -p tcp -m tcp --syn -j NOTRACK\nCOMMIT\n"
        "*filter\n:FORWARD ACCEPT [0:0]\n"
        "-A FORWARD -i left -p tcp -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --mss 1460\nCOMMIT\n"
    )
    return world.snapshot("client")


def taken(world: World, state: str = "created") -> None:
    """A program of the host has the port of a container that was never started."""
    port = PublishedPort(Protocol.TCP, None, 9090, 80)
    world.containers.append(Container("0123456789ab", "late", "docker", state, published=(port,)))
    world["host"].listen(9090, program="nginx")


def narrow(rules: str = "-A OUTPUT -p icmp -j DROP", mtu: int = 1400, ends: int = 1500) -> Snapshot:
    """A router with a smaller MTU towards the server, and rules for the errors that it sends."""

    def change(world: World) -> None:
        world["router"].change("right", mtu=mtu)
        world["client"].change("eth0", mtu=ends)
        world["router"].iptables(f"*filter\n:OUTPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n{rules}\nCOMMIT\n")

    return line(change)


def serving_6000() -> Snapshot:
    world = named_world()
    world["web"].listen(6000)
    return named(world)


def examples() -> dict[str, Cause]:
    """Codes that a single fault does not stand for, each with a cause or finding that has it."""
    asked = {
        "LINK_DUPLICATE_ADDRESS": (with_a_second_holder(listens=False), "10.77.0.1:8080", "ns:lan"),
        "LINK_MACVLAN_HOST_ISOLATION": (stacked("macvlan", mode="bridge").snapshot("one"), "10.3.0.254:80", "host"),
        "LINK_VLAN_MISMATCH": (filtering((TEN,), (TWENTY,)).snapshot("left"), "10.3.0.2:80", "host"),
        "HOST_TPROXY_NOT_ROUTED": (_unproxied(), f"{FAR}:80", "host"),
        "HOST_TPROXY_TRANSLATED": (_translated(), f"{FAR}:80", "host"),
        "CT_PICKS_UP_MIDWAY": (_loose(), "10.2.0.2:80", "host"),
        "INFO_DEPENDS": (_by_chance(), "10.2.0.2:80", "host"),
        "INFO_NOT_READ": (_unread(), "10.2.0.2:80", "host"),
        "LINK_PMTU_BLACKHOLE": (narrow(), "10.2.0.2:80", "host"),
        "NAT_PROXY_ONLY": (docker(nat=""), "10.77.0.1:8080", "ns:lan"),
        "DST_OTHER_HOST": (pair(), "db1/127.0.0.1:5432", "app1"),
        "DST_PORT_CONFLICT": (docker(taken), "10.77.0.1:9090", "ns:lan"),
        "NAME_AAAA_FIRST": (both_families(), "web:80", "client"),
        "HTTP_BAD_PORT": (serving_6000(), "http://web:6000/", "client"),
        "HTTP_CLIENT_PROXY": (with_environment("http_proxy=proxy.corp.test:3128"), "http://web/", "client"),
        "FW_BYPASSED": (docker(user=["-p tcp -m tcp --dport 8080 -j DROP"]), "10.77.0.1:8080", "ns:lan"),
    }
    found = {}
    for code, (snapshot, target, source) in asked.items():
        verdict = ask(snapshot, resolve(snapshot, target, source))
        found[code] = next(each for each in verdict.told if each.code == code)
    return found
