"""Random days of a Docker-like host, as states one after the other: changes come, and often go again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.change.differences import changes
from engine.model.host import Snapshot
from engine.observe.recording.snapshot_file import dumps, loads
from engine.recorder.keeping import Keep, Keeper
from engine.records import replace
from tests.hosts.build import World
from tests.hosts.stock import docker_world

BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)
KEEP = Keep(timedelta(days=14), 500 << 20)
DROP = "-p tcp -m tcp --dport 80 -j DROP"
Edit = Callable[[World], object]

#: What may be so, or not, at a moment; rules are an option of the world.
EDITS: tuple[Edit, ...] = (
    lambda world: world["host"].sysctl("net.ipv4.ip_forward", 0),
    lambda world: world["host"].sysctl("net.ipv4.conf.all.log_martians", 1),
    lambda world: world["host"].route("10.99.0.0/16 via 10.77.0.2 dev up0"),
    lambda world: world["host"].route("blackhole 172.17.0.2/32"),
    lambda world: world["host"].change("vethweb", up=False),
    lambda world: world["web"].listen(9999),
    lambda world: world["web"].change("eth0", mtu=1400),
    lambda world: world["db"].listen(9998),
    lambda world: world["db"].address("eth0", "172.17.0.77/16"),
    lambda world: world["lan"].neighbour("eth0", "10.77.0.1", None, "failed"),
)
RULES = (DROP, "-s 10.0.0.0/8 -j RETURN", "-d 172.17.0.3/32 -j DROP")


def state(number: int) -> Snapshot:
    """The host in which what the bits of a number say is so."""
    user = [rule for bit, rule in enumerate(RULES) if number >> (len(EDITS) + bit) & 1]
    world = docker_world(user=user)
    for bit, edit in enumerate(EDITS):
        if number >> bit & 1:
            edit(world)
    return world.snapshot()


def day(seed: int, count: int) -> Iterator[Snapshot]:
    """So many states, a minute apart; what is alike in two of them is read from a file anew each time."""
    dice = random.Random(seed)
    number = 0
    for minute in range(count):
        yield timed(loads(dumps(state(number))), minute)
        number ^= 1 << dice.randrange(len(EDITS) + len(RULES))


def timed(snapshot: Snapshot, minute: float) -> Snapshot:
    """The snapshot as one that was taken in that minute."""
    at = BEGIN + timedelta(minutes=minute)
    return replace(snapshot, taken_at=at.isoformat(timespec="milliseconds"), hostname="shop")


def recorded(folder: Path, states: list[Snapshot]) -> None:
    """A store of these states."""
    with Keeper(folder, KEEP) as keeper:
        for before, after in zip([states[0], *states], states, strict=False):
            keeper.add(after, changes(before, after))
