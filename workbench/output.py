"""What a command prints on stdout, and what kind of place that is.

A reader that goes away (`| head`) is no error: the rest is thrown away and the command ends as it would have. Colour
and width follow the terminal; without one there is no colour, and lines are as wide as COLUMNS says or 100.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from workbench.exits import refused

#: Columns of a text that goes to a file or a pipe.
PLAIN_WIDTH = 100
MINIMUM_WIDTH = 40
#: Set for a program whose screen is a page: which driver draws it (textual-serve).
SERVED_VARIABLE = "TEXTUAL_DRIVER"
#: Cells of a bar that shows how far something is.
BAR = 30
#: When colours are shown.
COLOURS = ("auto", "always", "never")
_colours = "auto"


def width() -> int:
    """Columns to write for."""
    return max(shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns, MINIMUM_WIDTH)


def paint(when: str) -> None:
    """Whether colours are shown from here on: "always", "never", or "auto", as stdout shows them."""
    global _colours  # noqa: PLW0603 - an option of the whole command line
    _colours = when


def colour() -> bool:
    """Whether stdout shows colours: as `paint` says, else a terminal without NO_COLOR (no-color.org) or TERM=dumb."""
    if _colours != "auto":
        return _colours == "always"
    return (
        sys.stdout is not None
        and sys.stdout.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


def served() -> bool:
    """Whether the screen is a page in a browser."""
    return bool(os.environ.get(SERVED_VARIABLE))


def has_terminal() -> bool:
    """Whether a full-screen program can run: it reads stdin and draws on stdout and stderr of a terminal that can move
    its cursor, or in a browser's page."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return served() or (os.environ.get("TERM") != "dumb" and all(one is not None and one.isatty() for one in streams))


def progress(done: int, whole: int, what: str = "questions") -> None:
    """Draws on stderr how far it is, where that is a terminal; at the end the line is empty again."""
    if sys.stderr is None or not sys.stderr.isatty():
        return
    bar = "█" * (BAR * done // whole)
    end = "\r\x1b[K" if done == whole else ""
    print(f"\r[{bar:·<{BAR}}] {done}/{whole} {what}{end}", end="", file=sys.stderr, flush=True)


@contextmanager
def meanwhile(doing: str) -> Iterator[Callable[[], None]]:
    """Says on stderr, where that is a terminal, what is being done until the block ends; what is given takes the line
    away before, for something else to be printed."""
    shown = sys.stderr is not None and sys.stderr.isatty()

    def clear() -> None:
        nonlocal shown
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        shown = False

    if shown:
        print(f"\r{doing[: width() - 1]}", end="", file=sys.stderr, flush=True)
    try:
        yield clear
    finally:
        clear()


def emit(text: str) -> None:
    """Prints a text for people on stdout: what could steer a terminal is shown, whoever wrote it. Raises `Refusal` when
    it cannot be written (a full disk, a stream that the shell closed)."""
    from views.harmless import harmless  # noqa: PLC0415 - a screen has a filter of its own

    emit_whole(harmless(text))


def emit_whole(text: str) -> None:
    """The same, for a text that is harmless already: JSON, or one that was painted with colours."""
    if sys.stdout is None:
        raise refused("cannot write to stdout: it is closed; open it, or name a file where the command takes one")
    if (sys.stdout.encoding or "").lower().replace("-", "") != "utf8" and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()
    except OSError as error:
        discard_stdout()
        raise refused(f"cannot write to stdout: {error.strerror or error}") from error


def emit_json(document: Mapping[str, object]) -> None:
    """Prints one JSON document."""
    import json  # noqa: PLC0415 - most commands print words

    emit_whole(json.dumps(document, indent=2) + "\n")


def discard_stdout() -> None:
    """Sends what is still buffered nowhere, so that the interpreter's last flush does not fail."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
