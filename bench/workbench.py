"""How quick the workbench is: start to the first picture, a key to its paint, the topology's drawing, and idleness.

    python -m bench.workbench [--rounds 7]

Hosts are values (`bench.path`), so it needs neither root nor an engine. The first picture is that of a new process that
runs without a terminal, from its start until the host is on the screen; beside it an empty Textual program. A key moves
the cursor in the topology of 300 nodes as its pane shows it (a large bridge folded); its time ends when every line of
the pane is drawn. The drawing of 300 and 1,000 nodes is that of the whole picture, nothing folded. Idle is the
processor time of a workbench on a host on which nothing happens. It asserts nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from threading import Event

from bench.path import docker
from engine.model.host import Snapshot
from engine.observe.watch import Update
from tests.workbench.screen import bench, looked
from views.topology.canvas import draw
from views.topology.scene import scene
from workbench.app import Workbench
from workbench.sources import Given

#: Milliseconds that the project promises; percent of a processor for idleness.
LIMITS = {"first picture": 700, "key": 50, "300 nodes": 5, "1,000 nodes": 20, "idle, % of a processor": 3}
IDLE = 5.0
EMPTY = "from textual.app import App\nclass A(App):\n def on_ready(self): self.exit()\nA().run(headless=True)"
PICTURE = """
from tests.views.hosts import docker_host
from workbench.app import Workbench
from workbench.sources import Given
Workbench.on_looked = lambda self, event: self.call_after_refresh(self.exit)
Workbench(Given("host", docker_host)).run(headless=True)
"""


def started(program: str) -> float:
    """Milliseconds of a process."""
    return spent(lambda: subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL))


def spent(work: Callable[[], object]) -> float:
    """Milliseconds of a call."""
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def host(nodes: int) -> Snapshot:
    """A Docker host whose picture has about that many nodes: two for each container."""
    return docker(nodes // 2).snapshot()


def drawing(nodes: int) -> Callable[[], object]:
    """Lays out and draws all nodes of a host."""
    whole = scene(host(nodes))
    return lambda: draw(whole, 120, 40)


async def keys(rounds: int) -> list[float]:
    """A key in the topology of 300 nodes, to its paint."""
    app = Workbench(Given("host", lambda: host(300)))
    times = []
    async with app.run_test(size=(120, 36)) as pilot:
        await looked(pilot)
        topology = bench(pilot).panes.topology
        await pilot.press("1")
        for _ in range(rounds):
            start = time.perf_counter()
            topology.step(0, 1)
            for y in range(topology.size.height):
                topology.render_line(y)
            times.append(1000 * (time.perf_counter() - start))
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
    rows: dict[str, list[float]] = {
        "empty Textual program": [started(EMPTY) for _ in range(rounds)],
        "first picture": [started(PICTURE) for _ in range(rounds)],
        "key": asyncio.run(keys(rounds)),
        "300 nodes": [spent(small) for _ in range(rounds)],
        "1,000 nodes": [spent(large) for _ in range(rounds)],
        "idle, % of a processor": [asyncio.run(idle())],
    }
    print(f"{rounds} rounds, {sys.version.split()[0]}; milliseconds unless it says otherwise")
    print(f"{'':26}{'best':>8}{'median':>8}{'limit':>8}")
    for name, times in rows.items():
        print(f"{name:26}{min(times):8.1f}{statistics.median(times):8.1f}{LIMITS.get(name, ''):>8}")


if __name__ == "__main__":
    main()
