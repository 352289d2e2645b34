"""What happens on a host comes out of `watch` as the change that it is, whoever tells of it."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from signal import SIGKILL, SIGSTOP

import pytest

from engine.observe.base.namespaces import NetnsRef, apart, enter
from engine.observe.watch.watch import Update, watch
from tests.harness.needs import require
from tests.harness.netns import End, Netns, World, run

require("ip", "nsenter", "iptables-legacy", "iptables-nft", root=True)

LISTEN = (
    sys.executable, "-I", "-c",
    "import socket, time; held = socket.create_server(('', 81)); print('ready', flush=True); time.sleep(600)",
)  # fmt: skip
#: The most that a busy machine is given; nothing is asserted of it.
PATIENCE = 60


class Watching:
    """A watch in a thread of its own, and the words of what it said of one world's namespaces."""

    def __init__(self, host: Netns, prefix: str, counting: bool = False) -> None:
        self.stop = threading.Event()
        self._host, self._prefix, self._counting = host, prefix, counting
        self._updates: queue.Queue[Update] = queue.Queue()
        self._said: list[str] = []
        self._thread = threading.Thread(target=apart, args=(self._run,))
        self._thread.start()
        self.first = self._updates.get(timeout=PATIENCE).snapshot
        self.last = self.first

    def _run(self) -> None:
        enter(NetnsRef(os.stat(self._host.path).st_ino, ways=(self._host.path,)))
        for update in watch(self.stop, counting=self._counting):
            self._updates.put(update)

    def until(self, words: str) -> None:
        """Waits for a change with these words. Raises queue.Empty when there is none."""
        end = time.monotonic() + PATIENCE
        while not any(words in each for each in self._said):
            update = self._updates.get(timeout=max(0.0, end - time.monotonic()))
            self.last = update.snapshot
            self._said += [str(each) for each in update.changed if self._prefix in str(each)]

    def counted(self) -> Update:
        """Waits for an update that says that rules counted, and nothing else."""
        while (update := self._updates.get(timeout=PATIENCE)).changed:
            self.last = update.snapshot
        return update

    def close(self) -> None:
        self.stop.set()
        self._thread.join()


@contextmanager
def watching(world: World, host: Netns, *, counting: bool = False) -> Iterator[Watching]:
    made = Watching(host, world.prefix, counting)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        yield made


def test_each_kind_of_change_is_told(world: World) -> None:
    host, lan = world.netns("host"), world.netns("lan")
    world.veth(End(host, "up0", ("10.7.0.1/24",)), End(lan, "eth0", ("10.7.0.2/24",)))
    host.run("iptables-legacy", "-A", "INPUT", "-i", "old0", "-j", "DROP")
    servers: list[subprocess.Popen[str]] = []
    changes: dict[str, Callable[[], object]] = {
        "link up0 changed": lambda: host.ip("link set up0 mtu 1400"),
        "route 10.8.0.0/24 via 10.7.0.2 dev up0": lambda: host.route("10.8.0.0/24 via 10.7.0.2"),
        "policy rule 100: from all lookup 7": lambda: host.ip("rule add priority 100 table 7"),
        "address 10.7.0.3/24 dev eth0 added": lambda: lan.address("eth0", "10.7.0.3/24"),
        "rule -A FORWARD -j DROP of filter/FORWARD added": lambda: host.run(
            "iptables-nft", "-A", "FORWARD", "-j", "DROP"
        ),
        "rule -A INPUT -i new0 -j DROP of filter/INPUT": lambda: host.run(
            "iptables-legacy", "-A", "INPUT", "-i", "new0", "-j", "DROP"
        ),
        "rule -A OUTPUT -j ACCEPT of filter/OUTPUT added in": lambda: lan.run(
            "iptables-nft", "-A", "OUTPUT", "-j", "ACCEPT"
        ),
        "rule -A INPUT -i first0 -j DROP of filter/INPUT": lambda: lan.run(
            "iptables-legacy", "-A", "INPUT", "-i", "first0", "-j", "DROP"
        ),
        "listener 0.0.0.0:81/tcp added": lambda: servers.append(world.start(lan.enter(LISTEN), ready="ready")),
        "stopped no → yes": lambda: servers[0].send_signal(SIGSTOP),
        "listener 0.0.0.0:81/tcp deleted": lambda: servers[0].send_signal(SIGKILL),
        f"namespace {world.prefix}-late added": lambda: world.netns("late"),
    }
    with watching(world, host) as seen:
        for words, change in changes.items():
            change()
            seen.until(words)
        late = world.netns("later")
        seen.until(f"namespace {late.name} added")
        host.ip(f"link add to-later type veth peer name eth0 netns {late.name}")
        seen.until(f"link eth0 added in {late.name}")
        end = seen.last.by_id[host.name].links_by_name["to-later"].peer
        assert end is not None
        assert end.netns == late.name
        run(["ip", "netns", "delete", late.name])
        seen.until(f"namespace {late.name} deleted")
        seen.until(f"link to-later deleted in {host.name}")


def test_what_rules_count_is_an_update_without_changes_for_who_wants_it(world: World) -> None:
    host, lan = world.netns("host"), world.netns("lan")
    world.veth(End(host, "up0", ("10.7.0.1/24",)), End(lan, "eth0", ("10.7.0.2/24",)))
    host.run("iptables-nft", "-A", "INPUT", "-s", "10.7.0.2", "-j", "ACCEPT")
    with watching(world, host, counting=True) as seen:
        lan.run(sys.executable, "-I", "-c", "import socket; socket.socket().connect_ex(('10.7.0.1', 81))")
        snapshot = seen.counted().snapshot
    (rule,) = (
        rule
        for table in snapshot.by_id[snapshot.host].firewall.tables
        for chain in table.chains
        for rule in chain.rules
    )
    assert rule.packets == 1
