"""`portscope why --watch` on a host that is broken and mended: each flip is one line, with the change that made it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.needs import require
from tests.harness.netns import DIE_WITH_US, End, Netns, World
from tests.harness.scenes import build
from tests.scenarios.scenario import read_all

require("ip", "nsenter", "nft", "iptables-nft", root=True)

ROOT = Path(__file__).parents[2]
SCENARIO = next(each for each in read_all() if each.name == "published-nft")


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        yield made


class Watcher:
    """The command, and its answers one by one."""

    def __init__(self, client: Netns, target: str) -> None:
        argv = client.enter([*DIE_WITH_US, sys.executable, "-m", "workbench.start", "why", target, "--watch", "--json"])
        self.process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def next(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=60)
        assert "Traceback" not in errors
        return self.process.returncode


def test_each_flip_is_told_once_with_its_change(world: World) -> None:
    scene = build(world, SCENARIO)
    question = next(each for each in SCENARIO.questions if each.reach == "yes" and each.protocol == "tcp")
    host = scene.netns[SCENARIO.host]
    watcher = Watcher(scene.netns[question.source], question.target)
    first = watcher.next()
    assert (first["reach"], first["changed"]) == ("yes", [])
    host.run("iptables-nft", "-I", "FORWARD", "-j", "DROP")
    broken = watcher.next()
    assert (broken["reach"], broken["causes"][0]["code"]) == ("no", "FW_RULE_DROP")
    assert any(words.startswith("rule -A FORWARD -j DROP of filter/FORWARD added") for words in broken["changed"])
    host.run("iptables-nft", "-D", "FORWARD", "-j", "DROP")
    mended = watcher.next()
    assert mended["reach"] == "yes"
    assert any("FORWARD -j DROP of filter/FORWARD deleted" in words for words in mended["changed"])
    assert watcher.end(signal.SIGINT) == 0


def test_a_target_that_goes_is_told_and_it_ends_when_it_is_told_to(world: World) -> None:
    client, server = world.netns("client"), world.netns("server")
    world.veth(End(client, "eth0", ("10.7.0.1/24",)), End(server, "eth0", ("10.7.0.2/24",)))
    watcher = Watcher(client, "10.7.0.2:9")
    assert watcher.next()["symptom"] == "refused"
    client.ip("link delete eth0")
    gone = watcher.next()
    assert gone["reach"] == "no"
    assert any(words.startswith("link eth0 deleted") for words in gone["changed"])
    assert watcher.end(signal.SIGTERM) == -signal.SIGTERM


def test_it_ends_when_its_reader_goes(world: World) -> None:
    place = world.netns("alone")
    watcher = Watcher(place, "127.0.0.1:9")
    assert watcher.next()["symptom"] == "refused"
    assert watcher.process.stdout is not None
    watcher.process.stdout.close()
    assert watcher.process.wait(timeout=60) == 1
    assert watcher.process.stderr is not None
    assert watcher.process.stderr.read() == ""
    watcher.process.stderr.close()
