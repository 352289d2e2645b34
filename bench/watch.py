"""How long a change takes to become a new Snapshot, kind by kind, and what watching costs while nothing happens.

    python -m bench.watch [--containers 200] [--rounds 15] [--idle 60]

A thread makes a change after a rest, while another one watches the host; the time is from the change to the update that
tells of it. `ip` waits for its next line, so its changes are timed from the line on; other tools are timed from their
end. Of listeners and of iptables-legacy in another mount namespace nobody tells: they wait until they are looked at.
"whole look" is all of the host read and composed by one process. Idle is the processor's time of the watching process
and its children, user and system, in percent of one processor: on average, and in the worst second. It asserts nothing.
"""

from __future__ import annotations

import argparse
import os
import queue
import resource
import signal
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice

from bench.large_host import BRIDGE, LargeHost, large_host
from engine.observe.base.namespaces import NetnsRef, apart, enter
from engine.observe.collected import script
from engine.observe.look.look import look
from engine.observe.look.snapshot import compose
from engine.observe.watch.watch import REST, Update, watch

#: Seconds after which a change that was not told is given up.
PATIENCE = 60.0


@dataclass(frozen=True)
class Kind:
    """A kind of change: what is in the words of its update, what does it, and what undoes it."""

    name: str
    words: str
    ways: tuple[Callable[[], float], Callable[[], float]]


class Changer:
    """Makes changes on the host, each of which gives back when it was made."""

    def __init__(self, host: LargeHost) -> None:
        self._host = host
        argv = host.host.enter(["ip", "-batch", "-"])
        self._ip = subprocess.Popen(argv, stdin=subprocess.PIPE, text=True)
        self._listening: list[socket.socket] = []

    def close(self) -> None:
        assert self._ip.stdin is not None
        self._ip.stdin.close()
        self._ip.wait()
        for each in self._listening:
            each.close()

    def ip(self, line: str) -> Callable[[], float]:
        """A line of `ip -batch`."""

        def change() -> float:
            assert self._ip.stdin is not None
            start = time.perf_counter()
            self._ip.stdin.write(line + "\n")
            self._ip.stdin.flush()
            return start

        return change

    def tool(self, *argv: str) -> Callable[[], float]:
        """A command in the host's namespace."""

        def change() -> float:
            self._host.host.run(*argv)
            return time.perf_counter()

        return change

    def listen(self) -> float:
        """A listener on port 9099 of the host."""
        start = time.perf_counter()
        self._listening.append(apart(self._server))
        return start

    def _server(self) -> socket.socket:
        enter(NetnsRef(os.stat(self._host.host.path).st_ino, ways=(self._host.host.path,)))
        return socket.create_server(("", 9099))

    def hang_up(self) -> float:
        """Its end."""
        start = time.perf_counter()
        self._listening.pop().close()
        return start

    def event(self) -> float:
        """The engine pauses its first container, or lets it go on, and says so."""
        start = time.perf_counter()
        os.kill(self._host.engine, signal.SIGUSR1)
        return start

    def kinds(self) -> Iterator[Kind]:
        """Every kind of change; what one needs is made just before it."""
        veth = f"veth{len(self._host.tenants) - 1}"
        for name, words, line, undone in (
            ("link", f"link {veth} ", f"link set {veth} down", f"link set {veth} up"),
            ("address", "198.51.100.9/32", f"address add 198.51.100.9/32 dev {BRIDGE}", ""),
            ("route", "203.0.113.0/24", f"route add 203.0.113.0/24 dev {BRIDGE}", ""),
            ("policy rule", "77: from", "rule add priority 77 table 7", ""),
            ("neighbour", "172.30.9.9", f"neigh add 172.30.9.9 lladdr 02:00:00:00:00:09 dev {BRIDGE}", ""),
        ):
            yield Kind(name, words, (self.ip(line), self.ip(undone or line.replace(" add ", " del ", 1))))
        for name, program in (("rule of iptables-nft", "iptables-nft"), ("rule of iptables-legacy", "iptables-legacy")):
            rule = ("FORWARD", "-s", "198.51.100.7", "-j", "DROP")
            self.tool(program, "-S")()  # makes the legacy table; one that comes is told without its rules
            yield Kind(name, "198.51.100.7", (self.tool(program, "-A", *rule), self.tool(program, "-D", *rule)))
        yield Kind("listener", "9099", (self.listen, self.hang_up))
        yield Kind("container", "container web0 ", (self.event, self.event))
        self.tool("nft", "add table ip bench; add chain ip bench one; add chain ip bench two")()
        add, flush = "add rule ip bench one tcp dport 4711 drop", "flush chain ip bench one"
        yield Kind("rule of nft", "dport 4711", (self.tool("nft", add), self.tool("nft", flush)))
        self.tool("nft", "delete table ip bench")()


@contextmanager
def watching(host: LargeHost) -> Iterator[queue.Queue[tuple[float, Update]]]:
    """Updates of a watch, and when they came."""
    stop = threading.Event()
    updates: queue.Queue[tuple[float, Update]] = queue.Queue()

    def watched() -> None:
        enter(NetnsRef(os.stat(host.host.path).st_ino, ways=(host.host.path,)))
        for update in watch(stop):
            updates.put((time.perf_counter(), update))

    thread = threading.Thread(target=apart, args=(watched,))
    thread.start()
    try:
        updates.get(timeout=PATIENCE)
        yield updates
    finally:
        stop.set()
        thread.join()


def until(updates: queue.Queue[tuple[float, Update]], words: str) -> float:
    """When the update with these words came. Raises queue.Empty when there is none."""
    while True:
        at, update = updates.get(timeout=PATIENCE)
        if any(words in str(each) for each in update.changed):
            return at


def whole_looks(host: LargeHost) -> list[float]:
    """Milliseconds of looks at all of it."""
    enter(NetnsRef(os.stat(host.host.path).st_ino, ways=(host.host.path,)))
    found = []
    for _ in range(3):
        start = time.perf_counter()
        compose(look())
        found.append(1000 * (time.perf_counter() - start))
    return found


def spent() -> float:
    """Seconds of the processor that this process and its ended children have had."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def idle(seconds: int) -> list[float]:
    """Percent of a processor that this process had in each second."""
    found = []
    at, had = time.perf_counter(), spent()
    for _ in range(seconds):
        time.sleep(1)
        now, has = time.perf_counter(), spent()
        found.append(100 * (has - had) / (now - at))
        at, had = now, has
    return found


def main() -> None:
    """Builds, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--containers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--idle", type=int, default=60)
    arguments = parser.parse_args()
    print(f"{arguments.containers} containers; milliseconds")
    with large_host(arguments.containers) as host:
        os.environ["DOCKER_HOST"] = f"unix://{host.socket}"
        row("whole look", apart(lambda: whole_looks(host)))
        changer = Changer(host)
        with watching(host) as updates:
            for kind in changer.kinds():
                times = []
                for change in islice(cycle(kind.ways), arguments.rounds):
                    time.sleep(5 * REST)
                    start = change()
                    times.append(1000 * (until(updates, kind.words) - start))
                row(kind.name, times)
            changer.close()
            percent = idle(arguments.idle)
        print(
            f"{'idle, percent of a processor':36} average {statistics.mean(percent):8.2f}   worst {max(percent):10.2f}"
        )
        start = time.perf_counter()
        subprocess.run(host.host.enter(["sh", "-s"]), input=script().encode(), check=True, stdout=subprocess.DEVNULL)
        row("portscope collect's script", [1000 * (time.perf_counter() - start)])


def row(name: str, times: list[float]) -> None:
    """Prints the times of one row."""
    print(f"{name:36} median {statistics.median(times):9.1f}   slowest {max(times):9.1f}", flush=True)


if __name__ == "__main__":
    main()
