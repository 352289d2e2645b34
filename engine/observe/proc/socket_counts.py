"""How many sockets a namespace has, at the price of a read: who watches asks for listeners where that is different.

The kernel tells of no socket that comes or goes. A listener counts from the moment on which it can be reached, as does
a connection. One that goes while another comes between two looks is not seen here, and is left to a slower look.

Source: net/ipv4/proc.c (sockstat_seq_show), net/ipv6/proc.c; a file of /proc/net stays with the namespace that it was
opened in (proc_pid_net(5)).
"""

from __future__ import annotations

import os
import re
from contextlib import suppress

_FILES = ("/proc/thread-self/net/sockstat", "/proc/thread-self/net/sockstat6")
_IN_USE = re.compile(rb"^(?:TCP|UDP)6?: inuse \d+", re.MULTILINE)


class SocketCounts:
    """The counts of the calling thread's namespace, from whichever thread they are asked for later. To be closed."""

    def __init__(self) -> None:
        self._files: list[int] = []
        for path in _FILES:
            with suppress(OSError):  # a kernel without IPv6
                self._files.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        self._last = self._counts()

    def changed(self) -> bool:
        """Whether there are more or fewer than at the last call."""
        before, self._last = self._last, self._counts()
        return self._last != before

    def close(self) -> None:
        """Ends it."""
        for each in self._files:
            os.close(each)
        self._files.clear()

    def _counts(self) -> list[bytes]:
        return [found for each in self._files for found in _IN_USE.findall(os.pread(each, 4096, 0))]
