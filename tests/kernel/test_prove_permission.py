"""Permission taken away piece by piece, and an end in the middle: what is left helps, nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.prove.sources.nftrace_rules import PREFIX
from tests.harness.needs import require
from tests.kernel.proving import Net, routed_network

ROOT = Path(__file__).parents[2]
#: Says where it is, and waits there to be killed.
STAGES = """
import signal, sys
from engine.prove import attempt, compare, listeners, prove
from workbench import cli

def stop(*_, **__):
    print("ready", flush=True)
    signal.pause()

place, name = sys.argv[1].rsplit(".", 1)
holder = {"prove": prove, "listeners": listeners.Posts}[place]
setattr(holder, name, stop)
sys.exit(cli.main(sys.argv[2:]))
"""


@pytest.fixture
def net() -> Iterator[Net]:
    require("ip", "nsenter", "nft", "setpriv", root=True)
    with routed_network() as network:
        network.router.run("nft", "add", "chain", "ip", "t", "out", "{ type filter hook output priority 0; }")
        network.router.run("nft", "add", "rule", "ip", "t", "out", "counter")
        yield network


def why(net: Net, *before: str) -> dict[str, Any]:
    """`why --prove --trace --json` from the router itself, under a command that takes something away."""
    words = ("why", "10.8.2.2:80", "--prove", "--trace", "--json", "--timeout", "2")
    argv = [*before, sys.executable, "-m", "workbench.start", *words]
    done = subprocess.run(net.router.enter(argv), capture_output=True, text=True, check=False, cwd=ROOT)
    assert "Traceback" not in done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def without(*capabilities: str) -> tuple[str, ...]:
    words = ",".join(f"-{name}" for name in capabilities)
    return "setpriv", f"--bounding-set={words}", f"--inh-caps={words}"


def missing(answer: dict[str, Any]) -> set[str]:
    return {gap["source"] for gap in answer["kernel"]["gaps"]} - {"drop reasons"}


def sources(answer: dict[str, Any]) -> set[str]:
    return {step["source"] for step in answer["kernel"]["steps"] if step["seen"]}


def test_with_every_permission_all_evidence_is_there(net: Net) -> None:
    answer = why(net)
    assert answer["kernel"]["symptom"] == "connected"
    assert missing(answer) == set()
    assert {"capture", "rule trace", "route get", "neighbour table"} <= sources(answer)


@pytest.mark.parametrize(
    ("taken", "lost", "left"),
    [
        (("net_raw",), {"capture"}, {"rule trace", "route get"}),
        (("net_admin",), {"conntrack events"}, {"capture", "route get", "neighbour table"}),
        (("net_admin", "net_raw"), {"conntrack events", "capture"}, {"route get", "neighbour table"}),
        (("sys_admin",), {"namespace"}, {"capture", "rule trace", "route get"}),
    ],
    ids=str,
)
def test_what_is_not_permitted_is_a_gap_and_the_rest_helps(
    net: Net, taken: tuple[str, ...], lost: set[str], left: set[str]
) -> None:
    answer = why(net, *without(*taken))
    assert (answer["kernel"]["symptom"], answer["reach"]) == ("connected", "yes")
    assert lost <= missing(answer)
    assert left <= sources(answer)


@pytest.mark.parametrize("stage", ["prove.Posts", "listeners.ways", "prove._attempt", "listeners.collect"])
def test_an_end_in_the_middle_leaves_nothing(net: Net, stage: str) -> None:
    words = ("why", "10.8.2.2:80", "--prove", "--trace")
    argv = net.router.enter([sys.executable, "-c", STAGES, stage, *words])
    child = net.world.start(argv, ready="ready", cwd=ROOT)
    marked = PREFIX in net.router.run("nft", "list", "tables")
    assert marked is (stage != "prove.Posts")
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert PREFIX not in net.router.run("nft", "list", "tables")


def clean(net: Net) -> str:
    argv = [sys.executable, "-m", "workbench.start", "clean"]
    return subprocess.run(net.router.enter(argv), capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_what_kill_9_leaves_of_tracing_is_removed_by_clean(
    net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    tracing = tmp_path / "tracing"
    tracing.mkdir()
    done = subprocess.run(["mount", "-t", "tracefs", "none", str(tracing)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"tracefs cannot be mounted: {done.stderr.strip()}")
    try:
        words = ("why", "10.8.2.2:80", "--prove")
        argv = net.router.enter([sys.executable, "-c", STAGES, "prove.attempt", *words])
        child = net.world.start(argv, ready="ready", cwd=ROOT)
        ours = f"{PREFIX}*-{child.pid}-*"
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        (left,) = (tracing / "instances").glob(ours)
        assert f"removed trace instance {left.name}\n" in clean(net)
        assert not list((tracing / "instances").glob(ours))
    finally:
        subprocess.run(["umount", str(tracing)], check=True)
