"""Files that a command writes: whole or not at all, and never over one that exists unless that is asked for."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.observe.base.files import NewFile, write_whole
from workbench.exits import Refusal, refused, usage

#: Takes what gives the contents.
Finish = Callable[[Callable[[], bytes]], None]
FORCE = ", or --force to overwrite it"


def keep(path: Path | None, *, force: bool, instead: str = FORCE) -> None:
    """Raises `Refusal` where a plain file would be written over: asked before any work is done for it."""
    with _refusing(path, instead):
        if path is not None and path.is_file() and not force:
            raise FileExistsError


def read_text(path: Path, what: str, most: int) -> str:
    """A plain file of at most so many bytes, as text; `what` it should be. Raises `Refusal`: a pipe nobody writes to is
    not waited for, and a device is not read until the memory is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise usage(f"{path} is no plain file; name {what}")
            data = stream.read(most + 1)
        if len(data) > most:
            raise usage(f"{path} has more than {most >> 20} MiB; name {what}")
        return data.decode("utf-8")
    except OSError as error:
        raise usage(f"cannot read {path}: {error.strerror or error}; name {what}") from error
    except UnicodeDecodeError as error:
        raise usage(f"{path} is not text (byte {error.start}); name {what}") from error


def save(data: bytes, path: Path, *, force: bool, instead: str = FORCE) -> None:
    """Writes a file. Raises `Refusal`; `instead` is what else can be done where one exists."""
    with _refusing(path, instead):
        write_whole(path, data, overwrite=force)


@contextmanager
def opened(path: Path | None, *, force: bool) -> Iterator[Finish]:
    """A file that is open before work is done for it, as a function that writes what another one gives. For no path
    nothing is asked for. Raises `Refusal`."""
    if path is None:
        yield lambda _: None
        return
    with _refusing(path, FORCE):
        file = NewFile(path, overwrite=force)
    with file:

        def finish(make: Callable[[], bytes]) -> None:
            data = make()
            with _refusing(path, FORCE):
                file.finish(data)

        yield finish


@contextmanager
def _refusing(path: Path | None, instead: str) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise _kept(path, instead) from error
    except OSError as error:
        raise refused(f"cannot write {path}: {error.strerror or error}; name a file in a folder of yours") from error


def _kept(path: Path | None, instead: str) -> Refusal:
    return usage(f"{path} exists; choose another name{instead}")
