"""How a command ends: exit codes, and the one line that says why.

Laws:
1. Exit codes are in this file only. Scripts rely on them: a code keeps its meaning.
2. A command that cannot do what was asked raises `Refusal` with one line: whose fault it is, and what to do.
3. A user sees a line, never a traceback. A fault of portscope's own says that it is one.
4. Words for people go to stderr; stdout is for what was asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a command that answers nothing loads no nouns of answers
    from engine.model.verdict import Reach

#: Characters of a line on stderr.
LONGEST = 1000
#: Set to anything but "" or "0", a fault of portscope's own prints its whole traceback.
DEBUG_VARIABLE = "PORTSCOPE_DEBUG"


class Exit(IntEnum):
    """What the shell is told. `DONE` is for commands that answer no question."""

    DONE = 0
    REACHABLE = 0
    NOT_REACHABLE = 1
    USAGE = 2
    UNDECIDED = 3
    REFUSED = 4
    INTERRUPTED = 130  # 128 + SIGINT, as shells count


#: By the word of a `Reach`; of several answers the first that is here counts.
EXIT_OF_REACH: Mapping[str, Exit] = {"no": Exit.NOT_REACHABLE, "depends": Exit.UNDECIDED, "yes": Exit.REACHABLE}


def worst(reaches: Iterable[Reach]) -> Exit:
    """The code of several answers: not reachable if one is not, else could not tell if one could not."""
    found = set(reaches)
    return next((code for reach, code in EXIT_OF_REACH.items() if reach in found), Exit.UNDECIDED)


class Refusal(Exception):
    """What was asked cannot be done. `str()` is one line for the user, without the program's name."""

    def __init__(self, exit_code: Exit, line: str) -> None:
        super().__init__(" ".join(line.split()))
        self.exit_code = exit_code


def usage(line: str) -> Refusal:
    """The user asked for something that is not there or cannot be meant."""
    return Refusal(Exit.USAGE, line)


def refused(line: str) -> Refusal:
    """The kernel, the container engine or the file system said no."""
    return Refusal(Exit.REFUSED, line)


def complain(line: str) -> None:
    """Prints one line on stderr, under the program's name. Names in it are a stranger's: they cannot steer a terminal,
    and of a very long one the middle is left out."""
    from views.harmless import clean  # noqa: PLC0415 - most commands have nothing to complain of

    if sys.stderr is None:  # the shell closed it, and `print` would take stdout
        return
    text = clean(line)
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"
    with suppress(OSError):  # nobody reads stderr any more
        print(f"portscope: {text}", file=sys.stderr)


def fault_words(error: Exception) -> str:
    """A fault of portscope's own in one line, for a screen that stays."""
    return f"an error in portscope, not yours: {' '.join(f'{type(error).__name__}: {error}'.split())}"


def own_fault(error: Exception) -> Exit:
    """Tells of a fault of portscope's own, with the traceback where the user asked for it."""
    what = " ".join(f"{type(error).__name__}: {error}".split())
    if os.environ.get(DEBUG_VARIABLE, "0") not in ("", "0"):
        import traceback  # noqa: PLC0415 - nobody waits for it where nothing goes wrong

        if sys.stderr is not None:
            traceback.print_exception(error)
        complain(f"this is an error in portscope, not yours ({what}); please report it with the traceback above")
    else:
        complain(f"this is an error in portscope, not yours ({what}); {DEBUG_VARIABLE}=1 shows what to report")
    return Exit.REFUSED
