"""A long text in a pager, as git and man show it: only on a terminal, and only where it is higher than that.

PORTSCOPE_PAGER, else PAGER, else less; `cat` or an empty value is none. A pager runs in less' secure mode, as portscope
often has root's rights and a shell is one key away from an ordinary less (less(1), SECURITY).
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess

from engine.programs import environment, find
from workbench import output
from workbench.exits import complain

#: Options of less, unless LESS has others: colours as they are, no screen of its own, leave where all fits.
LESS = "FRX"


def emit(text: str) -> None:
    """Prints a harmless text, in a pager where it is long. Raises `Refusal` when it cannot be written."""
    argv = _pager() if _is_long(text) else []
    if not argv:
        output.emit_whole(text)
        return
    variables = environment(LESSSECURE="1", LESS=os.environ.get("LESS", LESS), LESSCHARSET="utf-8")
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the pager's: it has the terminal
    try:
        subprocess.run(argv, input=text, text=True, encoding="utf-8", errors="replace", env=variables, check=False)
    except OSError:
        output.emit_whole(text)
    finally:
        signal.signal(signal.SIGINT, interrupt)


def _is_long(text: str) -> bool:
    """Whether stdout and stdin are a terminal, and the text is higher than that."""
    on_terminal = output.has_terminal() and not output.served()
    return on_terminal and text.count("\n") >= shutil.get_terminal_size().lines


def _pager() -> list[str]:
    """The argv of the pager; empty where it is switched off or not installed."""
    wanted = next((os.environ[name] for name in ("PORTSCOPE_PAGER", "PAGER") if name in os.environ), "less")
    try:
        program, *options = shlex.split(wanted) or ("",)
    except ValueError:
        complain(f"PAGER is no command: {wanted!r:.80}")
        return []
    found = find(program) if program not in ("", "cat") else None
    return [found, *options] if found else []
