"""A fleet of synthetic hosts: how long its rows take, how much memory, and how quickly they are asked.

    python -m bench.fleet [--hosts 10000] [--fuzz 40] [--workers 2] [--killed]

The hosts are recorded ones (a Docker Engine with a fault each) and, as root, some that chance makes, which are built,
looked at and taken down; each is renumbered as often as it takes: other addresses, MAC addresses, ids and devices. All
have at least 50 cells. `portscope fleet answer` runs as users start it; memory is the sum of its processes' resident
sets, sampled. Beside it are a file's loading and the walk of each cell, as they are without a fleet. With --killed a
Dask scheduler and its workers, each a process, answer the same hosts, and one worker is killed half-way.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from bench.journeys import PORTSCOPE
from bench.large_host import REPOSITORY
from engine.fleet.answering import CellAnswer, ServiceEnd, Walked, answered, rows
from engine.fleet.asking import reach
from engine.fleet.place import Place
from engine.fleet.zones import zones_of
from engine.observe.recording.snapshot_file import dumps, loads
from engine.path.world import World
from tests.fidelity.fuzz.generate import scenario
from tests.fidelity.fuzz.stage import Refused, Stage
from tests.fleet.renumbered import renumbered
from tests.harness.dask_cluster import cluster

#: Networks of others, of which no host has an address (RFC 6598).
ZONES = "internet,lan," + ",".join(f"z{number}=100.64.{number}.0/24" for number in range(24))
LEAST_CELLS = 50
SEED = 18
#: The questions of docs/fleet.md, each with its name.
QUESTIONS = dict(re.findall(r"^-- (.+)\n([^-;]+);$", (REPOSITORY / "docs" / "fleet.md").read_text(), re.MULTILINE))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--fuzz", type=int, default=40 if os.geteuid() == 0 else 0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--killed", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="portscope-bench-") as folder:
        kinds = [*recorded(), *chance(arguments.fuzz)]
        kinds = [text for text in kinds if cells(text) >= LEAST_CELLS]
        place = Path(folder) / "fleet"
        made(place, kinds, arguments.hosts)
        print(f"{arguments.hosts} hosts of {len(kinds)} kinds, {cores()} cores")
        alone(kinds)
        answering(place, arguments.workers)
        asking(place)
        if arguments.killed:
            killed(place, arguments.workers + 1)


def cores() -> int:
    return len(os.sched_getaffinity(0))


def recorded() -> Iterator[str]:
    hosts = Path(REPOSITORY) / "tests" / "hosts"
    for file in (*sorted((hosts / "docker26").glob("*.json.gz")), hosts / "shop.json.gz"):
        yield gzip.decompress(file.read_bytes()).decode()


def chance(count: int) -> Iterator[str]:
    """Snapshots of hosts that chance makes."""
    for number in range(count):
        with suppress(Refused), ExitStack() as stack:
            stage = Stage(scenario(SEED, number))
            stack.callback(stage.close)
            yield dumps(stage.look())


def cells(text: str) -> int:
    """How many rows a host has that are asked."""
    snapshot = loads(text)
    unasked = Walked(CellAnswer(*[""] * len(CellAnswer._fields)), ServiceEnd("", 0, on_loopback=False))
    return sum(1 for row in rows(snapshot, "one", zones_of(ZONES), lambda _: unasked) if row.zone)


def made(place: Path, kinds: list[str], count: int) -> None:
    """Writes so many hosts into a fleet."""
    Place(str(place), make=True)
    (place / "hosts").mkdir()
    with ProcessPoolExecutor(cores()) as pool:
        written = (partial(one, place, kinds[number % len(kinds)], number) for number in range(count))
        for _ in pool.map(_called, written, chunksize=16):
            pass


def one(place: Path, text: str, number: int) -> None:
    data = gzip.compress(renumbered(text, str(number)).encode(), 1, mtime=0)
    (place / "hosts" / f"host{number:05}.json.gz").write_bytes(data)


def _called(task: partial[None]) -> None:
    task()


def alone(kinds: list[str]) -> None:
    """A sample, loaded and walked cell by cell."""
    zones, count, loading, walking = zones_of(ZONES), 0, 0.0, 0.0
    for text in kinds[:: max(len(kinds) // 20, 1)]:
        began = time.perf_counter()
        snapshot = loads(text)
        loaded = time.perf_counter()
        world = World(snapshot)
        count += sum(1 for row in rows(snapshot, "one", zones, partial(answered, world)) if row.zone)
        loading, walking = loading + loaded - began, walking + time.perf_counter() - loaded
    sample = len(kinds[:: max(len(kinds) // 20, 1)])
    print(f"alone: {1000 * loading / sample:.1f} ms to load a file, {1000 * walking / count:.1f} ms to walk a cell")


def answering(place: Path, workers: int, scheduler: str = "") -> None:
    """The command, with its time and memory."""
    where = ["--scheduler", scheduler] if scheduler else ["--workers", str(workers)]
    words = [PORTSCOPE, "fleet", "answer", str(place), "--from", ZONES, *where]
    began = time.perf_counter()
    with subprocess.Popen(words, cwd=REPOSITORY, env={**os.environ}, stdout=subprocess.PIPE, text=True) as process:
        most = 0
        while process.poll() is None:
            most = max(most, resident(process.pid))
            time.sleep(0.25)
        spent = time.perf_counter() - began
        print(process.stdout.read().strip() if process.stdout else "")
    with reach(str(place)) as found:
        [(count,)] = found.ask("select count(*) from reach where zone <> ''").rows
    print(
        f"fleet answer: {spent:.1f} s, {most / 2**20:.0f} MiB, {count} cells, {count / spent:.0f} a second, "
        f"{1000 * spent * workers / count:.2f} ms a cell of one worker"
    )


def resident(pid: int) -> int:
    """Bytes of a process and its descendants."""
    total, ahead = 0, [pid]
    while ahead:
        number = ahead.pop()
        with suppress(OSError, ValueError):
            total += int(Path(f"/proc/{number}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            for thread in Path(f"/proc/{number}/task").iterdir():
                ahead += [int(word) for word in (thread / "children").read_text().split()]
    return total


def asking(place: Path) -> None:
    """The questions, each by the command, and alone."""
    for name, sql in QUESTIONS.items():
        began = time.perf_counter()
        words = [PORTSCOPE, "fleet", "sql", str(place), sql]
        subprocess.run(words, cwd=REPOSITORY, env={**os.environ}, stdout=subprocess.DEVNULL, check=True)
        spent = time.perf_counter() - began
        with reach(str(place)) as found:
            began = time.perf_counter()
            lines = sum(1 for _ in found.ask(sql).rows)
            inside = time.perf_counter() - began
        print(
            f"sql, {name}: {1000 * spent:.0f} ms from shell to table, {1000 * inside:.0f} ms of it asked, {lines} rows"
        )


def killed(place: Path, workers: int) -> None:
    """The same rows by a cluster of which a worker is killed half-way."""
    before = sorted_rows(place)
    for file in (place / "reach").glob("*.parquet"):
        file.unlink()
    with cluster(workers) as made:
        words = [PORTSCOPE, "fleet", "answer", str(place), "--from", ZONES]
        began = time.perf_counter()
        with subprocess.Popen([*words, "--scheduler", made.scheduler], cwd=REPOSITORY, env={**os.environ}) as process:
            while process.poll() is None:
                if made.workers[0].poll() is None and len([*(place / "reach").glob("*.parquet")]) > 128:
                    made.workers[0].kill()
                    print(f"killed a worker of {workers} after {time.perf_counter() - began:.1f} s")
                time.sleep(0.1)
        print(f"by the cluster: {time.perf_counter() - began:.1f} s; exit code {process.returncode}")
    after = sorted_rows(place)
    print(f"{len(after)} rows, {'the same' if after == before else 'NOT THE SAME'}")


def sorted_rows(place: Path) -> list[tuple[object, ...]]:
    with reach(str(place)) as found:
        return sorted(found.ask("select * from reach").rows)


if __name__ == "__main__":
    main()
