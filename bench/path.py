"""How long the model thinks about one question: a Docker host with many containers, and thousands of kube-proxy rules.

    python -m bench.path [--containers 200] [--services 2273] [--rounds 15]

Hosts are built as values, so it needs neither root nor an engine, and reading the kernel is not in it, nor is finding
what rules mean. Every row is a whole conversation: the first packet, the answer, TCP's third packet, on every branch.
`first` is the first question to a fresh look at the host, with all that is indexed on the way; `again` those after it,
as a search for fixes asks them. Times are of the processor, which other programs change least; a ratio is to the first
row. It asserts nothing.

A service of kube-proxy has three endpoints and eleven rules. The row with a tenth of the services and the one that asks
for the first service show what grows with the host and what with the rules that the packet is compared with.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, ip_address

from engine.model.host import Snapshot
from engine.model.trace import Symptom
from engine.model.verdict import Question, Source
from engine.path.exchange.conversation import conversations
from engine.path.world import World as Walked
from tests.hosts.build import World

#: Milliseconds that the project promises.
LIMITS = {
    "docker, first": 5,
    "docker, again": 5,
    "kube-proxy, last service, first": 30,
    "kube-proxy, last service, again": 30,
}
SERVICES, ENDPOINTS = IPv4Address("10.96.0.10"), 3


def docker(containers: int) -> World:
    """`host` with docker0, an uplink to `lan`, and so many containers with a published port each."""
    world = World()
    host, lan = world.space("host"), world.space("lan")
    world.cable("host:up0", "lan:eth0")
    host.bridge("docker0").address("up0", "10.77.0.1/24").address("docker0", "172.17.0.1/16").forwarding()
    host.route("default via 10.77.0.2 dev up0")
    lan.address("eth0", "10.77.0.2/24").route("default via 10.77.0.1 dev eth0")
    accepts, maps, hairpins = [], [], []
    for number in range(containers):
        address = str(IPv4Address("172.17.0.2") + number)
        name = f"c{number}"
        inside = world.space(name)
        world.cable(f"host:v{number}", f"{name}:eth0")
        host.plug(f"v{number}", "docker0").listen(8000 + number)
        inside.address("eth0", f"{address}/16").route("default via 172.17.0.1 dev eth0").listen(80)
        accepts.append(f"-A DOCKER -d {address}/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT")
        hairpins.append(f"-A POSTROUTING -s {address}/32 -d {address}/32 -p tcp -m tcp --dport 80 -j MASQUERADE")
        to = f"--dport {8000 + number} -j DNAT --to-destination {address}:80"
        maps.append(f"-A DOCKER ! -i docker0 -p tcp -m tcp {to}")
    host.iptables(
        "\n".join(
            (
                "*filter\n:FORWARD DROP [0:0]\n:DOCKER - [0:0]\n:DOCKER-USER - [0:0]",
                "-A FORWARD -j DOCKER-USER\n-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                "-A FORWARD -o docker0 -j DOCKER\n-A FORWARD -i docker0 ! -o docker0 -j ACCEPT",
                *accepts,
                "COMMIT\n*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]",
                ":POSTROUTING ACCEPT [0:0]\n:DOCKER - [0:0]",
                "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
                "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
                *hairpins,
                "-A DOCKER -i docker0 -j RETURN",
                *maps,
                "COMMIT\n",
            )
        )
    )
    return world


def kube(services: int) -> World:
    """`node` with so many services, all of whose endpoints are addresses of `pod`, behind a veth pair."""
    world = World()
    node, pod = world.space("node"), world.space("pod")
    world.cable("node:cni0", "pod:eth0")
    node.address("cni0", "10.244.0.1/16").forwarding().route("default dev cni0")
    pod.route("default via 10.244.0.1 dev eth0").listen(8080)
    pod.address("eth0", *(f"10.244.1.{1 + number}/16" for number in range(ENDPOINTS)))
    head, dispatch, rest = [":KUBE-SERVICES - [0:0]", ":KUBE-MARK-MASQ - [0:0]"], [], []
    for number in range(services):
        chain, to = f"KUBE-SVC-{number:08}", f"-d {SERVICES + number}/32 -p tcp -m tcp --dport 80"
        dispatch.append(f"-A KUBE-SERVICES {to} -j {chain}")
        head.append(f":{chain} - [0:0]")
        rest.append(f"-A {chain} ! -s 10.244.0.0/16 {to} -j KUBE-MARK-MASQ")
        for end in range(ENDPOINTS):
            endpoint, address = f"KUBE-SEP-{number:06}-{end}", f"10.244.1.{1 + end}"
            head.append(f":{endpoint} - [0:0]")
            odds = (
                f"-m statistic --mode random --probability {1 / (ENDPOINTS - end):.5f} " if ENDPOINTS - end > 1 else ""
            )
            rest.append(f"-A {chain} {odds}-j {endpoint}")
            rest.append(f"-A {endpoint} -s {address}/32 -j KUBE-MARK-MASQ")
            rest.append(f"-A {endpoint} -p tcp -m tcp -j DNAT --to-destination {address}:8080")
    node.iptables(
        "\n".join(
            (
                "*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]",
                *head,
                "-A PREROUTING -j KUBE-SERVICES\n-A OUTPUT -j KUBE-SERVICES",
                "-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE\n-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000",
                *dispatch,
                *rest,
                "COMMIT\n",
            )
        )
    )
    return world


@dataclass
class Row:
    """One question, asked of a fresh look (`fresh`) or of one that was asked before."""

    snapshot: Snapshot
    source: str
    address: str
    port: int
    fresh: bool = False
    taken: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.question = Question(Source(self.source), ip_address(self.address), self.port)
        self.world = Walked(self.snapshot)
        self.ask()

    def ask(self) -> None:
        runs, complete = conversations(self.world, self.question)
        if not complete or {run.result.symptom for run in runs} != {Symptom.CONNECTED}:
            raise RuntimeError(f"{self.question} should connect on every branch: {[r.result.symptom for r in runs]}")

    def measure(self) -> None:
        if self.fresh:  # values of its own, on which nothing is indexed yet
            spaces = tuple(replace(netns) for netns in self.snapshot.namespaces)
            self.world = Walked(replace(self.snapshot, namespaces=spaces))
        start = time.process_time()
        self.ask()
        self.taken.append(1000 * (time.process_time() - start))


def rows(containers: int, services: int) -> dict[str, Row]:
    host, few = docker(containers).snapshot(), docker(max(containers // 10, 1)).snapshot()
    node, small = kube(services).snapshot(), kube(max(services // 10, 1)).snapshot()
    last, last_small = str(SERVICES + services - 1), str(SERVICES + max(services // 10, 1) - 1)
    return {
        "docker, again": Row(host, "lan", "10.77.0.1", 8000 + containers - 1),
        "docker, first": Row(host, "lan", "10.77.0.1", 8000 + containers - 1, fresh=True),
        "docker, a tenth of the containers, again": Row(few, "lan", "10.77.0.1", 8000),
        "kube-proxy, last service, again": Row(node, "node", last, 80),
        "kube-proxy, last service, first": Row(node, "node", last, 80, fresh=True),
        "kube-proxy, first service, again": Row(node, "node", str(SERVICES), 80),
        "kube-proxy, a tenth of the services, last, again": Row(small, "node", last_small, 80),
    }


def table(measured: dict[str, Row]) -> str:
    """Milliseconds as plain text."""
    base = statistics.median(next(iter(measured.values())).taken)
    lines = [f"{'milliseconds':50}{'median':>8}{'slowest':>9}{'ratio':>7}{'limit':>7}"]
    for name, row in measured.items():
        median = statistics.median(row.taken)
        lines.append(f"{name:50}{median:8.2f}{max(row.taken):9.2f}{median / base:7.2f}{LIMITS.get(name, ''):>7}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="the model's own time for a question")
    parser.add_argument("--containers", type=int, default=200)
    parser.add_argument("--services", type=int, default=2273)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    measured = rows(arguments.containers, arguments.services)
    work: list[Callable[[], None]] = [row.measure for row in measured.values()]
    for _ in range(arguments.rounds):
        for each in work:
            each()
    print(f"{arguments.containers} containers, {11 * arguments.services} nat rules, Python {sys.version.split()[0]}")
    print(table(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
