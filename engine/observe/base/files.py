"""Small files read in one go, and files that are written whole or not at all.

What is written goes to a new file beside the target, which is then moved into its place (rename(2) is atomic), so a
full disk or an end in the middle leaves what was there. What exists and is no plain file (a pipe, a terminal) is
written to as it is.
"""

from __future__ import annotations

import os


def small(path: str) -> bytes:
    """A small file of /proc in one read (of argument lists the first 64 KiB). Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 65536)
    finally:
        os.close(descriptor)


def write_whole(path: str | os.PathLike[str], data: bytes, *, overwrite: bool = True) -> None:
    """Writes the data. Raises OSError; FileExistsError where a file exists and `overwrite` is false: it is kept."""
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        with open(target, "wb") as stream:
            stream.write(data)
        return
    temporary = os.path.join(os.path.dirname(target), f".portscope-{os.urandom(6).hex()}")
    with open(temporary, "xb") as stream:
        try:
            stream.write(data)
            stream.flush()
            if overwrite:
                os.replace(temporary, target)
            else:
                os.link(temporary, target)
                os.unlink(temporary)
        except BaseException:
            os.unlink(temporary)
            raise
