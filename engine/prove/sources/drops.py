"""The kernel's own reason for throwing a packet away, from the trace event skb:kfree_skb.

A trace instance of our own hears the event of one thread only, the one that makes the attempt: over veth pairs and
bridges the kernel handles a packet to its end within the sender's own call, so that what it drops there is ours.
Nothing of the system's other tracing is touched. An instance is a directory; its name has the process in it, so that
one which a killed process left can be told and is removed by the next proof (`sweep`).

Sources: Linux Documentation/trace/events.rst, ftrace.rst (instances), include/net/dropreason-core.h.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from engine.model.proof import Drop
from engine.prove.errors import ProveError
from engine.read_only import may

PREFIX = "portscope-"
EVENT = "events/skb/kfree_skb"
#: Reasons that are none: the packet was used, the caller gave no reason, or the client closed its socket.
_NONE = frozenset({"NOT_SPECIFIED", "CONSUMED", "NOT_DROPPED_YET", "QUEUE_PURGE"})
_LINE = re.compile(r"kfree_skb: .*\blocation=(?P<function>[^\s+]+)\S* reason: (?P<reason>\w+)")
_PARTS = 4


def tracing_directory() -> Path | None:
    """Where tracefs is mounted, None where it is not. Raises OSError where /proc does not tell."""
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split()
        if len(words) > 2 and words[2] == "tracefs":
            return Path(words[1].replace("\\040", " "))
    return None


class DropTracing:
    """Hears why packets of one thread are dropped. Raises OSError, or ProveError where tracefs is not mounted."""

    def __init__(self, thread: int) -> None:
        top = tracing_directory()
        if top is None:
            raise ProveError(
                "tracefs is not mounted: `mount -t tracefs none /sys/kernel/tracing` makes it report drops"
            )
        pid = os.getpid()
        self._instance = top / "instances" / f"{PREFIX}{_pids()}-{pid}-{_started(pid)}-{secrets.token_hex(2)}"
        self._instance.mkdir()
        try:
            self._write(f"{EVENT}/filter", f"common_pid == {thread}")
            self._write(f"{EVENT}/enable", "1")
        except OSError:
            self.close()
            raise

    def _write(self, name: str, text: str) -> None:
        (self._instance / name).write_text(text, encoding="ascii")

    def read(self) -> tuple[Drop, ...]:
        """What was dropped so far. Raises OSError."""
        return parse_drops((self._instance / "trace").read_text(encoding="utf-8", errors="replace"))

    def close(self) -> None:
        """Ends tracing and removes the instance; one that is busy is left to the next `sweep`."""
        with suppress(OSError):
            self._write(f"{EVENT}/enable", "0")
        with suppress(OSError):
            self._instance.rmdir()


def parse_drops(text: str) -> tuple[Drop, ...]:
    """The drops with a reason in a trace's text, in order, each once."""
    found = [Drop(line["reason"], line["function"]) for line in _LINE.finditer(text) if line["reason"] not in _NONE]
    return tuple(dict.fromkeys(found))


def sweep() -> tuple[str, ...]:
    """Removes the instances of processes that are gone; the names of those that were removed. Raises nothing."""
    may("remove trace instances")
    removed = []
    with suppress(OSError):
        top = tracing_directory()
        for instance in (top / "instances").glob(f"{PREFIX}*") if top else ():
            parts = instance.name.removeprefix(PREFIX).split("-")
            if len(parts) == _PARTS and parts[0] == _pids() and _started(int(parts[1])) != parts[2]:
                with suppress(OSError):
                    (instance / EVENT / "enable").write_text("0", encoding="ascii")
                    instance.rmdir()
                    removed.append(instance.name)
    return tuple(removed)


def _pids() -> str:
    """The process number space (pid_namespaces(7)) that this process's number counts in."""
    return str(os.stat("/proc/self/ns/pid").st_ino)


def _started(pid: int) -> str:
    """When a process was started (proc_pid_stat(5), field 22), "" for one that is gone: a pid comes again."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]
