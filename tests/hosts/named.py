"""A Docker host with two networks of a user's own, whose containers look names up as Docker has them do.

    lan ── HOST ─┬─ docker0   172.17/16   old
                 ├─ br-front  172.18/16   proxy (80), web (80), client (3000)
                 └─ br-back   172.19/16   db (5432, published on 15432)

Each container of front and back has Docker's resolver at 127.0.0.11; `old` asks the server of the host, 10.77.0.2.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from engine.model.application.naming import HostsLine, NameConfig
from engine.model.application.proxy import Proxy, ProxyKind, ProxyTable
from engine.model.container import Attachment, Network, PublishedPort
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.traffic import Process
from engine.observe.proxies.nginx import configuration as nginx
from engine.observe.proxies.nginx.syntax import NginxReader
from tests.hosts.build import World

DOCKERS = "127.0.0.11"
#: The server that the host's own resolv.conf names: it is on the LAN, and answers what is not in the snapshot.
OUTSIDE = "10.77.0.2"
BRIDGES = {"bridge": ("docker0", 17), "front": ("br-front", 18), "back": ("br-back", 19)}
#: Containers with their networks, and the last part of their addresses.
PLACES = {"proxy": ("front", 2), "web": ("front", 3), "client": ("front", 4), "db": ("back", 2), "old": ("bridge", 2)}
ENGINE = Process(700, "dockerd")
NGINX = Process(900, "nginx")
LOCALHOST = HostsLine(ip_address("127.0.0.1"), ("localhost",), 1)


def named_world() -> World:
    """The host without what its containers look up."""
    world = World()
    host, lan = world.space("host"), world.space("lan")
    world.cable("host:up0", "lan:eth0")
    host.address("up0", "10.77.0.1/24").forwarding().route("default via 10.77.0.2 dev up0")
    lan.address("eth0", f"{OUTSIDE}/24").route("172.16.0.0/12 via 10.77.0.1 dev eth0")
    host.listen(9000)
    lan.listen(53, None, Protocol.UDP, process=Process(950, "named"))
    for network, (bridge, number) in BRIDGES.items():
        host.bridge(bridge).address(bridge, f"172.{number}.0.1/16")
        world.networks.append(Network(network, "docker", "bridge", bridge, subnets=(f"172.{number}.0.0/16",)))
    for name, (network, last) in PLACES.items():
        _container(world, name, network, last)
    world["proxy"].listen(80, process=NGINX)
    world["web"].listen(80)
    world["client"].listen(3000)
    world["old"].listen(80)
    world["db"].listen(5432)
    return world


def _container(world: World, name: str, network: str, last: int) -> None:
    bridge, number = BRIDGES[network]
    address = f"172.{number}.0.{last}"
    inside = world.space(name)
    world.cable(f"host:veth{name}", f"{name}:eth0")
    world["host"].plug(f"veth{name}", bridge)
    inside.address("eth0", f"{address}/16").route(f"default via 172.{number}.0.1 dev eth0")
    if network != "bridge":
        inside.listen(53, DOCKERS, Protocol.UDP, process=ENGINE)
    published = (PublishedPort(Protocol.TCP, None, 15432, 5432),) if name == "db" else ()
    world.container(name, address, *published, network_mode=network)
    place = Attachment(network, ip_address(address), gateway=ip_address(f"172.{number}.0.1"), aliases=(name,))
    world.containers[-1] = replace(world.containers[-1], attachments=(place,))


def named(world: World | None = None, **configs: dict[str, object]) -> Snapshot:
    """The snapshot with the configuration of each place; `configs` changes that of a container."""
    snapshot = (world or named_world()).snapshot()
    found = [NameConfig(snapshot.host, servers=(ip_address(OUTSIDE),))]
    for container in snapshot.containers:
        own = container.network_mode != "bridge"
        plain = NameConfig(
            container.netns or "",
            container.id,
            (LOCALHOST,),
            servers=(ip_address(DOCKERS if own else OUTSIDE),),
            ndots=0 if own else 1,
            beyond=(ip_address(OUTSIDE),) if own else (),
        )
        found.append(replace(plain, **configs.get(container.name, {})))  # type: ignore[arg-type]
    return replace(snapshot, name_configs=tuple(found))


def table(text: str) -> ProxyTable:
    """nginx's sites of these server blocks."""
    whole = f"events {{}}\nhttp {{\n{text}\n}}\n"
    return nginx.table(NginxReader(lambda _path: whole, lambda _folder: [], "/etc/nginx").file("/etc/nginx/nginx.conf"))


def proxied(text: str, world: World | None = None) -> Snapshot:
    """The host with nginx in `proxy`, which has these server blocks."""
    snapshot = named(world)
    proxy = next(each for each in snapshot.containers if each.name == "proxy")
    found = Proxy(ProxyKind.NGINX, "proxy", (NGINX.pid,), table(text), proxy.id)
    return replace(snapshot, proxies=(found,))


def server(inside: str, names: str = "proxy", listen: str = "80") -> str:
    """A server block."""
    return f"server {{ listen {listen}; server_name {names}; {inside} }}"


def to(upstream: str) -> str:
    """A location for everything."""
    return f"location / {{ proxy_pass http://{upstream}; }}"
