"""Files that a command writes: whole or not at all, and never over one that exists unless that is asked for."""

from __future__ import annotations

from pathlib import Path

from engine.observe.base.files import write_whole
from workbench.exits import Refusal, refused, usage


def keep(path: Path | None, *, force: bool) -> None:
    """Raises `Refusal` where a plain file would be written over: asked before any work is done for it."""
    if path is not None and path.is_file() and not force:
        raise _kept(path)


def save(data: bytes, path: Path, *, force: bool) -> None:
    """Writes a file. Raises `Refusal`."""
    try:
        write_whole(path, data, overwrite=force)
    except FileExistsError as error:
        raise _kept(path) from error
    except OSError as error:
        raise refused(f"cannot write {path}: {error.strerror or error}; name a file in a folder of yours") from error


def _kept(path: Path) -> Refusal:
    return usage(f"{path} exists; choose another name, or --force to overwrite it")
