"""Seconds (wall, processor) of one part of a look in a fresh process, imports aside, and the process's memory.

    python -m bench.observe_time stack FILE…     links, addresses, routes, rules and neighbours of namespaces
    python -m bench.observe_time rules FILE…     the firewall of namespaces
    python -m bench.observe_time again NETNS     a look, and then the next one after a link of NETNS changed

FILE enters a namespace. Prints wall and processor seconds, and the largest resident size in MiB.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable

from engine.model.host import Gap
from engine.observe.collector import uncollected
from engine.observe.firewall import read_firewall
from engine.observe.look import look
from engine.observe.namespaces import Place, apart, enter
from engine.observe.next_look import again
from engine.observe.snapshot import compose
from engine.observe.stack import read_stack
from engine.observe.visit import Source


def _each(paths: list[str], read: Callable[[str], tuple[Gap, ...]]) -> None:
    """Reads something in every namespace. Raises RuntimeError where something could not be read."""
    places = [Place(os.stat(path).st_ino, ways=(path,)) for path in paths]

    def there() -> None:
        for place in places:
            enter(place)
            if gaps := read(place.ways[0]):
                raise RuntimeError(f"gaps: {gaps[:3]}")

    apart(there)


@uncollected()
def stack(paths: list[str]) -> None:
    _each(paths, lambda name: read_stack(name).gaps)


@uncollected()
def rules(paths: list[str]) -> None:
    _each(paths, lambda name: read_firewall(name)[1])


def main(what: str, words: list[str]) -> None:
    work: Callable[[], object] = lambda: {"stack": stack, "rules": rules}[what](words)  # noqa: E731
    if what == "again":
        seen = look()
        before = (seen, compose(seen))
        work = lambda: compose(again(seen, {words[0]: {Source.STACK}}), before)  # noqa: E731
    start, start_cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    print(wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
