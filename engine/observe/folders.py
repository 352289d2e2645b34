"""Folders whose entries come and go, told by the kernel (inotify) instead of asked for now and then.

A folder that does not exist yet is waited for in the nearest one above it that does. Python's library has no inotify,
so the two calls are made by ctypes; where the kernel has none, or no more watches to give, nothing is told.

Source: inotify(7).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence

_IN_CREATE, _IN_DELETE, _IN_MOVE, _IN_DELETE_SELF, _IN_ONLYDIR = 0x100, 0x200, 0xC0, 0x400, 0x01000000
_MASK = _IN_CREATE | _IN_DELETE | _IN_MOVE | _IN_DELETE_SELF | _IN_ONLYDIR


class Folders:
    """Tells of entries that come and go. `descriptor` is readable when something did; -1 where nothing is told."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor: int = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._entries = self._look()

    def changed(self) -> bool:
        """Whether the entries are others than at the last call. Never waits."""
        try:
            while os.read(self.descriptor, 65536):
                pass
        except OSError:
            pass
        before, self._entries = self._entries, self._look()
        return self._entries != before

    def close(self) -> None:
        """Ends it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)

    def _look(self) -> list[list[str]]:
        """Watches each folder, or what is nearest to it, and lists the folder: in this order nothing is missed."""
        for path in self._paths:
            near = path
            while self._libc.inotify_add_watch(self.descriptor, os.fsencode(near), _MASK) < 0 and near != "/":
                near = os.path.dirname(near)
        return [_entries(path) for path in self._paths]


def _entries(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
