"""Files of another root: those of a container, read as its own processes see them.

1. A path is resolved below the root by the kernel (openat2(2), RESOLVE_IN_ROOT): a link in a container that leads to
   `/etc/shadow` leads to the container's own. Links of /proc (RESOLVE_NO_MAGICLINKS) lead nowhere.
2. Nothing but plain files is read, and of one no more than `most` bytes. It is opened without waiting: a pipe in a
   file's place does not block.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from functools import cache
from typing import Any

#: Numbers and flags of the system call (asm-generic/unistd.h, linux/openat2.h): the same on all architectures.
_OPENAT2 = 437
_NO_MAGICLINKS, _IN_ROOT = 0x02, 0x10
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
#: So many bytes of a file are read.
MOST = 1024 * 1024


@cache
def _system_call() -> tuple[Any, Any]:
    """The system call's door, and the class of its argument."""
    import ctypes  # noqa: PLC0415 - it takes milliseconds to load, and only questions about names and proxies need it

    class OpenHow(ctypes.Structure):
        _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))

    return ctypes.CDLL(None, use_errno=True).syscall, OpenHow


class Root:
    """The root of a process. Use as a context manager. Raises OSError where it may not be opened."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Root:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def read(self, path: str, most: int = MOST) -> bytes:
        """A file's bytes. Raises OSError; for what is no plain file with EINVAL, for one that is larger with EFBIG."""
        descriptor = self._open(path, _READ)
        try:
            return _whole(descriptor, path, most)
        finally:
            os.close(descriptor)

    def exists(self, path: str) -> bool:
        """Whether there is something of that name."""
        with suppress(OSError):
            os.close(self._open(path, os.O_PATH | os.O_CLOEXEC))
            return True
        return False

    def listed(self, path: str) -> list[str]:
        """The names in a folder, sorted. Raises OSError."""
        descriptor = self._open(path, _READ | os.O_DIRECTORY)
        try:
            return sorted(os.listdir(descriptor))
        finally:
            os.close(descriptor)

    def identity(self, path: str) -> tuple[int, int, int, int]:
        """What tells one state of a file from another: device, inode, time of change, size. Raises OSError."""
        descriptor = self._open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            found = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size

    def _open(self, path: str, flags: int) -> int:
        import ctypes  # noqa: PLC0415 - as above

        call, how = _system_call()
        where = os.fsencode(path)
        if b"\0" in where:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
        wanted = how(flags, 0, _IN_ROOT | _NO_MAGICLINKS)
        opened: int = call(_OPENAT2, self._descriptor, where, ctypes.byref(wanted), ctypes.sizeof(wanted))
        if opened < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
        return opened


def _whole(descriptor: int, path: str, most: int) -> bytes:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a plain file", path)
    parts: list[bytes] = []
    left = most + 1
    while left > 0 and (part := os.read(descriptor, min(left, 65536))):
        parts.append(part)
        left -= len(part)
    if left <= 0:
        raise OSError(errno.EFBIG, f"it is larger than {most >> 10} KiB", path)
    return b"".join(parts)
