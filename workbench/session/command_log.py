"""The command log: what was carried out, as the lines that do the same in a shell, on the screen and on the disk.

One line a command, with the time and `#` before a word about it, so that the file can be read, searched and run again.
A folder that cannot be written is no reason to stop: the log is then on the screen alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from engine.read_only import may
from engine.records import dataclass
from views.harmless import clean, harmless
from workbench.settings import folder


@dataclass(frozen=True, slots=True)
class Entry:
    """A command, when it was carried out (seconds of the epoch), and for what."""

    at: float
    command: str
    why: str

    @property
    def clock(self) -> str:
        """The local time of day."""
        return time.strftime("%H:%M:%S", time.localtime(self.at))


def log_file() -> Path:
    """Where this user's log is (XDG Base Directory Specification)."""
    return folder("XDG_STATE_HOME", ".local/state") / "commands.log"


class CommandLog:
    """The commands of this session, and the file that keeps those of all."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or log_file()
        self.entries: list[Entry] = []

    def add(self, commands: Iterable[str], why: str) -> None:
        """Notes commands that have just been carried out."""
        added = [Entry(time.time(), command, why) for command in commands]
        self.entries += added
        with suppress(OSError):
            may(f"write {self.path}")
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(self.path, "a", encoding="utf-8", opener=_private) as file:
                for entry in added:
                    stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(entry.at))
                    file.write(f"{harmless(entry.command)}  # {stamp} {clean(entry.why)}\n")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
