"""Watching for a client that is not in the snapshot: whether its packets come, and what becomes of them."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.model.host import Snapshot
from engine.model.link import Link
from engine.model.proof import Agreement
from engine.model.trace import Symptom
from engine.prove.prove import Proven, Wishes
from engine.prove.watch import watch
from tests.harness.needs import require
from tests.harness.probe import probe
from tests.kernel.proving import Net, routed_network

CLIENT = "10.8.1.2@lan"


@pytest.fixture
def net() -> Iterator[Net]:
    require("ip", "nsenter", "nft", root=True)
    with routed_network() as network:
        yield network


def without(snapshot: Snapshot, netns: str) -> Snapshot:
    """The host as seen by one that does not see a namespace: its links lead nowhere."""

    def blind(link: Link) -> Link:
        return replace(link, peer=None) if link.peer and link.peer.netns == netns else link

    left = tuple(replace(each, links=tuple(map(blind, each.links))) for each in snapshot.namespaces if each.id != netns)
    return replace(snapshot, namespaces=left)


def watched(net: Net, port: int, seconds: float = 8.0, asks: bool = True) -> Proven:
    """Watches on the router, as one that does not see the client, while the client tries."""
    seen = net.look()
    snapshot = without(seen, net.client.name)
    verdict = net.answer(snapshot, f"10.8.2.2:{port}", CLIENT)
    client = threading.Timer(0.2, probe, (net.client.path, "10.8.2.2", port))
    if asks:
        client.start()
    try:
        return watch(snapshot, verdict, Wishes(seconds, None))
    finally:
        if asks:
            client.join()


def test_a_client_that_comes_and_is_answered_is_seen(net: Net) -> None:
    shown = watched(net, 80).proof
    assert shown.attempt is not None
    assert (shown.arrived, shown.attempt.symptom, shown.agrees) == (True, Symptom.CONNECTED, Agreement.YES)
    assert str(shown.attempt.address) == "10.8.1.2"


def test_a_refusal_and_a_drop_are_told_apart(net: Net) -> None:
    refused = watched(net, 90).proof
    assert refused.attempt is not None
    assert (refused.attempt.symptom, refused.agrees) == (Symptom.REFUSED, Agreement.YES)
    net.router.run(*["nft", "add", "rule", "ip", "t", "pass", "tcp", "dport", "80", "drop"])
    dropped = watched(net, 80).proof
    assert dropped.attempt is not None
    assert (dropped.attempt.symptom, dropped.agrees) == (Symptom.TIMEOUT, Agreement.YES)
    assert dropped.last is not None
    assert dropped.last.device == "lan"


def test_a_client_that_never_comes_is_said_to_be_missing(net: Net) -> None:
    shown = watched(net, 80, 0.3, asks=False).proof
    assert (shown.arrived, shown.attempt, shown.agrees) == (False, None, Agreement.UNSEEN)


def test_the_command_says_that_nothing_came(net: Net) -> None:
    argv = [
        sys.executable,
        "-m",
        "workbench.start",
        "why",
        "10.8.2.2:80",
        "--from",
        "192.0.2.7@lan",
        "--prove",
        "--timeout",
        "0.3",
    ]
    done = subprocess.run(
        net.router.enter(argv), capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert "waiting up to 0.3 s" in done.stderr
    assert "nothing from 192.0.2.7 to port 80 reached lan in 0.3 s" in done.stdout
