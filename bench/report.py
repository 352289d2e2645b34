"""How long a report of a large host takes, and how large it is: 200 containers with a published port each.

    python -m bench.report [--containers 200]

The host is built as a value (`bench.path`), so it needs neither root nor an engine; its containers are told to be in
six networks, which makes ten places to ask from with the LAN, the host at three addresses and the target itself. The
page's row writes the HTML with one answer; the matrix's rows ask every port from every place, by one process and by as
many as there are processors. Processor time, of all processes together, is what other programs change least. A ratio
is to the page. It asserts nothing.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from ipaddress import ip_address

from bench.path import docker
from engine.explain import ask
from engine.explain.question import resolve
from engine.explain.survey import matrix
from engine.model.container import Attachment, Network, PublishedPort
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.path.world import World
from views.reports.document import report
from views.reports.writers import write
from workbench.session.matrix_pool import fill

#: Seconds and bytes that the project promises.
LIMITS = {"page": 2.0, "matrix, all processors": 10.0}
LARGEST_PAGE = 3_000_000
NETWORKS = 6


def host(containers: int) -> Snapshot:
    """`bench.path`'s host, with the containers as an engine tells of them."""
    world = docker(containers)
    for number in range(containers):
        address = f"172.17.{(number + 2) // 256}.{(number + 2) % 256}"
        at = (Attachment(f"net{number % NETWORKS}", ip_address(address)),)
        port = PublishedPort(Protocol.TCP, None, 8000 + number, 80)
        world.container(f"c{number}", None, port, attachments=at)
    names = [f"net{number}" for number in range(NETWORKS)]
    world.networks += [Network(name, "docker", "bridge", "docker0", subnets=("172.17.0.0/16",)) for name in names]
    return world.snapshot()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--containers", type=int, default=200)
    snapshot = host(parser.parse_args().containers)
    sizes: list[int] = []
    rows = matrix.ports(snapshot)
    questions = [question for _, _, question in matrix.questions(snapshot, rows)]
    runs: dict[str, Callable[[], object]] = {
        "page": lambda: sizes.append(len(page(snapshot).encode())),
        "matrix, one process": lambda: [matrix.answer(world, one) for world in [World(snapshot)] for one in questions],
        "matrix, all processors": lambda: fill(snapshot),
    }
    print(f"{len(snapshot.containers)} containers, {len(questions)} cells, {os.cpu_count()} processors")
    first = 0.0
    for name, run in runs.items():
        start, before = time.perf_counter(), sum(os.times()[:4])
        run()
        taken, cpu = time.perf_counter() - start, sum(os.times()[:4]) - before
        first = first or taken
        limit = f"of {LIMITS[name]:.0f} s" if name in LIMITS else ""
        print(f"{name:24} {taken:6.2f} s {limit:8} × {taken / first:<6.1f} {cpu:6.2f} s of processor time")
    print(f"{'the page':24} {sizes[0] / 1e6:6.2f} MB of {LARGEST_PAGE / 1e6:.0f} MB")


def page(snapshot: Snapshot) -> str:
    verdict = ask(snapshot, resolve(snapshot, ":9999", "host"))
    return write(report(snapshot, [verdict]), "html")


if __name__ == "__main__":
    main()
