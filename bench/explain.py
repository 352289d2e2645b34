"""How long an explanation with its fixes takes: one fault and three at once, on a Docker host with many containers.

    python -m bench.explain [--containers 200] [--rounds 9]

The hosts are those of `bench.path`, with what Docker knows of its containers: values, so that it needs neither root nor
an engine, and reading the kernel is not in it. A row is a whole `ask` of a fresh look: the walk, the search for every
blocker, fixes proven on the model with their side effects. A ratio is to the walk of the same question alone, which is
what a tool would need that only says that it does not work. It asserts nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address

from bench.path import docker
from engine.explain import ask
from engine.explain.question import resolve
from engine.model.container import Network, PublishedPort
from engine.model.firewall import Backend
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.verdict import Question
from engine.path.exchange.conversation import conversations
from engine.path.world import World as Walked
from tests.hosts.build import World
from tests.path.endings import filtered

Break = Callable[[World], object]

#: Milliseconds that the project promises.
LIMITS = {"one fault": 300, "three faults": 1000}


def host(containers: int, *breaks: Break) -> Snapshot:
    """The Docker host of `bench.path` with its engine's view of it, broken in some ways."""
    world = docker(containers)
    for number in range(containers):
        address = str(IPv4Address("172.17.0.2") + number)
        world.container(f"c{number}", address, PublishedPort(Protocol.TCP, None, 8000 + number, 80))
    world.networks.append(Network("bridge", "docker", "bridge", "docker0", subnets=("172.17.0.0/16",)))
    for each in breaks:
        each(world)
    return world.snapshot()


def drop(text: str) -> Break:
    """Rules before all others of the filter table, in a table of iptables-legacy."""
    rules = f"*filter\n:FORWARD ACCEPT [0:0]\n{text}\nCOMMIT\n"

    def make(world: World) -> None:
        world["host"].iptables(rules, Backend.XT_LEGACY)

    return make


NARROW = drop("-A FORWARD -d 172.17.0.7/32 -p tcp -m tcp --dport 80 -j DROP")
GENERAL = drop("-A FORWARD -i up0 -j DROP")
INSIDE: Break = lambda world: filtered(world["c5"], "INPUT", "-p tcp -m tcp --dport 80 -j DROP")  # noqa: E731
NO_WAY_BACK: Break = lambda world: world["c5"].routes.clear()  # noqa: E731
NO_FORWARDING: Break = lambda world: world["host"].sysctl("net.ipv4.ip_forward", 0)  # noqa: E731


@dataclass(frozen=True)
class Row:
    """A broken host, and the promise that it falls under."""

    name: str
    breaks: tuple[Break, ...]
    limit: str


ROWS = (
    Row("a rule about one port", (NARROW,), "one fault"),
    Row("a rule about everything", (GENERAL,), "one fault"),
    Row("no route back", (NO_WAY_BACK,), "one fault"),
    Row("no forwarding", (NO_FORWARDING,), "one fault"),
    Row("a rule, a rule inside, no route back", (NARROW, INSIDE, NO_WAY_BACK), "three faults"),
    Row("a general rule, no forwarding, a rule inside", (GENERAL, NO_FORWARDING, INSIDE), "three faults"),
)


@dataclass(frozen=True)
class Spent:
    """Milliseconds of one call: on the clock, and of the processor, which other programs change least."""

    wall: float
    cpu: float


def timed(work: Callable[[], object]) -> Spent:
    """One call."""
    start, start_cpu = time.perf_counter(), time.process_time()
    work()
    return Spent(1000 * (time.perf_counter() - start), 1000 * (time.process_time() - start_cpu))


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="explanations with fixes beside the walk alone")
    parser.add_argument("--containers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    hosts = {row: host(arguments.containers, *row.breaks) for row in ROWS}
    questions = {row: resolve(snapshot, "10.77.0.1:8005", "ns:lan") for row, snapshot in hosts.items()}
    asks: dict[Row, list[Spent]] = {row: [] for row in ROWS}
    walks: dict[Row, list[Spent]] = {row: [] for row in ROWS}
    causes = {}
    for _ in range(arguments.rounds):
        for row, snapshot in hosts.items():
            walks[row].append(timed(lambda s=snapshot, q=questions[row]: walk(s, q)))  # type: ignore[misc]
            asks[row].append(timed(lambda s=snapshot, q=questions[row]: ask(s, q)))  # type: ignore[misc]
            causes[row] = ask(snapshot, questions[row]).causes
    print(f"Docker host with {arguments.containers} containers, {arguments.rounds} rounds, {sys.version.split()[0]}")
    print(
        f"{'milliseconds':46}{'causes':>7}{'fixes':>6}{'median':>8}{'slowest':>8}{'cpu':>7}{'walk':>7}{'ratio':>7}{'limit':>7}"
    )
    for row in ROWS:
        wall, cpu = ([getattr(each, kind) for each in asks[row]] for kind in ("wall", "cpu"))
        alone = statistics.median(each.cpu for each in walks[row])
        fixes = sum(len(cause.fixes) for cause in causes[row])
        print(
            f"{row.name:46}{len(causes[row]):7}{fixes:6}{statistics.median(wall):8.0f}{max(wall):8.0f}"
            f"{statistics.median(cpu):7.0f}{alone:7.1f}{statistics.median(cpu) / alone:7.1f}{LIMITS[row.limit]:>7}"
        )
    return 0


def walk(snapshot: Snapshot, question: Question) -> object:
    """The question alone, in a fresh world."""
    return conversations(Walked(snapshot), question)


if __name__ == "__main__":
    sys.exit(main())
