"""The examples of a page: its `console` blocks, run in their order in one folder, as a reader would run them.

    # COMMAND            is run by a shell; a comment of two spaces and # is left out
    the lines below it   are what it prints on its terminal; `…` alone on a line stands for any lines

A block of another language with title="NAME" is written to the file NAME first. A block below `<!-- not run: why -->`
is left out. Process ids and durations are not compared. With GOLDEN=write what was printed goes into the page.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(
    r"""(?P<left_out><!--[ ]not[ ]run:[ ][^\n]*[ ]-->\n)?
    ^```(?P<language>\w+)(?:[ ]title="(?P<title>[\w.-]+)")?\n
    (?P<body>.*?)^```$""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
PID, TOOK = re.compile(r"\bpid \d+"), re.compile(r"\(\d+\.\d+ s\)")
ANY = "…"
SECONDS = 60


@dataclass(frozen=True)
class Example:
    """A command, and the lines that it is said to print."""

    command: str
    shown: tuple[str, ...]

    def run(self, folder: Path, variables: Mapping[str, str], within: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The lines that it prints; `within` is the command line that enters where it is run."""
        done = subprocess.run(
            (*within, "bash", "-c", f"cd {shlex.quote(str(folder))} && {self.command} 2>&1"),
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return tuple(line.rstrip() for line in done.stdout.splitlines())

    def is_shown_by(self, lines: tuple[str, ...]) -> bool:
        """Whether the page's lines are these."""
        parts = [re.escape(steady(line)) if line != ANY else None for line in self.shown]
        pattern = "".join(r"(?:[^\n]*\n)*" if part is None else f"{part}\n" for part in parts)
        return re.fullmatch(pattern, "".join(f"{steady(line)}\n" for line in lines)) is not None


def steady(line: str) -> str:
    """A line without what differs from run to run."""
    return TOOK.sub("(N s)", PID.sub("pid N", line.rstrip()))


def examples(text: str, *, also_not_run: bool = False) -> Iterator[Example | tuple[str, str]]:
    """A page's commands, and its files as name and content, in their order."""
    for block in BLOCK.finditer(text):
        if block["title"]:
            yield block["title"], block["body"]
        elif block["language"] == "console" and (also_not_run or not block["left_out"]):
            yield from _commands(block["body"])


def _commands(body: str) -> Iterator[Example]:
    command, shown = "", []
    for line in body.splitlines():
        if line.startswith("# "):
            if command:
                yield Example(command, tuple(shown))
            command, shown = re.split(r"\s{2,}# ", line[2:])[0], []
        else:
            shown.append(line)
    if command:
        yield Example(command, tuple(shown))


def rewritten(text: str, at: int, old: Example, lines: tuple[str, ...]) -> tuple[str, int]:
    """The page with what a command that stands behind `at` really prints, and where the next one can stand. One with
    `…` is for its author to correct."""
    start = text.index(f"# {old.command}", at)
    body = text.index("\n", start) + 1
    end = body + sum(len(line) + 1 for line in old.shown)
    if ANY in old.shown:
        return text, end
    new = "".join(f"{line}\n" for line in lines)
    return text[:body] + new + text[end:], body + len(new)
