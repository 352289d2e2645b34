"""How long a change takes to become a new Snapshot, on a large host, beside a look at all of it. Needs root.

    python -m bench.watch [--containers 200] [--rounds 15]

Each round rests, sets a container's device on the bridge down or up, and waits for the watcher's update. "again" is the
part that reads, joins and compares. What other work changes on the machine is watched as well, and counts. The script
of `portscope collect` is run once on the same host. It asserts nothing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import threading
import time
from itertools import cycle

from bench.large_host import LargeHost, large_host
from engine.model.changes import changes
from engine.observe.collected import script
from engine.observe.look import look
from engine.observe.namespaces import Place, apart, enter
from engine.observe.next_look import again
from engine.observe.snapshot import compose
from engine.observe.visit import Source
from engine.observe.watch import AT_ONCE, REST, watch


def measure(host: LargeHost, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each row in each round, seen from the host."""
    enter(Place(os.stat(host.host.path).st_ino, ways=(host.host.path,)))
    found: dict[str, list[float]] = {"whole look": [], "again": [], "change to Snapshot": []}
    for _ in range(3):
        start = time.perf_counter()
        seen = look()
        before = compose(seen)
        found["whole look"].append(1000 * (time.perf_counter() - start))
    port, ways = before.host_netns.links[-1].name, cycle(("down", "up"))
    for _ in range(rounds):
        subprocess.run(["ip", "link", "set", port, next(ways)], check=True)
        start = time.perf_counter()
        next_one = again(seen, {before.host: (Source.STACK, Source.SYSCTLS)})
        after = compose(next_one, (seen, before))
        changes(before, after)
        seen, before = next_one, after
        found["again"].append(1000 * (time.perf_counter() - start))
    stop = threading.Event()
    updates = watch(stop)
    next(updates)
    for _ in range(rounds):
        time.sleep(2 * REST)
        subprocess.run(["ip", "link", "set", port, next(ways)], check=True)
        start = time.perf_counter()
        while not any(port in str(each) for each in next(updates).changed):
            pass  # something else changed as well
        found["change to Snapshot"].append(1000 * (time.perf_counter() - start))
    start_cpu, start = time.process_time(), time.perf_counter()
    threading.Timer(10, stop.set).start()
    for _ in updates:
        pass
    found["idle, ms of a processor a second"] = [
        1000 * (time.process_time() - start_cpu) / (time.perf_counter() - start)
    ]
    return found


def main() -> None:
    """Builds, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--containers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    with large_host(arguments.containers) as host:
        rows = apart(lambda: measure(host, arguments.rounds))
        start = time.perf_counter()
        subprocess.run(host.host.enter(["sh", "-s"]), input=script().encode(), check=True, stdout=subprocess.DEVNULL)
        rows["portscope collect's script"] = [1000 * (time.perf_counter() - start)]
    print(f"{arguments.containers} containers; a change after a rest waits {1000 * AT_ONCE:.0f} ms; milliseconds")
    for name, values in rows.items():
        print(f"{name:36} median {statistics.median(values):9.1f}   slowest {max(values):9.1f}")


if __name__ == "__main__":
    main()
