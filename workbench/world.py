"""Where a command's snapshot comes from, or goes to: this host, or a file. Both give the same noun."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from engine.model.host import Snapshot
from workbench.exits import refused, usage

if TYPE_CHECKING:
    from engine.observe.look.look import Wanted
    from engine.observe.watch.executions import Executions
    from engine.observe.watch.watch import Reading, Update


def look(wanted: Wanted | None = None) -> Snapshot:
    """This host as it is now: the calling thread's network namespace, and of the others those that are `wanted`
    (without a word all). Raises `Refusal` when it shows nothing."""
    from engine.observe.base.errors import ObserveError  # noqa: PLC0415 - a file is answered without what reads the kernel
    from engine.observe.look.snapshot import take  # noqa: PLC0415

    try:
        return take(wanted)
    except ObserveError as error:
        raise refused(str(error)) from error


def of_lab(name: str) -> Wanted:
    """Which of a machine's namespaces are read for a lab; another one's whose name begins alike may be among them."""
    return lambda netns: netns.startswith(f"{name}-")


def watch(
    stop: Event,
    wanted: Wanted | None = None,
    reading: Reading = lambda *_: None,
    *,
    counting: bool = False,
    makers: Executions | None = None,
) -> Iterator[Update]:
    """This host now, then whenever it is another one, until `stop` is set; `reading` is told of the first look while it
    goes on. `counting`: an update without changes comes where rules counted packets.
    `makers` names who made the changes, where that is wanted.

    Raises `Refusal` as `look` does.
    """
    from engine.observe.base.errors import ObserveError  # noqa: PLC0415 - a file is answered without what reads the kernel
    from engine.observe.watch.watch import watch  # noqa: PLC0415

    try:
        yield from watch(stop, wanted, reading, counting=counting, makers=makers)
    except ObserveError as error:
        raise refused(str(error)) from error


def traffic() -> dict[str, int]:
    """The packets that this host's devices have carried, by their names."""
    from engine.observe.proc.link_counters import packets  # noqa: PLC0415 - a file has no traffic

    return packets()


def load(path: Path) -> Snapshot:
    """A saved snapshot. Raises `Refusal` when the file cannot be read or is not one."""
    from engine.observe.recording.snapshot_file import RecordingError, open_file  # noqa: PLC0415 - most questions need no file

    try:
        return open_file(path)
    except RecordingError as error:
        raise usage(f"{error}; name a file of 'portscope snapshot' or 'portscope collect'") from error


def save(snapshot: Snapshot, path: Path, *, force: bool) -> None:
    """Writes a snapshot, whole or not at all, over a file where `force` allows it. Raises `Refusal`."""
    from engine.observe.recording.snapshot_file import RecordingError, save  # noqa: PLC0415 - most questions need no file

    try:
        save(snapshot, path, overwrite=force)
    except RecordingError as error:
        raise refused(f"{error}; name a file in a folder that can be written") from error
