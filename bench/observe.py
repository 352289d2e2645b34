"""How long a look takes on a host with many containers and on one with many rules, beside the tools. Needs root.

    python -m bench.observe [--containers 200] [--rules 25000] [--rounds 5]

Each round runs all rows once, in turn, so that a busy machine slows them alike. The table has the median and the
slowest round in milliseconds, the processor time of portscope and of what it started, and each median as a ratio to its
row of tools. Parts of a look run in a fresh process each, so that nothing is remembered from round to round. A last
column says what the project promises; nothing is asserted.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bench.kube_rules import last_service, nat_table
from bench.large_host import PROGRAMS, REPOSITORY, LargeHost, large_host, snapshot_argv
from bench.why import OBJECTS, Spent, timed
from engine.observe.base.namespaces import NetnsRef, apart, enter
from tests.harness.netns import Netns, World, run

#: A way out, for a question to be walked: packets to any address leave by a device.
UPLINK = (
    "link add up0 type veth peer name far0",
    "link set far0 up",
    "link set up0 up",
    "address add 10.0.0.2/24 dev up0",
    "route add default dev up0",
)


@dataclass(frozen=True)
class Row:
    """Something that is measured; `beside` is the row that its ratio is to, `promise` what it should be."""

    name: str
    work: Callable[[], Spent]
    beside: str = ""
    promise: str = ""


def by_ip(namespaces: Sequence[Netns]) -> None:
    """`ip -j` for each kind of object in each namespace, without the cost of nsenter."""

    def there() -> None:
        for netns in namespaces:
            enter(NetnsRef(os.stat(netns.path).st_ino, ways=(netns.path,)))
            for what in OBJECTS:
                subprocess.run(["ip", "-j", what, "show"], stdout=subprocess.DEVNULL, check=True)

    apart(there)


def part(what: str, *words: str, host: LargeHost | None = None) -> Spent:
    """One part of a look in a fresh process, as that process measures it."""
    argv = [sys.executable, "-m", "bench.observe_time", what, *words]
    if host is not None:
        argv = host.host.enter(["env", f"DOCKER_HOST=unix://{host.socket}", *argv])
    return Spent(*map(float, run(argv, cwd=REPOSITORY).split()[:2]))


def rows_of_containers(host: LargeHost, file: str) -> list[Row]:
    """What is measured on the host with many containers."""
    paths = [netns.path for netns in host.namespaces]
    tools = "ip -j: links, addresses, routes, rules, neighbours"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": REPOSITORY}
    return [
        Row(tools, lambda: timed(lambda: by_ip(host.namespaces))),
        Row("portscope's look at the same", lambda: part("stack", *paths), tools, "ratio ≤ 0.125"),
        Row(
            "portscope snapshot -o FILE, from shell to file",
            lambda: timed(lambda: subprocess.run(snapshot_argv(host, file), check=True, **quiet)),  # type: ignore[call-overload]
            promise="≤ 500 ms",
        ),
        Row("a link changed: to the next snapshot", lambda: part("again", host.host.name, host=host), "", "≤ 25 ms"),
    ]


def rows_of_rules(world: World, rules: int) -> list[Row]:
    """What is measured on namespaces with many rules, one for each backend."""
    found: list[Row] = []
    for backend in ("nft", "legacy"):
        netns = world.netns(backend)
        netns.run(f"iptables-{backend}-restore", stdin=nat_table(rules))
        for way in UPLINK:
            netns.run("ip", *way.split())
        save = netns.enter([f"iptables-{backend}-save", "-c"])
        tools = f"iptables-{backend}-save -c, {rules:,} nat rules"
        last = last_service(rules)
        found.append(Row(tools, partial(timed, partial(run, save))))
        for name, words, promise in (
            ("portscope reads all rules", ("rules",), ""),
            ("the same, and understands all of them", ("meanings",), "ratio ≤ 2"),
            ("a look, and a question to the last service", ("asked", last), "ratio ≤ 2"),
            ("a look, and all of it as JSON", ("written",), ""),
        ):
            what, *more = words
            found.append(Row(f"{name} ({backend})", partial(part, what, netns.path, *more), tools, promise))
    return found


def memory(world: World) -> str:
    """The largest size of a process that reads both namespaces with many rules."""
    paths = [f"/run/netns/{world.prefix}-{backend}" for backend in ("nft", "legacy")]
    size = float(run([sys.executable, "-m", "bench.observe_time", "rules", *paths], cwd=REPOSITORY).split()[2])
    return f"memory of a process that reads both namespaces with many rules: {size:.0f} MiB (promised: under 150)"


def measure(rows: Sequence[Row], rounds: int) -> dict[str, list[Spent]]:
    """Every row in every round; the first round only warms the caches."""
    taken: dict[str, list[Spent]] = {row.name: [] for row in rows}
    for number in range(rounds + 1):
        for row in rows:
            spent = row.work()
            if number:
                taken[row.name].append(spent)
    return taken


def table(rows: Sequence[Row], taken: dict[str, list[Spent]]) -> str:
    """The result as plain text."""
    lines = [f"{'milliseconds':52}{'median':>8}{'slowest':>9}{'cpu':>7}{'ratio':>7}  promised"]
    medians = {name: statistics.median(each.wall for each in spent) for name, spent in taken.items()}
    for row in rows:
        spent = taken[row.name]
        wall, slowest = 1000 * medians[row.name], 1000 * max(each.wall for each in spent)
        cpu = 1000 * statistics.median(each.cpu for each in spent)
        ratio = f"{medians[row.name] / medians[row.beside]:.2f}" if row.beside else ""
        lines.append(f"{row.name:52}{wall:8.0f}{slowest:9.0f}{cpu:7.0f}{ratio:>7}  {row.promise}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="a look beside the tools, on a large host")
    parser.add_argument("--containers", type=int, default=200)
    parser.add_argument("--rules", type=int, default=25000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    lacking = [program for program in (*PROGRAMS, "iptables-legacy-restore") if not shutil.which(program)]
    if lacking or os.geteuid() != 0:
        print(f"this benchmark needs root and some programs; not installed: {lacking}", file=sys.stderr)
        return 4
    with tempfile.NamedTemporaryFile(prefix="portscope-bench-") as file, large_host(arguments.containers) as host:
        rows = rows_of_containers(host, file.name)
        shown = table(rows, measure(rows, arguments.rounds))
    with World() as world:
        rows = rows_of_rules(world, arguments.rules)
        shown += "\n" + table(rows, measure(rows, arguments.rounds)).partition("\n")[2] + "\n" + memory(world)
    print(f"{arguments.containers} containers, {arguments.rounds} rounds, Python {sys.version.split()[0]}")
    print(shown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
