"""The end of a workbench whose page is gone: its server hangs up, and nobody else would end it.

A thread waits for the other end of standard input to be closed. Then the program is told to end as by a terminal that
goes; a workbench that does not, since it waits for its screen to be drawn, ends anyhow.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time

#: Seconds that a workbench has to end by itself.
GRACE = 5.0


def leave_with_the_page() -> None:
    """Starts waiting."""
    threading.Thread(target=_wait, name="portscope-page", daemon=True).start()


def _wait() -> None:
    hangup = select.poll()
    hangup.register(0, 0)  # POLLHUP and POLLERR are told in any case; what is typed is not ours
    hangup.poll()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(0)
