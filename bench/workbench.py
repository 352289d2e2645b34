"""How quick and how large the workbench is: start, keys, the topology's drawing, a long table, idleness, a day.

    python -m bench.workbench [--rounds 7]

Hosts are values (`bench.path`), so it needs neither root nor an engine. The first picture is that of a new process that
runs without a terminal, from its start until the host is on the screen; beside it an empty Textual program. A key moves
the cursor in the topology of 300 nodes as its pane shows it (a large bridge folded); its time ends when every line of
the pane is drawn. The drawing of 300 and 1,000 nodes is that of the whole picture with every row of it, nothing folded;
beside it that of the rows that a pane shows. The table has 25,000 rules; a page is its next screenful. Idle is the
processor time of a workbench on a host on which nothing happens. The day is a change every ten seconds, shared with the
moment before and kept in the timeline; it is the memory that has grown since the first hour. Times are processor time,
which other programs do not lengthen; with nothing else to do the clock shows the same. It asserts nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

from bench.path import docker
from engine.change.differences import changes
from engine.model.firewall import Backend, BaseChain, Chain, Firewall, Rule, RuleVerdict, Table, VerdictKind
from engine.model.host import Snapshot
from engine.observe.watch.watch import Update
from tests.workbench.screen import bench, looked
from views.topology.canvas import draw
from views.topology.scene import scene
from workbench.app import Workbench
from workbench.session.snapshot_sharing import share
from workbench.session.sources import Given
from workbench.session.timeline import Timeline

#: Milliseconds that the project promises; percent of a processor for idleness.
LIMITS = {
    "first picture": 700,
    "key": 50,
    "300 nodes": 5,
    "1,000 nodes": 20,
    "page of 25,000 rules": 50,
    "idle, % of a processor": 3,
    "a day, MB": 10,
}
#: Changes in a day, and in its first hour.
DAY, HOUR = 8640, 360
IDLE = 5.0
EMPTY = "from textual.app import App\nclass A(App):\n def on_ready(self): self.exit()\nA().run(headless=True)"
PICTURE = """
from tests.views.hosts import docker_host
from workbench.app import Workbench
from workbench.session.messages import Looked
from workbench.session.snapshot_sharing import share
from workbench.session.sources import Given
from workbench.session.timeline import Timeline
app = Workbench(Given("host", docker_host))
app._hears[Looked] = lambda event: app.call_after_refresh(app.exit)
app.run(headless=True)
"""


def started(program: str) -> float:
    """Milliseconds of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def spent(work: Callable[[], object]) -> float:
    """Milliseconds of a call."""
    start = time.process_time()
    work()
    return 1000 * (time.process_time() - start)


def host(nodes: int) -> Snapshot:
    """A Docker host whose picture has about that many nodes: two for each container."""
    return docker(nodes // 2).snapshot()


def drawing(nodes: int) -> Callable[[], object]:
    """Lays out and draws all nodes of a host, every row."""
    whole = scene(host(nodes))
    return lambda: draw(whole, 120, 40).rows


def showing(nodes: int) -> Callable[[], object]:
    """Lays out all nodes of a host, and draws the rows that a pane shows."""
    whole = scene(host(nodes))

    def show() -> None:
        picture = draw(whole, 120, 40)
        for y in range(40):
            picture.row(y)

    return show


async def paging(rounds: int) -> list[float]:
    """The next screenful of a table of 25,000 rules, drawn."""
    drop = (RuleVerdict(VerdictKind.DROP),)
    rules = tuple(
        Rule(n, drop, f"-A FORWARD -s 10.{n >> 8 & 255}.{n & 255}.1/32 -j DROP", packets=n) for n in range(25_000)
    )
    table = Table(Backend.XT_NFT, "ip", "filter", (Chain("FORWARD", rules, BaseChain("filter", "forward", 0)),))
    seen = host(10)
    whole = replace(seen.host_netns, firewall=Firewall((table,)))
    seen = replace(seen, namespaces=(whole, *(one for one in seen.namespaces if one.id != seen.host)))
    times = []
    async with Workbench(Given("host", lambda: seen)).run_test(size=(120, 36)) as pilot:
        await looked(pilot)
        listing = bench(pilot).panes.rules
        await pilot.press("2")
        for _ in range(rounds):
            start = time.process_time()
            listing.page(1)
            for y in range(listing.size.height):
                listing.render_line(y)
            times.append(1000 * (time.process_time() - start))
    return times


def day() -> float:
    """Megabytes that a day of changes adds to those of its first hour."""
    timeline, before, start = Timeline(), host(200), 0.0
    for number in range(DAY):
        changed = replace(before.host_netns, sysctls={**before.host_netns.sysctls, "net.ipv4.tcp_fin_timeout": number})
        others = tuple(one for one in before.namespaces if one.id != before.host)
        seen = share(before, replace(before, namespaces=(changed, *others), taken_at=f"T{number:08}"))
        timeline.add(seen, changes(before, seen))
        before = seen
        if number == HOUR:
            gc.collect()
            start = resident()
    gc.collect()
    return resident() - start


def resident() -> float:
    """Megabytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


async def keys(rounds: int) -> list[float]:
    """A key in the topology of 300 nodes, to its paint."""
    app = Workbench(Given("host", lambda: host(300)))
    times = []
    async with app.run_test(size=(120, 36)) as pilot:
        await looked(pilot)
        topology = bench(pilot).panes.topology
        await pilot.press("1")
        for _ in range(rounds):
            start = time.process_time()
            topology.step(0, 1)
            for y in range(topology.size.height):
                topology.render_line(y)
            times.append(1000 * (time.process_time() - start))
    return times


async def idle() -> float:
    """Percent of a processor while nothing happens."""
    seen = host(300)

    def watch(stop: Event):  # type: ignore[no-untyped-def]
        yield Update(seen)
        stop.wait()

    async with Workbench(Given("host", lambda: seen, live=True, watch=watch)).run_test(size=(120, 36)) as pilot:
        await looked(pilot)
        start = time.process_time()
        await asyncio.sleep(IDLE)
        return 100 * (time.process_time() - start) / IDLE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    small, large = drawing(300), drawing(1000)
    shown, many = showing(300), showing(1000)
    rows: dict[str, list[float]] = {
        "empty Textual program": [started(EMPTY) for _ in range(rounds)],
        "first picture": [started(PICTURE) for _ in range(rounds)],
        "key": asyncio.run(keys(rounds)),
        "300 nodes": [spent(small) for _ in range(rounds)],
        "1,000 nodes": [spent(large) for _ in range(rounds)],
        "300 nodes, a pane of them": [spent(shown) for _ in range(rounds)],
        "1,000 nodes, a pane": [spent(many) for _ in range(rounds)],
        "page of 25,000 rules": asyncio.run(paging(rounds)),
        "idle, % of a processor": [asyncio.run(idle())],
        "a day, MB": [day()],
    }
    print(f"{rounds} rounds, {sys.version.split()[0]}; milliseconds unless it says otherwise")
    print(f"{'':26}{'best':>8}{'median':>8}{'limit':>8}")
    for name, times in rows.items():
        print(f"{name:26}{min(times):8.1f}{statistics.median(times):8.1f}{LIMITS.get(name, ''):>8}")


if __name__ == "__main__":
    main()
