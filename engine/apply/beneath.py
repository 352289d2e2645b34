"""Files below one folder, opened so that no name can lead out of it.

Each part of a path is opened from the folder before it, without following links (openat(2), O_NOFOLLOW), and a part
that is empty, "." or ".." is refused: what openat2(2) calls RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS, on any kernel.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import ExitStack


def read(root: str, path: str) -> str:
    """The text of a file below `root`. Raises OSError; EINVAL for a path that could lead elsewhere."""
    with os.fdopen(_opened(root, path, os.O_RDONLY), encoding="utf-8") as file:
        return file.read()


def write(root: str, path: str, text: str) -> None:
    """Writes a file below `root` that is there already. Raises OSError; EINVAL for a path that could lead elsewhere."""
    with os.fdopen(_opened(root, path, os.O_WRONLY | os.O_TRUNC), "w", encoding="utf-8") as file:
        file.write(text)


def write_many(root: str, rows: Iterable[tuple[str, str]]) -> list[tuple[str, OSError]]:
    """Writes files below `root` that are there already, each folder opened once; gives those that were refused."""
    refused = []
    with ExitStack() as stack:
        folders: dict[tuple[str, ...], int] = {}
        for path, text in rows:
            try:
                *way, name = _parts(root, path)
                for depth in range(len(way) + 1):
                    here = tuple(way[:depth])
                    if here not in folders:
                        place, above = (way[depth - 1], folders[here[:-1]]) if depth else (root, None)
                        follow = os.O_NOFOLLOW if depth else 0
                        folders[here] = os.open(
                            place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | follow, dir_fd=above
                        )
                        stack.callback(os.close, folders[here])
                file = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folders[tuple(way)])
                try:
                    os.write(file, text.encode())
                finally:
                    os.close(file)
            except OSError as error:
                refused.append((path, error))
    return refused


def _parts(root: str, path: str) -> list[str]:
    """The parts of a path. Raises OSError where it could lead elsewhere."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise OSError(errno.EINVAL, "not a path below the folder", f"{root}/{path}")
    return parts


def _opened(root: str, path: str, flags: int) -> int:
    parts = _parts(root, path)
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(parts[-1], flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    finally:
        os.close(folder)
