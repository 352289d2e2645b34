"""Watching in a process of its own: what it sends, that it ends with its parent, and what it cannot do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.observe.watch.watch import MANY, Update
from tests.harness.needs import require
from tests.harness.netns import DIE_WITH_US, End, World
from workbench.exits import Refusal
from workbench.session import looking
from workbench.session.first_look import FirstLook
from workbench.session.looking import watch_apart

require("ip", "nsenter", root=True)

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        yield made


def lookers() -> set[int]:
    """The processes that look for this one."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
            parent = int((path.parent / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if looking.PROGRAM.encode() in words and parent == os.getpid():
            found.add(int(path.parent.name))
    return found


def gone(pid: int) -> bool:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":  # it has ended; its new parent has not yet heard of it
            return True
        time.sleep(0.02)
    return False


def test_a_change_is_sent_alone_and_the_rest_is_what_it_was(world: World) -> None:
    host, other = world.netns("host"), world.netns("other")
    world.veth(End(host, "eth0", ("10.7.0.1/24",)), End(other, "eth0", ("10.7.0.2/24",)))
    stop = threading.Event()
    seen = watch_apart(stop, world.prefix, host.path)
    updates = (each.snapshot for each in seen if isinstance(each, Update))
    first = next(updates)
    assert first.host == host.name
    assert set(first.by_id) == {host.name, other.name}
    host.ip("address add 10.7.1.1/24 dev eth0")
    second = next(each for each in updates if len(each.host_netns.addresses) > len(first.host_netns.addresses))
    assert second.by_id[other.name] is first.by_id[other.name]
    assert second.containers is first.containers
    other.ip("link delete eth0")
    third = next(each for each in updates if "eth0" not in each.by_id[other.name].links_by_name)
    assert third.taken_at > second.taken_at
    (pid,) = lookers()
    stop.set()
    assert list(updates) == []
    assert gone(pid)


def test_the_first_look_at_many_namespaces_tells_how_far_it_is(world: World) -> None:
    host = world.netns("host")
    for number in range(MANY):
        world.netns(f"n{number}")
    stop = threading.Event()
    told: list[FirstLook] = []
    for each in watch_apart(stop, world.prefix, host.path):
        if isinstance(each, Update):
            assert len(each.snapshot.namespaces) == MANY + 1
            break
        told.append(each)
    stop.set()
    assert told[0].whole == MANY + 1
    assert told[0].host is not None
    assert [netns.id for netns in told[0].host.namespaces] == [host.name]
    assert [each.done for each in told] == sorted(each.done for each in told)
    assert all(each.host is None for each in told[1:])


def test_what_it_cannot_do_is_one_line() -> None:
    with pytest.raises(Refusal, match="cannot enter lab nowhere: No such file or directory"):
        next(watch_apart(threading.Event(), "nowhere", "/run/netns/no-such-namespace"))
    assert lookers() == set()


def test_one_that_dies_is_noticed(world: World) -> None:
    host = world.netns("host")
    updates = watch_apart(threading.Event(), world.prefix, host.path)
    next(each for each in updates if isinstance(each, Update))
    (pid,) = lookers()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(EOFError):
        next(updates)
    assert lookers() == set()


def test_it_ends_when_its_parent_is_killed(world: World) -> None:
    host = world.netns("host")
    program = "\n".join(
        (
            "import os, subprocess, threading, time",
            "from engine.observe.watch.watch import Update",
            "from workbench.session.looking import watch_apart",
            f"seen = watch_apart(threading.Event(), {world.prefix!r}, {host.path!r})",
            "next(each for each in seen if isinstance(each, Update))",
            "argv = ['pgrep', '-P', str(os.getpid()), '-f', 'looking']",
            "print(subprocess.run(argv, capture_output=True, text=True).stdout.split()[0], flush=True)",
            "time.sleep(60)",
        )
    )
    parent = subprocess.Popen(
        [*DIE_WITH_US, sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(child)
