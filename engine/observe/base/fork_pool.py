"""Work on many namespaces by two processes: Python's values are made by one processor at a time in each.

1. `by_processes` forks once. This process takes the first item, which is the largest (the host) and is remembered best
   where it is asked for again; then both take items from the same pipe of numbers until there are none left, and the
   child sends back what it found. What a child that was ended did not do is done here.
2. A process forks only while it has a single thread, so no lock is held by a thread that the child does not have; a
   program with threads, as the workbench is, does all of the work itself.
3. Nouns travel as their fields: the reader calls the class with them, so a noun's own rules hold on arrival as well.

Sources: fork(2), pipe(7) (reads of one pipe do not mix), pickle of the standard library (`reducer_override`).
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Fewer items than these are done sooner than a process is forked. More than `_MOST` do not fit into the pipe.
FEWEST, _MOST = 24, 8192
_number = struct.Struct("=I")


#: Is told how many of how many items are taken.
Taking = Callable[[int, int], object]


def by_processes(
    work: Callable[[Iterator[Item]], list[Result]], items: Sequence[Item], taking: Taking = lambda *_: None
) -> list[Result]:
    """The results for the items, in their order; `work` gives one for each item that it takes, in its own order.

    Results must be values that pickle can send. Raises what `work` raises.
    """
    if not FEWEST <= len(items) <= _MOST or threading.active_count() > 1 or (os.cpu_count() or 1) < 2:
        return work(_counted(items, taking))
    from engine.observe.base import fork_values  # noqa: PLC0415 - small hosts are read by one process

    tickets, taken = _pipe_of(range(1, len(items))), _Taken(items, taking)
    answer, reply = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(answer)
        taken.taking = _untold
        _answer(reply, lambda: fork_values.packed(_work(work, taken, tickets)))
    os.close(reply)
    try:
        done = _work(work, taken, tickets, first=0)
        with open(answer, "rb", closefd=False) as stream:
            done.update(fork_values.unpacked(stream.read()))
    finally:
        os.close(tickets)
        os.close(answer)
        os.waitpid(child, 0)
    left = [place for place in range(len(items)) if place not in done]
    done.update(zip(left, work(items[place] for place in left), strict=True))
    return [done[place] for place in range(len(items))]


def _counted(items: Sequence[Item], taking: Taking) -> Iterator[Item]:
    for number, item in enumerate(items):
        taking(number, len(items))
        yield item


class _Taken:
    """The items that this process takes, and their places in that order."""

    def __init__(self, items: Sequence[Any], taking: Taking) -> None:
        self.items, self.taking = items, taking
        self.places: list[int] = []

    def all(self, tickets: int, first: int | None) -> Iterator[Any]:
        """Takes the first item, where there is one for this process, and then items until no number is left."""
        if first is not None:
            self.taking(first, len(self.items))
            self.places.append(first)
            yield self.items[first]
        while raw := os.read(tickets, _number.size):
            (place,) = _number.unpack(raw)
            self.taking(place, len(self.items))  # tickets are taken in their order, by whichever process
            self.places.append(place)
            yield self.items[place]


def _work(
    work: Callable[[Iterator[Any]], list[Any]], taken: _Taken, tickets: int, first: int | None = None
) -> dict[int, Any]:
    results = work(taken.all(tickets, first))
    return dict(zip(taken.places, results, strict=True))


def _untold(_taken: int, _whole: int) -> None:
    """Of the two processes one tells."""


def _pipe_of(numbers: Sequence[int]) -> int:
    """The end of a pipe to take the numbers from."""
    tickets, filled = os.pipe()
    os.write(filled, b"".join(map(_number.pack, numbers)))
    os.close(filled)
    return tickets


def _answer(reply: int, find: Callable[[], memoryview]) -> None:
    """The child: sends what `find` gives and ends, without anything of the parent's own ending."""
    code = 1
    try:
        with open(reply, "wb") as stream:
            stream.write(find())
        code = 0
    finally:
        os._exit(code)
