"""Seconds (wall, processor) of one part of a look in a fresh process, imports aside, and the process's memory.

    python -m bench.observe_time stack FILE…     links, addresses, routes, rules and neighbours of namespaces
    python -m bench.observe_time rules FILE…     the firewall of namespaces: each rule as it is kept
    python -m bench.observe_time meanings FILE…  the same, and what each rule means
    python -m bench.observe_time asked FILE IP   a look at a namespace, and a packet from it to port 80 of an address
    python -m bench.observe_time written FILE    a look at a namespace, and all of it as JSON
    python -m bench.observe_time again NETNS     a look, and then the next one after a link of NETNS changed

FILE enters a namespace. Prints wall and processor seconds, and the largest resident size in MiB.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from typing import TypeVar

from engine.model.firewall import Firewall
from engine.model.host import Gap, Snapshot
from engine.model.verdict import Question
from engine.model.verdict import Source as From
from engine.observe.base.garbage import uncollected
from engine.observe.base.namespaces import NetnsRef, apart, enter
from engine.observe.firewall import read_firewall
from engine.observe.look.incremental import again
from engine.observe.look.look import look
from engine.observe.look.netns_reader import NetnsSource
from engine.observe.look.snapshot import compose, take
from engine.observe.netlink.stack import NetworkStack, read_stack
from engine.observe.recording.snapshot_file import dumps
from engine.path.exchange.conversation import conversations
from engine.path.world import World

_T = TypeVar("_T")


def _each(paths: list[str], read: Callable[[str], tuple[_T, tuple[Gap, ...]]]) -> list[_T]:
    """Reads something in every namespace. Raises RuntimeError where something could not be read."""
    places = [NetnsRef(os.stat(path).st_ino, ways=(path,)) for path in paths]

    def there() -> list[_T]:
        found = []
        for place in places:
            enter(place)
            value, gaps = read(place.ways[0])
            if gaps:
                raise RuntimeError(f"gaps: {gaps[:3]}")
            found.append(value)
        return found

    return apart(there)


@uncollected()
def stack(paths: list[str]) -> list[NetworkStack]:
    def read(name: str) -> tuple[NetworkStack, tuple[Gap, ...]]:
        found = read_stack(name)
        return found, found.gaps

    return _each(paths, read)


@uncollected()
def rules(paths: list[str]) -> list[Firewall]:
    return _each(paths, read_firewall)


@uncollected()
def meanings(paths: list[str]) -> list[Firewall]:
    found = rules(paths)
    for each in found:
        each.understand()
    return found


def _alone(path: str) -> Snapshot:
    """A look at one namespace."""

    def read(_name: str) -> tuple[Snapshot, tuple[Gap, ...]]:
        found = take(lambda _: False)
        return found, tuple(gap for gap in found.gaps if gap.netns == found.host)

    return _each([path], read)[0]


def asked(words: list[str]) -> object:
    snapshot = _alone(words[0])
    return conversations(World(snapshot), Question(From(snapshot.host), ip_address(words[1]), 80))


def written(paths: list[str]) -> str:
    return dumps(_alone(paths[0]))


PARTS: dict[str, Callable[[list[str]], object]] = {
    "stack": stack, "rules": rules, "meanings": meanings, "asked": asked, "written": written
}  # fmt: skip


def main(what: str, words: list[str]) -> None:
    work: Callable[[], object] = partial(PARTS[what], words) if what in PARTS else lambda: None
    if what == "again":
        seen = look()
        before = (seen, compose(seen))
        work = lambda: compose(again(seen, {words[0]: {NetnsSource.STACK}}), before)  # noqa: E731
    start, start_cpu = time.perf_counter(), time.process_time()
    _kept = work()  # what was read is kept: taking it apart is not measured
    wall, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    print(wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
