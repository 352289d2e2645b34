"""Runs the listing tools, several at once, in the network namespace of the calling thread.

A child inherits the namespace of the thread that starts it. All children of one call run side by side; none gets a
terminal, input, a translated language, or the machine's zone (nft writes times in it). Nothing here changes the host:
only listing commands are passed in.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from engine.observe.base.namespaces import waiting
from engine.programs import environment
from engine.records import dataclass

#: Seconds after which a tool that hangs is ended.
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Output:
    """What a tool printed. `trouble` is empty, or one line that says why there is nothing (then `text` is empty)."""

    text: str = ""
    trouble: str = ""


def run(commands: Sequence[Sequence[str]]) -> list[Output]:
    """The outputs of the commands, in their order."""
    started = [_start(command) for command in commands]
    return [_finish(command, child) for command, child in zip(commands, started, strict=True)]


def _start(command: Sequence[str]) -> subprocess.Popen[bytes] | OSError:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(TZ="UTC"),
        )
    except OSError as error:
        return error


def _finish(command: Sequence[str], child: subprocess.Popen[bytes] | OSError) -> Output:
    name = os.path.basename(command[0])
    if isinstance(child, OSError):
        return Output(trouble=f"{name} could not be started: {child.strerror or child}")
    try:
        with waiting():
            out, err = child.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return Output(trouble=f"{name} did not answer within {_PATIENCE:.0f} s")
    if child.returncode != 0:
        return Output(trouble=f"{name} failed: {_line(err) or f'exit code {child.returncode}'}")
    return Output(out.decode("utf-8", "replace"))


def _line(err: bytes) -> str:
    """The last line of the tool's complaint."""
    lines = err.decode("utf-8", "replace").strip().splitlines()
    return " ".join(lines[-1].split()) if lines else ""
