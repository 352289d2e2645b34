"""Lends the terminal to a program that the user asked for: a shell, a capture."""

from __future__ import annotations

import os
import subprocess

from engine.model.where import Argv
from engine.programs import find, search_path


def missing(argv: Argv) -> str:
    """The first program of a command that is not installed: nsenter, or what it runs; "" where all are."""
    programs = (argv[0], argv[2]) if argv[0] == "nsenter" else argv[:1]
    return next((name for name in programs if _program(name) is None), "")


def lend(argv: Argv, title: str) -> int:
    """Runs a command on this terminal, and gives its exit code. It has the user's own environment, but for a PATH of
    absolute folders."""
    program = _program(argv[0])
    assert program is not None
    print(f"portscope: {title}; leave it to come back.", flush=True)
    environment = {**os.environ, "PATH": search_path()}
    return subprocess.run([program, *argv[1:]], env=environment, check=False).returncode


def _program(name: str) -> str | None:
    return name if os.path.isabs(name) else find(name)
