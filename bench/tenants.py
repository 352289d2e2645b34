"""The processes of many containers: each in a network namespace of its own, with a listener on port 80.

    python -m bench.tenants COUNT

Prints `ready` and the process ids in one line once all of them listen; all of them end with this process.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys

_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15


def tenant(ready: int) -> None:
    """A container's process: enters a new namespace, listens, says so, and waits for its end."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(_PR_SET_NAME, b"httpd")
    if libc.unshare(_CLONE_NEWNET) != 0:
        os._exit(1)
    server = socket.create_server(("", 80), backlog=9)
    os.write(ready, b".")
    signal.pause()
    server.close()


def main(count: int) -> None:
    reader, writer = os.pipe()
    pids = []
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            tenant(writer)
            os._exit(0)
        pids.append(pid)
    os.close(writer)
    heard = 0
    while heard < count and (said := os.read(reader, count)):
        heard += len(said)
    print("ready", *pids, flush=True)
    signal.pause()


if __name__ == "__main__":
    main(int(sys.argv[1]))
