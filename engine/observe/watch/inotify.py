"""Folders whose entries come and go, and files that are let go or written, told by the kernel (inotify).

A folder that does not exist yet is waited for in the nearest one above it that does. Python's library has no inotify,
so the two calls are made by ctypes; where the kernel has none, or no more watches to give, nothing is told.

Source: inotify(7).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from contextlib import suppress

_IN_CREATE, _IN_DELETE, _IN_MOVE, _IN_DELETE_SELF, _IN_ONLYDIR = 0x100, 0x200, 0xC0, 0x400, 0x01000000
_IN_CLOSE, _IN_CLOSE_WRITE, _IN_MODIFY = 0x18, 0x8, 0x2
_MASK = _IN_CREATE | _IN_DELETE | _IN_MOVE | _IN_DELETE_SELF | _IN_ONLYDIR


class Released:
    """Tells when somebody closed a file, or made it. `descriptor` is readable when that may be."""

    def __init__(self, path: str) -> None:
        self._path = os.fsencode(path)
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor: int = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._folder = -1
        self._there = self._watched()

    def told(self) -> bool:
        """Whether it was closed or made since the last call. Never waits."""
        some = _drained(self.descriptor)
        before, self._there = self._there, self._watched()
        return some and (before or self._there)

    def close(self) -> None:
        """Ends it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)

    def _watched(self) -> bool:
        """Watches the file, or its folder until there is one."""
        there: bool = self._libc.inotify_add_watch(self.descriptor, self._path, _IN_CLOSE) >= 0
        if there and self._folder >= 0:
            self._libc.inotify_rm_watch(self.descriptor, self._folder)
            self._folder = -1
            _drained(self.descriptor)  # that it is not watched any more is told, too
        if not there:
            folder = os.path.dirname(self._path)
            self._folder = self._libc.inotify_add_watch(self.descriptor, folder, _IN_CREATE | _IN_ONLYDIR)
        return there


class Written:
    """Tells when somebody wrote to a file, and when he let it go: a database is locked from the one to about the other.

    `descriptor` is readable when that may be; -1 where there is no file.
    """

    def __init__(self, path: str) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if libc.inotify_add_watch(self.descriptor, os.fsencode(path), _IN_MODIFY | _IN_CLOSE_WRITE) < 0:
            self.close()

    def told(self) -> bool:
        """Whether somebody wrote or let it go since the last call. Never waits."""
        return _drained(self.descriptor)

    def close(self) -> None:
        """Ends it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


class Folders:
    """Tells of entries that come and go. `descriptor` is readable when something did; -1 where nothing is told."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor: int = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._entries = self._look()

    def changed(self) -> bool:
        """Whether the entries are others than at the last call. Never waits."""
        _drained(self.descriptor)
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


def _drained(descriptor: int) -> bool:
    """Throws away what is there, and says whether there was anything."""
    some = False
    with suppress(OSError):
        while os.read(descriptor, 65536):
            some = True
    return some


def _entries(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
