"""How long a lab of 200 containers takes to come up and to go, beside Mininet and `docker run`.

    python -m bench.lab [CONTAINERS]

Each is measured in the same run, in turn, and given per container: a lab with two bridges, every container with a
published port and a listener; Mininet's hosts on two Linux bridges (Debian's package mininet), without NAT or
listeners; and `docker run` of a few containers on a real engine, where one is installed. What else the machine does
lengthens the times; the processor's time for up and down (user and system, with all children) stays nearly the same.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.lab import lifecycle

CONTAINERS, DOCKER_CONTAINERS = 200, 5
NAME = "lbbench"
MININET = """
import time, sys
from mininet.net import Mininet
from mininet.nodelib import LinuxBridge
count = int(sys.argv[1])
start = time.perf_counter()
net = Mininet(switch=LinuxBridge, controller=None, autoSetMacs=False)
bridges = [net.addSwitch(f"s{number}") for number in (1, 2)]
for number in range(count):
    net.addLink(net.addHost(f"h{number}"), bridges[number % 2])
net.start()
up = time.perf_counter()
net.stop()
print(up - start, time.perf_counter() - up)
"""


def compose(count: int) -> str:
    """A Compose file with `count` services on two networks."""
    row = "  c{0}: {{ports: ['{1}:80'], networks: [{2}]}}"
    rows = [row.format(number, 10000 + number, "ab"[number % 2]) for number in range(count)]
    return "\n".join([f"name: {NAME}", "services:", *rows, "networks: {a: {}, b: {}}", ""])


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on the clock, up and down; `processor` is its time for both, None where daemons do the work."""

    up: float
    down: float
    processor: float | None = None


def timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def processor() -> float:
    """Seconds of the processor that this process and its ended children have used so far."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def lab(count: int) -> Cost:
    """Up, from the file's text to listening sockets, and down."""
    directory = Path(tempfile.mkdtemp(prefix="portscope-bench-"))
    before = processor()
    try:
        up = timed(lambda: lifecycle.up(lifecycle.draft(compose(count), "bench.yaml"), directory))
        down = timed(lambda: lifecycle.down(NAME, directory))
        return Cost(up, down, processor() - before)
    finally:
        lifecycle.down(NAME, directory)
        shutil.rmtree(directory)


def mininet(count: int) -> Cost | None:
    """Mininet's time for as many hosts; it lives in a namespace of its own. None where it is not installed."""
    if not shutil.which("mn"):
        return None
    before = processor()
    argv = ["unshare", "--net", "--mount", "/usr/bin/python3", "-c", MININET, str(count)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-500:], file=sys.stderr)
        return None
    up, down = map(float, done.stdout.split())
    return Cost(up, down, processor() - before)


def docker(count: int) -> Cost | None:
    """`docker run -p` and `docker rm -f`, one after the other. None where no engine is installed."""
    from tests.engines.docker import PROGRAMS, docker_host  # noqa: PLC0415 - only where there is an engine

    if not all(shutil.which(program) for program in PROGRAMS):
        return None
    with docker_host() as host:
        run = ("run", "-d", "bb", "/bin/httpd", "-f")
        runs = [(*run[:2], "--name", f"c{number}", "-p", f"{10000 + number}:80", *run[2:]) for number in range(count)]
        up = timed(lambda: [host.docker(*words) for words in runs])
        return Cost(up, timed(lambda: [host.docker("rm", "-f", f"c{number}") for number in range(count)]))


def main() -> None:
    """Measures and prints the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else CONTAINERS
    rows = [
        ("portscope lab", lab(count), count),
        ("mininet", mininet(count), count),
        ("docker run", docker(DOCKER_CONTAINERS), DOCKER_CONTAINERS),
    ]
    print(f"{'ms per container':<16} {'up':>10} {'down':>10} {'processor':>10}")
    for name, cost, number in rows:
        seconds = (cost.up, cost.down, cost.processor) if cost else ("not here",) * 3
        words = [f"{each / number * 1000:.2f}" if isinstance(each, float) else each or "-" for each in seconds]
        print(f"{name:<16} {words[0]:>10} {words[1]:>10} {words[2]:>10}")


if __name__ == "__main__":
    main()
