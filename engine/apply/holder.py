"""Labs without root that stay: one process keeps a user's namespaces, others join them.

    portscope lab up ── connects ──▶ portscope-labs (user, mount and network namespace, /run of its own)
                     ◀─ its pid ───  ends when nobody is connected and no lab stands

The holder (`python -m engine.apply.holder`) waits at an abstract socket, named after the user, in the network namespace
that its user lives in; so there is one for each user, found without a file, and a second one cannot start. `join`
connects, learns the holder's pid from the kernel (SO_PEERCRED), and moves this process into its namespaces. The
connection is a lease: the holder does not end before it is closed, and whoever inherits it sees the holder's end. The
listeners of labs inherit it and end with the holder, so that even kill -9 of the holder leaves nothing.
Sources: unix(7), setns(2), user_namespaces(7).
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys

from engine.apply import namespaces, userns
from engine.apply.errors import BuildError, UserNamespaceForbidden
from engine.apply.journal import settled
from engine.apply.server import title
from engine.programs import environment, python
from engine.read_only import may

NAME = b"portscope-labs"
WELCOME = b"\n"
#: The namespaces of the holder that a process joins, in the order in which each gives the right to the next.
JOINED = (("user", namespaces.CLONE_NEWUSER), ("mnt", namespaces.CLONE_NEWNS), ("net", namespaces.CLONE_NEWNET))
_credentials = struct.Struct("=iII")


def join(*, start: bool) -> bool:
    """Moves this process, which has a single thread, into the namespaces of its user's labs.

    Where there are none they are made with `start`, and without it this gives False. Raises UserNamespaceForbidden, or
    BuildError when they cannot be joined.
    """
    connection = _connected()
    while connection is None and start:
        userns.attempt()
        connection = _started()
    if connection is None:
        return False
    pid, _uid = _peer(connection)
    try:
        _move_to(pid)
    except OSError as error:
        raise BuildError(f"the namespaces of your labs (process {pid}) cannot be joined: {error.strerror}") from None
    userns.settle(connection.detach())
    return True


def address(uid: int) -> bytes:
    """The abstract address of a user's holder."""
    return b"\0" + NAME + b"-%d" % uid


def _connected() -> socket.socket | None:
    """A connection that the holder has taken; None where there is no holder, or it was just ending."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with contextlib.suppress(ConnectionError):
        connection.connect(address(os.geteuid()))
        pid, uid = _peer(connection)
        if uid != os.geteuid():
            raise BuildError(f"process {pid} of another user (uid {uid}) stands where your labs are kept")
        if connection.recv(1) == WELCOME:
            return connection
    connection.close()
    return None


def _peer(connection: socket.socket) -> tuple[int, int]:
    """The pid and the uid of who waits at the other end."""
    row = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _credentials.size)
    pid, uid, _gid = _credentials.unpack(row)
    return pid, uid


def _started() -> socket.socket | None:
    """Starts a holder, unless somebody else does so at the same time, and connects."""
    may("start what keeps labs")
    argv = python("-m", "engine.apply.holder")
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        argv, cwd="/", env=environment(), start_new_session=True, stdin=pipe, stdout=pipe, stderr=pipe
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdin, process.stdout, process.stderr:
        if process.stdout.readline() != b"ready\n":
            said = process.stderr.read().decode(errors="replace").strip().splitlines()
            raise UserNamespaceForbidden(said[-1] if said else "the keeper of the labs ended at once")
        return _connected()


def _move_to(pid: int) -> None:
    here = os.getcwd()
    files = [(os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC), flag) for kind, flag in JOINED]
    for fd, flag in files:
        namespaces.setns(fd, flag)
        os.close(fd)
    # Entering a mount namespace leads to its root directory.
    with contextlib.suppress(OSError):
        os.chdir(here)


def main() -> int:
    """Keeps the namespaces. Says "ready" when they can be joined, or when another holder is there already."""
    title(NAME)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    waiting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        waiting.bind(address(os.geteuid()))
    except OSError:
        os.write(sys.stdout.fileno(), b"ready\n")
        return 0
    waiting.listen()
    try:
        userns.move()
    except OSError as error:
        sys.stderr.write(f"a user namespace cannot be made: {error.strerror}\n")
        return 1
    os.write(sys.stdout.fileno(), b"ready\n")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    keep(waiting, sys.stdin.fileno())
    return 0


def keep(waiting: socket.socket, starter: int) -> None:
    """Welcomes everybody, until nobody who came is there any more (nor the starter, at a pipe) and no lab stands."""
    selector = selectors.DefaultSelector()
    selector.register(waiting, selectors.EVENT_READ)
    selector.register(starter, selectors.EVENT_READ, starter)
    present = {starter}
    while present or any(settled(folder) for folder in userns.PRIVATE_STATE.glob("*/")):
        for key, _ in selector.select():
            if key.data is None:
                guest, _address = waiting.accept()
                if _peer(guest)[1] != os.geteuid():  # another user, whom this namespace maps to the overflow uid
                    guest.close()
                    continue
                with contextlib.suppress(OSError):  # it may be gone already, which the next read tells
                    guest.send(WELCOME)
                number = guest.detach()
                present.add(number)
                selector.register(number, selectors.EVENT_READ, number)
            elif not _speaks(key.data):
                selector.unregister(key.data)
                present.remove(key.data)
                os.close(key.data)


def _speaks(guest: int) -> bool:
    """Whether somebody is still there; nobody says anything."""
    try:
        return bool(os.read(guest, 1))
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
