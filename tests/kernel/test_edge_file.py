"""What an edge file describes, built for real: every client asks everything, and sees what is predicted.

Routers of the world are not read; the file says what they do. nas and laptop are behind `home`, app1 and db1 behind
`vpc`, whose rules do what the security groups say; `internet` joins the two, and friend is on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import pytest

from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.observe.look.snapshot import take
from engine.observe.recording.references import within
from engine.records import replace
from engine.several.edge.document import read
from engine.several.joining import joined
from engine.several.naming import Given
from tests.harness.needs import require
from tests.harness.netns import End, Netns, World
from tests.harness.probe import probe
from tests.harness.servers import serve
from workbench.commands.answering import answer

EDGE = """
schema: portscope.edge/1
routers:
  home:
    devices: {lan: 192.168.1.1/24, wan: 198.51.100.7/24}
    routes: {default: 198.51.100.1}
    masquerade: wan
    hairpin: HAIRPIN
    forward_ports: [8080/tcp to 192.168.1.10:80, 9000-9001/tcp to 192.168.1.10]
    rules: [reject tcp 443 in lan out wan]
  internet:
    devices: {net0: 198.51.100.1/24, net1: 203.0.113.1/24, net2: 192.0.2.1/24}
  vpc:
    devices: {wan: 192.0.2.2/24, app: 10.0.2.1/24, db: 10.0.1.1/24}
    routes: {default: 192.0.2.1}
    addresses: 192.0.2.10 to 10.0.1.5
segments:
  lan: [nas, laptop/eth0, home/lan]
  street: [home/wan, internet/net0]
  friends: [friend, internet/net1]
  cloud: [internet/net2, vpc/wan]
security_groups:
  db:
    on: [db1/eth0]
    inbound: [allow tcp 5432 from group api, allow tcp 22 from 203.0.113.0/24]
  api:
    on: app1
    outbound: [allow tcp 5432, allow udp 80-90]
"""
HOME = """
table ip home {
  chain before { type nat hook prerouting priority -100;
    CAME ip daddr 198.51.100.7 tcp dport 8080 dnat to 192.168.1.10:80
    CAME ip daddr 198.51.100.7 tcp dport 9000-9001 dnat to 192.168.1.10
  }
  chain entering { type filter hook input priority 0; ct state established,related accept; iifname wan drop; }
  chain passing { type filter hook forward priority 0;
    ct state established,related accept
    iifname lan oifname wan tcp dport 443 reject
    ct status dnat accept
    iifname wan drop
  }
  chain behind { type nat hook postrouting priority 100;
    BESIDE
    oifname wan masquerade
  }
}
"""
VPC = """
table ip vpc {
  chain before { type nat hook prerouting priority -100; ip daddr 192.0.2.10 dnat to 10.0.1.5; }
  chain api { tcp dport 5432 return; udp dport 80-90 return; drop; }
  chain passing { type filter hook forward priority 0;
    ct state established,related accept
    iifname app jump api
    oifname app drop
    oifname db tcp dport 5432 ip saddr 10.0.2.7 accept
    oifname db tcp dport 22 ip saddr 203.0.113.0/24 accept
    oifname db drop
  }
  chain entering { type filter hook input priority 0; ct state established,related accept; iifname app jump api; }
  chain behind { type nat hook postrouting priority 100; ip saddr 10.0.1.5 oifname wan snat to 192.0.2.10; }
}
"""
CLIENTS = ("nas", "laptop", "friend", "app1", "db1")
TARGETS = (
    "198.51.100.7:8080",
    "198.51.100.7:9001",
    "198.51.100.7:81",
    "192.168.1.10:80",
    "203.0.113.9:443",
    "203.0.113.9:80",
    "192.0.2.10:22",
    "192.0.2.10:5432",
    "10.0.1.5:5432",
    "10.0.2.7:80",
)


@dataclass
class Built:
    """The world, by the names of the file; and what its hosts say with the file."""

    hosts: dict[str, Netns]
    whole: Snapshot


def build(world: World, *, hairpin: bool) -> Built:
    names = (*CLIENTS, "home", "internet", "vpc", "switch")
    hosts = {name: world.netns(name) for name in names}
    lan = (("nas", "eth0", "192.168.1.10/24"), ("laptop", "eth0", "192.168.1.20/24"), ("home", "lan", "192.168.1.1/24"))
    for name, link, address in lan:
        world.veth(End(hosts[name], link, (address,)), End(hosts["switch"], f"to-{name}", ()))
    world.bridge(hosts["switch"], "br0", ports=[f"to-{name}" for name, *_ in lan])
    for near, far in (
        (("home", "wan", "198.51.100.7/24"), ("internet", "net0", "198.51.100.1/24")),
        (("friend", "eth0", "203.0.113.9/24"), ("internet", "net1", "203.0.113.1/24")),
        (("vpc", "wan", "192.0.2.2/24"), ("internet", "net2", "192.0.2.1/24")),
        (("app1", "eth0", "10.0.2.7/24"), ("vpc", "app", "10.0.2.1/24")),
        (("db1", "eth0", "10.0.1.5/24"), ("vpc", "db", "10.0.1.1/24")),
    ):
        ends = [End(hosts[name], link, (address,)) for name, link, address in (near, far)]
        world.veth(*ends)
    hosts["vpc"].address("wan", "192.0.2.10/32")
    for name, gateway in (
        *((each, "192.168.1.1") for each in ("nas", "laptop")),
        ("home", "198.51.100.1"),
        ("friend", "203.0.113.1"),
        ("vpc", "192.0.2.1"),
        ("app1", "10.0.2.1"),
        ("db1", "10.0.1.1"),
    ):
        hosts[name].route(f"default via {gateway}")
    for name in ("home", "internet", "vpc"):
        hosts[name].sysctl("net.ipv4.ip_forward", 1)
    beside = "ip saddr 192.168.1.0/24 ip daddr 192.168.1.10 masquerade" if hairpin else ""
    rules = HOME.replace("CAME", "" if hairpin else "iifname wan").replace("BESIDE", beside)
    hosts["home"].run("nft", "-f", "-", stdin=rules)
    hosts["vpc"].run("nft", "-f", "-", stdin=VPC)
    serve(world, hosts["nas"], "nas", "tcp/0.0.0.0/80", "tcp/0.0.0.0/9001")
    serve(world, hosts["friend"], "friend", "tcp/0.0.0.0/80", "tcp/0.0.0.0/443", "udp/0.0.0.0/80")
    serve(world, hosts["db1"], "db1", "tcp/0.0.0.0/22", "tcp/0.0.0.0/5432")
    serve(world, hosts["app1"], "app1", "tcp/0.0.0.0/80")
    return Built(hosts, _read(hosts, hairpin=hairpin))


def _read(hosts: dict[str, Netns], *, hairpin: bool) -> Snapshot:
    """The clients alone, each as a host of its own, and what the file says is between them."""
    snapshot = take()
    parts = []
    for name in CLIENTS:
        netns = next(each.id for each in snapshot.namespaces if each.id == hosts[name].name)
        part = within(replace(snapshot, host=netns), [netns])
        parts.append(Given(replace(part, hostname=name), f"{name}.json", name))
    return joined(parts, read(EDGE.replace("HAIRPIN", str(hairpin).lower()), "edge.yaml"))


@pytest.fixture(params=[True, False], ids=["hairpin", "no-hairpin"])
def built(request: pytest.FixtureRequest) -> Iterator[Built]:
    require("ip", "nsenter", "nft", root=True)
    with World() as world:
        yield build(world, hairpin=request.param)


def test_what_a_file_describes_is_what_clients_see(built: Built) -> None:
    asked = [(client, target, Protocol.TCP) for client, target in product(CLIENTS, TARGETS)]
    asked += [(client, "203.0.113.9:80", Protocol.UDP) for client in CLIENTS]
    with ThreadPoolExecutor(6) as pool:
        seen = pool.map(lambda each: _seen(built, *each), asked)
        wrong = [
            (*each, predicted, real)
            for each, real in zip(asked, seen, strict=True)
            if (predicted := str(answer(built.whole, each[1], each[0], each[2]).symptom)) != real
        ]
    assert wrong == []


def _seen(built: Built, client: str, target: str, protocol: Protocol) -> str:
    address, _, port = target.rpartition(":")
    return probe(built.hosts[client].path, address, int(port), str(protocol)).symptom
