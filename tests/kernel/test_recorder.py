"""The recorder on a real host: a short random day judged by real clients, who made a change, and a sudden end."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from engine.change.actor import Actor
from engine.observe.watch.executions import Executions
from engine.recorder.errors import StoreError
from engine.recorder.history import History
from tests.fidelity.days.play import play
from tests.harness.needs import require
from tests.harness.netns import DIE_WITH_US, Netns, World

require("ip", "nsenter", "nft", "iptables-nft", root=True)

ROOT = Path(__file__).parents[2]
#: The most that a busy machine is given; nothing is asserted of it.
PATIENCE = 60


def test_a_random_day_is_told_as_real_clients_saw_it(tmp_path: Path) -> None:
    day = play(25, secrets.randbelow(1 << 24), tmp_path / "store")
    assert day.wrong == [], f"day {day.seed}"
    assert day.steps


def recorder(host: Netns, store: Path, *options: str) -> subprocess.Popen[str]:
    argv = [*DIE_WITH_US, sys.executable, "-m", "workbench.start", "record", "--store", str(store), *options]
    return subprocess.Popen(host.enter(argv), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(store: Path, holds: Callable[[History], bool]) -> None:
    """Waits until something holds of the store. Raises TimeoutError."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            with History(store) as history:
                if holds(history):
                    return
        except StoreError:
            pass  # the recorder has not begun yet
        time.sleep(0.02)
    raise TimeoutError


def makers(history: History, words: str) -> list[Actor | None]:
    return [each.by for moment in history.moments for each in history.changes(moment) if words in str(each)]


def test_who_committed_a_rule_is_known_and_nobodys_user_is_kept(tmp_path: Path) -> None:
    with World() as world:
        host = world.netns("host")
        host.ip("link set lo up")
        process = recorder(host, tmp_path)
        until(tmp_path, lambda history: bool(history.moments))
        host.run("iptables-nft", "-A", "INPUT", "-s", "198.51.100.7", "-j", "DROP")
        until(tmp_path, lambda history: bool(makers(history, "-s 198.51.100.7")))
        host.run("nft", "add table inet mine")
        until(tmp_path, lambda history: bool(makers(history, "table inet mine")))
        process.terminate()
        assert process.wait(timeout=PATIENCE) == 0
        with History(tmp_path) as history:
            (by_iptables,) = makers(history, "-s 198.51.100.7")
            (by_nft,) = makers(history, "table inet mine")
    assert by_iptables is not None
    assert by_nft is not None
    assert (by_iptables.program, by_nft.program) == ("iptables-nft", "nft")
    assert {each.user + each.parent for each in (by_iptables, by_nft)} == {""}
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        stream.close()


def test_a_watched_port_and_a_recorder_that_is_killed(tmp_path: Path) -> None:
    with World() as world:
        host = world.netns("host")
        host.ip("link set lo up")
        asked = ("--ask", "127.0.0.1:81", "--ask", "127.0.0.1:82", "--from", "host")
        process = recorder(host, tmp_path, *asked)
        until(tmp_path, lambda history: bool(history.moments))
        served = world.python(host, ROOT / "tests/harness/servers.py", "web", "tcp/127.0.0.1/81", ready="ready")
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "127.0.0.1:81 from host: ✓ reachable: listener " in line
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=PATIENCE)
        world.stop(served)
        with History(tmp_path) as history:
            assert [(each.ask, each.after) for each in history.flips()] == [("127.0.0.1:81 from host", "✓ reachable")]
        again = recorder(host, tmp_path)
        until(tmp_path, lambda history: len(history.runs) == 2)
        when = ("-m", "workbench.start", "when", "127.0.0.1:81", "--store", str(tmp_path))
        done = host.run(sys.executable, *when, check=False)
        again.terminate()
        assert again.wait(timeout=PATIENCE) == 0
        for stream in (process.stdout, process.stderr, again.stdout, again.stderr):
            assert stream is not None
            stream.close()
    assert done.startswith("127.0.0.1:81 from host stopped answering between ")
    assert "while nothing was recorded" in done


def test_programs_that_are_over_have_a_name() -> None:
    """Where the kernel tells of executions: in the first network namespace, or where that can be entered."""
    with Executions(users=True) as executions:
        argv = ["sh", "-c", "echo $$; exec sleep 0.1"]
        ran = [subprocess.run(argv, capture_output=True, text=True, check=True) for _ in range(5)]
        found = [executions.of(int(each.stdout)) for each in ran]
        known = [each for each in found if each.program]
        assert len(known) == (len(found) if executions.listens else 0)
    assert {each.program for each in known} <= {"sleep"}
    assert all(each.parent and each.user for each in known)
