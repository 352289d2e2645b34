"""What stands in the reader's folder, or on his machine, before the commands of a guide are run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from engine.change.differences import changes
from engine.model.address import IPAddress
from engine.model.container import Network, PublishedPort
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.traffic import Process, Relay
from engine.observe.recording.snapshot_file import dumps
from engine.recorder.keeping import Keep, Keeper
from engine.records import replace
from tests.explain.faults import docker
from tests.several.hosts import MACS, machine, seen

SHOP = """name: shop
services:
  web: {ports: ['8080:80']}
  db: {expose: [5432]}
"""
#: client 10.1.0.2 - router - server 10.2.0.2, and a rule that drops what is for port 81.
ROUTED = """
for name in client router server; do ip netns add $name; ip -n $name link set lo up; done
ip link add lan0 netns router type veth peer name eth0 netns client
ip link add srv0 netns router type veth peer name eth0 netns server
ip -n client addr add 10.1.0.2/24 dev eth0; ip -n router addr add 10.1.0.1/24 dev lan0
ip -n server addr add 10.2.0.2/24 dev eth0; ip -n router addr add 10.2.0.1/24 dev srv0
for end in client:eth0 server:eth0 router:lan0 router:srv0; do ip -n ${end%:*} link set ${end#*:} up; done
ip -n client route add default via 10.1.0.1; ip -n server route add default via 10.2.0.1
ip netns exec router sysctl -qw net.ipv4.ip_forward=1
ip netns exec router iptables-nft -A FORWARD -p tcp -m tcp --dport 81 -j DROP
"""
#: The router before nas.
HOME = """schema: portscope.edge/1
routers:
  home:
    devices: {lan: 192.168.1.1/24, wan: 198.51.100.7/24}
    masquerade: wan
    forward_ports: [80/tcp to 192.168.1.10:80]
"""
DROP = ["-p tcp -m tcp --dport 80 -j DROP"]
MASQUERADE = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\nCOMMIT\n"


def labs(folder: Path) -> None:
    """The Compose file."""
    (folder / "shop.yaml").write_text(SHOP, encoding="utf-8")


def prove(folder: Path) -> None:
    """A script that builds the hosts of the page."""
    (folder / "build.sh").write_text(ROUTED, encoding="utf-8")


def twin(folder: Path) -> None:
    """A saved host with a rule that drops."""
    (folder / "shop.json").write_text(dumps(docker(user=DROP)), encoding="utf-8")


def fleet(folder: Path) -> None:
    """Two saved hosts, of which one drops."""
    (folder / "shop.json").write_text(dumps(replace(docker(user=DROP), hostname="shop")), encoding="utf-8")
    (folder / "shop2.json").write_text(dumps(replace(docker(), hostname="shop2")), encoding="utf-8")


def hosts(folder: Path) -> None:
    """app1 with a container api, db1 with a container postgres, which publishes 5432, and nas behind a home router."""
    (folder / "app1.json").write_text(dumps(with_container("app1", "10.9.0.1", "api", 8000)), encoding="utf-8")
    (folder / "db1.json").write_text(dumps(with_container("db1", "10.9.0.2", "postgres", 5432)), encoding="utf-8")
    nas, host = machine("192.168.1.10/24", MACS["nas"])
    host.route("default via 192.168.1.1 dev eth0").listen(80)
    (folder / "nas.json").write_text(dumps(seen(nas, "nas")), encoding="utf-8")
    (folder / "home.yaml").write_text(HOME, encoding="utf-8")


def with_container(name: str, address: str, container: str, port: int) -> Snapshot:
    """A host with one container on docker0, whose port its docker-proxy publishes."""
    world, host = machine(f"{address}/24", MACS[name])
    host.bridge("docker0").address("docker0", "172.17.0.1/16").forwarding().iptables(MASQUERADE)
    inside = world.space(container)
    world.cable("host:veth0", f"{container}:eth0")
    host.plug("veth0", "docker0")
    inside.address("eth0", "172.17.0.2/16").route("default via 172.17.0.1 dev eth0").listen(port)
    world.container(container, "172.17.0.2", PublishedPort(Protocol.TCP, None, port, port))
    world.networks.append(Network("bridge", "docker", "bridge", "docker0", subnets=("172.17.0.0/16",)))
    own: IPAddress = inside.addresses[-1].address
    host.listen(port, process=Process(790, "docker-proxy", relay=Relay("docker-proxy", own, port)))
    return seen(world, name)


def recorder(folder: Path) -> None:
    """A store of three days: a rule has dropped since an hour."""
    now = datetime.now().astimezone()
    past = ((timedelta(days=3), ()), (timedelta(hours=1), DROP))
    states = [
        replace(docker(user=user), taken_at=(now - ago).isoformat(timespec="milliseconds"), hostname="shop")
        for ago, user in past
    ]
    with Keeper(folder / "store", Keep(timedelta(days=14), 500 << 20)) as keeper:
        for before, after in zip([states[0], *states], states, strict=False):
            keeper.add(after, changes(before, after))


PREPARE: Mapping[str, Callable[[Path], None]] = {
    "docs/fleet.md": fleet,
    "docs/labs.md": labs,
    "docs/prove.md": prove,
    "docs/recorder.md": recorder,
    "docs/twin.md": twin,
}
#: What is run on the machine before, and the options that all commands of a page get.
BUILD, OPTIONS = {"docs/prove.md": "sh -e build.sh"}, {"docs/recorder.md": " --store store"}
