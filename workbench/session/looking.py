"""Watching in a process of its own, so that what looks and what draws do not wait for one another's interpreter.

1. The child runs `world.watch`, and sends what it sees over its standard output. Of a snapshot it sends the namespaces
   that are other values than before; the parent puts the others back in from the snapshot before.
2. It ends when it is told to (SIGTERM), and by itself when its parent is gone. It has a process group of its own, so
   that an interrupt at the terminal is for its parent. Where processors are scarce it gives way to who draws.
3. What it cannot do, it says as one line, which is a `Refusal` here; what it dies of is none of the parent's faults:
   the session then looks by itself.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from threading import Event
from typing import Any, BinaryIO

from engine.model.host import Netns, Snapshot
from engine.observe.base import fork_values
from engine.observe.watch.watch import Update
from engine.programs import environment, python
from engine.records import dataclass, replace
from workbench import world
from workbench.exits import Refusal, refused
from workbench.session.first_look import FirstLook

PROGRAM = "from workbench.session.looking import serve; serve()"
_length = struct.Struct("=Q")
#: Bytes that are read at once, and seconds that a read waits before it looks whether it is to end.
CHUNK, TICK = 1 << 20, 0.5
#: Seconds between two words of how far the first look is.
TELLS = 0.1
#: How much the child gives way (nice(2)).
NICE = 5
#: Seconds that a child has to end.
PATIENCE = 2.0
#: What a snapshot has beside its namespaces.
BESIDE = tuple(each.name for each in fields(Snapshot) if each.name != "namespaces")


@dataclass(frozen=True, slots=True)
class _Seen:
    """A snapshot by what is new in it: all ids in order, the namespaces that changed, and what else differs."""

    order: tuple[str, ...]
    fresh: tuple[Netns, ...]
    beside: dict[str, Any]


def watch_apart(stop: Event, lab: str = "", path: str = "") -> Iterator[Update | FirstLook]:
    """What `world.watch` gives, from a process of its own; of a `lab` its namespaces alone, from the one that `path`
    enters. Raises `Refusal`; EOFError when the process ends without being told to.
    """
    child = subprocess.Popen(
        python("-c", PROGRAM, lab, path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        env=environment(),
        process_group=0,
    )
    assert child.stdout is not None
    known: Snapshot | None = None
    try:
        for value in _received(child.stdout.fileno(), stop):
            match value:
                case str(reason):
                    raise refused(reason)
                case FirstLook() as look:
                    yield look
                case _Seen() as seen:
                    known = _whole(known, seen)
                    yield Update(known)
    finally:
        _end(child)


def _received(pipe: int, stop: Event) -> Iterator[object]:
    """The values that come, until `stop` is set. Raises EOFError at the end of the pipe."""
    data = bytearray()
    while not stop.is_set():
        while len(data) >= _length.size and len(data) >= (end := _length.size + _length.unpack_from(data)[0]):
            value = pickle.loads(memoryview(data)[_length.size : end])  # from a child of this very program
            del data[:end]
            yield value
        if select.select([pipe], [], [], TICK)[0]:
            more = os.read(pipe, CHUNK)
            if not more:
                raise EOFError("what looks has ended")
            data += more


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdout is not None:
        child.stdout.close()


def _whole(before: Snapshot | None, seen: _Seen) -> Snapshot:
    known = {**(before.by_id if before is not None else {}), **{each.id: each for each in seen.fresh}}
    namespaces = tuple(known[name] for name in seen.order)
    if before is None:
        return Snapshot(namespaces=namespaces, **seen.beside)
    return replace(before, namespaces=namespaces, **seen.beside)


def _news(before: Snapshot | None, now: Snapshot) -> _Seen:
    known = before.by_id if before is not None else {}
    fresh = tuple(each for each in now.namespaces if known.get(each.id) is not each)
    beside = {
        name: getattr(now, name) for name in BESIDE if before is None or getattr(before, name) != getattr(now, name)
    }
    return _Seen(tuple(each.id for each in now.namespaces), fresh, beside)


class _Ending(Event):
    """Set by a signal, or when the parent is gone."""

    def __init__(self) -> None:
        super().__init__()
        self._parent = os.getppid()

    def is_set(self) -> bool:
        return super().is_set() or os.getppid() != self._parent


def serve() -> None:
    """The child's program. Its words are the lab's name and the file that enters it; both may be empty."""
    lab, path = sys.argv[1:3]
    os.nice(NICE)
    stop = _Ending()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing but values goes to the parent
    try:
        _watch(stop, lab, path, out)
    except BrokenPipeError:
        os._exit(1)
    except Refusal as reason:
        _send(out, str(reason))


def _watch(stop: Event, lab: str, path: str, out: BinaryIO) -> None:
    if path:
        from engine.apply.namespaces import enter  # noqa: PLC0415 - a host is watched from where it is

        try:
            enter(path)
        except OSError as error:
            raise refused(f"cannot enter lab {lab}: {error.strerror}; was it removed?") from error
    told = 0.0

    def reading(done: int, whole: int, host: Snapshot | None) -> None:
        nonlocal told
        if host is not None or time.monotonic() - told >= TELLS:
            told = time.monotonic()
            _send(out, FirstLook(done, whole, host))

    before: Snapshot | None = None
    for update in world.watch(stop, world.of_lab(lab) if lab else None, reading, counting=True):
        _send(out, _news(before, update.snapshot))
        before = update.snapshot


def _send(out: BinaryIO, value: object) -> None:
    data = fork_values.packed(value)
    out.write(_length.pack(len(data)))
    out.write(data)
    out.flush()
