"""An ordinary user for a test: user and group of a number of their own, and a Python that they may run."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.processes import Process, running

ROOT = Path(__file__).parents[2]
NO_BYTECODE = shutil.ignore_patterns("__pycache__")


@dataclass(frozen=True)
class User:
    """A user by number. `become` runs what follows as this user, `python` is the command line of its Python."""

    number: int
    become: tuple[str, ...]
    python: tuple[str, ...]

    def processes(self) -> list[Process]:
        """What runs as this user now, the dead left out."""
        found = []
        for process in running():
            try:
                rows = Path(f"/proc/{process.pid}/status").read_text()
            except OSError:
                continue
            if f"\nUid:\t{self.number}\t" in rows and "\nState:\tZ" not in rows:
                found.append(process)
        return found


@contextmanager
def ordinary_user(*packages: str, number: int = 65534) -> Iterator[User]:
    """A user whose Python finds this engine and the named packages. Skips where there is no Python for it."""
    folder = Path(tempfile.mkdtemp())
    become = ("setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups")
    try:
        for package in ("engine", "views", "workbench"):
            shutil.copytree(ROOT / package, folder / package, ignore=NO_BYTECODE)
        for name in packages:
            place = Path(str(importlib.import_module(name).__file__)).parent
            inside = folder.joinpath(*name.split("."))
            shutil.copytree(place, inside, ignore=NO_BYTECODE)
        for path in (folder, *folder.parents):
            if path != Path("/") and path.owner() == "root" and path.is_relative_to(tempfile.gettempdir()):
                path.chmod(0o755)
        compiled = folder / "compiled"
        compiled.mkdir()
        os.chown(compiled, number, number)
        for python in (sys.executable, "/usr/bin/python3"):
            variables = ("HOME=/nonexistent", f"PYTHONPATH={folder}", f"PYTHONPYCACHEPREFIX={compiled}")
            argv = (*become, "env", "-C", "/", *variables, python)
            check = [*argv, "-c", f"import sys, {', '.join(packages)}; assert sys.version_info >= (3, 11)"]
            if subprocess.run(check, capture_output=True, check=False).returncode == 0:
                yield User(number, become, argv)
                break
        else:
            pytest.skip(f"user {number} can run no Python of 3.11 or later")
    finally:
        shutil.rmtree(folder)
