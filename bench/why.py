"""How long `portscope why` takes on a Docker host, beside what one would type instead. Needs root and Docker Engine.

    python -m bench.why [--containers 20] [--rounds 9]

Builds a Docker host in network namespaces of its own (the one that the tests use), publishes a port of each
container and asks for one of them from the LAN. Each round runs all rows once, in turn, so that a busy machine slows
them alike; the table has the median and the slowest round, each median as a ratio to the commands by hand, and the
processor time, which other programs change least. It asserts nothing.

By hand means: `iptables-save`; `ip -j` for links, addresses, routes, rules and neighbours and `ss -lntup` in every
namespace; `docker inspect` of all containers and networks. Reading what they print is left to the user.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.engines.docker import HOST_ADDRESS, PROGRAMS, REPOSITORY, DockerHost, docker_host
from tests.harness.netns import Netns, run

OBJECTS = ("link", "address", "route", "rule", "neigh")
FIRST_PORT = 8080
BY_HAND = "by hand: iptables-save, ip -j, ss, docker inspect"
WHY = "portscope why, from shell to answer"
ENGINE = "  of that: look, walk, explain"
#: Milliseconds that the project promises on a host with 20 containers.
LIMITS = {WHY: 800, ENGINE: 150}


def build(host: DockerHost, containers: int) -> list[Netns]:
    """Publishes a port of each of `containers` containers; returns every namespace, the host's and the LAN's first."""
    host.empty()
    made = [host.container(f"web{n}", "-p", f"{FIRST_PORT + n}:80") for n in range(containers)]
    return [host.host, host.lan, *(container.netns for container in made)]


def by_hand(host: DockerHost, namespaces: Sequence[Netns]) -> None:
    """What people run to find out themselves."""
    host.host.run("iptables-save")
    for netns in namespaces:
        for what in OBJECTS:
            netns.run("ip", "-j", what, "show")
        netns.run("ss", "-lntup")
    host.docker("inspect", *host.docker("ps", "-aq").split())
    host.docker("network", "inspect", *host.docker("network", "ls", "-q").split())


@dataclass(frozen=True)
class Spent:
    """Seconds of one row in one round."""

    wall: float
    cpu: float


def timed(work: Callable[[], object]) -> Spent:
    """Wall time of one call, and the processor time of the processes that it started and waited for."""
    before, start = os.times(), time.perf_counter()
    work()
    wall, after = time.perf_counter() - start, os.times()
    return Spent(wall, after.children_user + after.children_system - before.children_user - before.children_system)


def measure(host: DockerHost, namespaces: Sequence[Netns], rounds: int) -> dict[str, list[Spent]]:
    """Every row in every round."""
    target, source = f"{HOST_ADDRESS}:{FIRST_PORT}", f"ns:{host.lan.name}"
    python = host.host.enter([sys.executable, "-m"])
    why = [*python, "workbench.start", "why", target, "--from", source, "--json"]
    engine = [*python, "bench.engine_time", target, source]
    rows: dict[str, Callable[[], Spent]] = {
        BY_HAND: lambda: timed(lambda: by_hand(host, namespaces)),
        WHY: lambda: timed(lambda: run(why, cwd=REPOSITORY)),
        ENGINE: lambda: Spent(*map(float, run(engine, cwd=REPOSITORY).split())),
        "  of that: Python itself": lambda: timed(lambda: run([sys.executable, "-c", "pass"])),
    }
    return in_turn(rows, rounds)


def in_turn(rows: Mapping[str, Callable[[], Spent]], rounds: int) -> dict[str, list[Spent]]:
    """Every row in every round; the first round only warms the caches."""
    taken: dict[str, list[Spent]] = {name: [] for name in rows}
    for number in range(rounds + 1):
        for name, row in rows.items():
            spent = row()
            if number:
                taken[name].append(spent)
    return taken


def table(taken: Mapping[str, Sequence[Spent]], base: str, limits: Mapping[str, int]) -> str:
    """The result as plain text: milliseconds, each median as a ratio to that of the row `base`."""
    beside = statistics.median(spent.wall for spent in taken[base])
    lines = [f"{'milliseconds':52}{'best':>8}{'median':>8}{'slowest':>9}{'ratio':>7}{'cpu':>7}{'limit':>7}"]
    for name, spent in taken.items():
        wall = [1000 * each.wall for each in spent]
        median, cpu = statistics.median(wall), 1000 * statistics.median(each.cpu for each in spent)
        shown = f"{min(wall):8.0f}{median:8.0f}{max(wall):9.0f}{median / beside / 1000:7.2f}{cpu:7.0f}"
        lines.append(f"{name:52}{shown}{limits.get(name, ''):>7}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="portscope why beside the commands one would type instead")
    parser.add_argument("--containers", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    lacking = [program for program in PROGRAMS if not shutil.which(program)]
    if lacking or os.geteuid() != 0:
        print(f"this benchmark needs root and a Docker Engine of its own; not installed: {lacking}", file=sys.stderr)
        return 4
    with docker_host() as host:
        taken = measure(host, build(host, arguments.containers), arguments.rounds)
    version = sys.version.split()[0]
    print(f"Docker host with {arguments.containers} containers, {arguments.rounds} rounds, Python {version}")
    print(table(taken, BY_HAND, LIMITS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
