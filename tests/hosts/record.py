"""Makes the recorded hosts of this folder anew: `python -m tests.hosts.record` as root, with a Docker Engine.

A recording is what `take` sees from the host's namespace of a throw-away engine, cut down to that host, what its
links lead to and its containers, with steady names in place of the throw-away ones.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from engine.model.host import Netns, Snapshot
from engine.observe.base.namespaces import NetnsRef, apart, enter
from engine.observe.look.snapshot import take
from engine.observe.recording.snapshot_file import dumps, loads, save
from tests.engines.docker import DockerHost, docker_host

FOLDER = Path(__file__).parent


def main() -> None:
    """Records every host of this folder."""
    with docker_host() as engine:
        engine.container("web", "-p", "8080:80")
        save(recorded(engine), FOLDER / "docker26-one-container.json")


def recorded(engine: DockerHost) -> Snapshot:
    """The engine's host alone, under the names `dh` and `lan`."""
    names = {engine.host.name: "dh", engine.lan.name: "lan", str(engine.folder): "/run/dh"}
    return renamed(pruned(apart(lambda: take_in(engine.host.path))), names)


def take_in(path: str) -> Snapshot:
    """A look from another namespace. Only in a thread of its own."""
    enter(NetnsRef(os.stat(path).st_ino, ways=(path,)))
    return take()


def pruned(snapshot: Snapshot) -> Snapshot:
    """Only the host, what its links lead to, the containers of its engine, and no gap of the machine around it."""
    kept = {snapshot.host, *(each.netns for each in snapshot.containers if each.netns)}
    todo = [netns for netns in snapshot.namespaces if netns.id in kept]
    for netns in todo:
        beyond = peers(netns) - kept
        todo += [other for other in snapshot.namespaces if other.id in beyond]
        kept |= beyond
    return replace(
        snapshot,
        namespaces=tuple(replace(each, pids=each.pids[:1]) for each in snapshot.namespaces if each.id in kept),
        gaps=tuple(gap for gap in snapshot.gaps if gap.netns in kept),
        hostname="dh",
        kernel=snapshot.kernel.partition("-")[0],
        taken_at="",
    )


def peers(netns: Netns) -> set[str]:
    """The namespaces that a namespace's links lead to."""
    return {link.peer.netns for link in netns.links if link.peer and link.peer.netns}


def renamed(snapshot: Snapshot, names: Mapping[str, str]) -> Snapshot:
    """The same snapshot with other names, wherever they stand."""
    text = dumps(snapshot)
    for old, new in names.items():
        text = text.replace(old, new)
    return loads(text)


if __name__ == "__main__":
    main()
