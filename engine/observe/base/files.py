"""Small files read in one go, and files that are written whole or not at all.

What is written goes to a new file beside the target, which is then moved into its place (rename(2) is atomic), so a
full disk or an end in the middle leaves what was there. What exists and is no plain file (a pipe, a terminal) is
written to as it is.
"""

from __future__ import annotations

import errno
import os
import stat

from engine.read_only import may

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS = 40


def small(path: str) -> bytes:
    """A small file of /proc in one read (of argument lists the first 64 KiB). Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 65536)
    finally:
        os.close(descriptor)


class NewFile:
    """A file that is written whole or not at all, for its owner's eyes alone (mode 0600).

    It is open from the start, so that what cannot be written is known before work is done for it. Where nothing was
    finished nothing is left.
    """

    def __init__(self, path: str | os.PathLike[str], *, overwrite: bool = True) -> None:
        """Raises OSError; FileExistsError where a file exists and `overwrite` is false: it is kept."""
        may(f"write {os.fspath(path)}")
        self._target = behind_links(path)
        self._temporary = ""
        self._overwrite = overwrite
        if os.path.exists(self._target) and not os.path.isfile(self._target):
            self._descriptor = os.open(self._target, os.O_WRONLY | os.O_CLOEXEC)
            return
        if not overwrite and os.path.lexists(self._target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), self._target)
        name = os.path.join(os.path.dirname(self._target), f".portscope-{os.urandom(6).hex()}")
        self._descriptor = os.open(name, _NEW, 0o600)
        self._temporary = name

    def __enter__(self) -> NewFile:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
        if self._temporary:
            os.unlink(self._temporary)

    def finish(self, data: bytes) -> None:
        """Writes all of it, and gives it its name. Raises OSError."""
        with os.fdopen(os.dup(self._descriptor), "wb") as stream:
            stream.write(data)
        if self._temporary and self._overwrite:
            os.replace(self._temporary, self._target)
            self._temporary = ""
        elif self._temporary:
            os.link(self._temporary, self._target)


def write_whole(path: str | os.PathLike[str], data: bytes, *, overwrite: bool = True) -> None:
    """Writes the data. Raises OSError; FileExistsError where a file exists and `overwrite` is false: it is kept."""
    with NewFile(path, overwrite=overwrite) as file:
        file.finish(data)


def behind_links(path: str | os.PathLike[str]) -> str:
    """The file that a path leads to. Raises PermissionError for a link that neither the user nor root laid: in a folder
    that everybody may write to, anybody could lead root's writing to any file.

    The kernel's own rule (fs.protected_symlinks, proc(5)) is off on some hosts, and is not asked where a link is read.
    """
    name = os.fspath(path)
    for _ in range(_MOST_LINKS):
        try:
            found = os.lstat(name)
        except FileNotFoundError:
            return name
        if not stat.S_ISLNK(found.st_mode):
            return name
        if found.st_uid not in (0, os.geteuid()):
            raise PermissionError(errno.EACCES, "it is a link that another user made", name)
        name = os.path.join(os.path.dirname(name), os.readlink(name))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fspath(path))
