"""The first lines of the program: its streams and signals are in order before anything else is loaded.

Ctrl-C while modules are loaded ends the process as the shell expects it, without a traceback. A stream that the shell
closed is given to /dev/null: the next file that is opened would have its number, and take what is meant for it.
"""

from __future__ import annotations

import os
import signal


def program() -> int:
    """Runs the command line. Returns its exit code."""
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # nohup, a background job: it stays so
    if not ignored:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    _fill_streams()
    import gc  # noqa: PLC0415 - from here on interrupts are quiet

    from workbench.cli import main  # noqa: PLC0415

    code = main(interruptible=not ignored)
    gc.freeze()  # what is left is not searched for cycles while Python ends
    return code


def _fill_streams() -> None:
    """Stands /dev/null in for each of the three streams that is closed."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)


if __name__ == "__main__":
    raise SystemExit(program())
