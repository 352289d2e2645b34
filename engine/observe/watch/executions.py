"""Which programs were started: the kernel reports each execve, so that what a short-lived one did has a name.

A command like `ip route add` is over before anybody can ask who it was. The kernel's process connector reports every
execution as it begins; its name, its parent and its login are read then, and kept for the last `MOST` processes. A
filter in the kernel passes executions alone. Where the connector cannot be had (no right, no CONFIG_PROC_EVENTS, out of
reach of the first network namespace), a process is known as long as it lives.

The user is who logged in (loginuid of proc_pid_loginuid(5)), else whose process it is.

Sources: drivers/connector/cn_proc.c, include/uapi/linux/cn_proc.h, socket(7) SO_ATTACH_FILTER, proc_pid_stat(5).
"""

from __future__ import annotations

import ctypes
import errno
import os
import pwd
import socket
import struct
import threading
from collections import OrderedDict
from contextlib import suppress

from engine.change.actor import Actor
from engine.observe.base.files import small
from engine.observe.base.namespaces import NetnsRef, apart, enter, root_inode

_NETLINK_CONNECTOR, _CN_IDX_PROC, _CN_VAL_PROC = 11, 1, 1
_PROC_CN_MCAST_LISTEN, _PROC_EVENT_EXEC = 1, 2
_NLMSG_DONE = 3
_SO_ATTACH_FILTER = 26
#: Where an event says what it is, and which process it is of: behind nlmsghdr (16) and cn_msg (20).
_WHAT, _PID = 36, 52
#: struct sock_filter: code, jt, jf, k. Load the event's kind; pass all of it where it is an execution, else nothing.
_FILTER = ((0x20, 0, 0, _WHAT), (0x15, 0, 1, socket.htonl(_PROC_EVENT_EXEC)), (0x06, 0, 0, 0xFFFFFFFF), (0x06, 0, 0, 0))
#: A loginuid that was never set.
_NO_LOGIN = 0xFFFFFFFF
MOST = 4096


class Executions:
    """Names processes. `users`: parents and users are wanted as well. To be closed."""

    def __init__(self, *, users: bool = False) -> None:
        self._users = users
        self._known: OrderedDict[int, Actor] = OrderedDict()
        self._lock = threading.Lock()
        self._socket = _connected()
        self._thread = threading.Thread(target=self._listen, name="portscope-executions", daemon=True)
        if self._socket is not None:
            self._thread.start()

    def __enter__(self) -> Executions:
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._thread.join(timeout=1)
            self._socket.close()

    @property
    def listens(self) -> bool:
        """Whether the kernel reports executions; else a process is known as long as it lives."""
        return self._socket is not None

    def of(self, pid: int, name: str = "") -> Actor:
        """Who a process is; with the `name` that the kernel gave, else an empty one where it is not known any more."""
        with self._lock:
            found = self._known.get(pid)
        if found is not None and (not name or found.program == name):
            return found
        return (_read(pid, users=self._users) if pid else None) or Actor(name, pid)

    def _listen(self) -> None:
        assert self._socket is not None
        while True:
            try:
                data = self._socket.recv(4096)
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno == errno.ENOBUFS:  # some were lost, and are known as long as they live
                    continue
                return
            if len(data) < _PID + 4:
                return
            (pid,) = struct.unpack_from("=i", data, _PID)
            actor = _read(pid, users=self._users)
            if actor is not None:
                with self._lock:
                    self._known[pid] = actor
                    self._known.move_to_end(pid)
                    if len(self._known) > MOST:
                        self._known.popitem(last=False)


def _read(pid: int, *, users: bool) -> Actor | None:
    """A process that lives."""
    try:
        stat = small(f"/proc/{pid}/stat").decode(errors="replace")
        name = stat[stat.index("(") + 1 : stat.rindex(")")]
        if not users:
            return Actor(name, pid)
        parent = int(stat[stat.rindex(")") + 2 :].split()[1])
        return Actor(name, pid, _name(parent), _user(pid))
    except (OSError, ValueError, IndexError):
        return None


def _name(pid: int) -> str:
    try:
        return small(f"/proc/{pid}/comm").decode(errors="replace").strip()
    except OSError:
        return ""


def _user(pid: int) -> str:
    """Who logged in, else the process's owner; a number where it has no name. Raises OSError, ValueError."""
    number = _NO_LOGIN
    with suppress(OSError, ValueError):
        number = int(small(f"/proc/{pid}/loginuid"))
    if number == _NO_LOGIN:
        number = os.stat(f"/proc/{pid}").st_uid
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _connected() -> socket.socket | None:
    """The socket that gets executions reported. The connector is in the first network namespace, which is this thread's
    or that of process 1."""
    with suppress(OSError):
        return _subscribed()

    def there() -> socket.socket | None:
        with suppress(OSError):
            enter(NetnsRef(root_inode() or 0, ways=("/proc/1/ns/net",)))
            return _subscribed()
        return None

    return apart(there)


def _subscribed() -> socket.socket:
    found = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _NETLINK_CONNECTOR)
    try:
        program = b"".join(struct.pack("=HBBI", *each) for each in _FILTER)
        held = ctypes.create_string_buffer(program)
        found.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(_FILTER), ctypes.addressof(held)))
        found.bind((0, _CN_IDX_PROC))
        request = struct.pack("=IIIIHHI", _CN_IDX_PROC, _CN_VAL_PROC, 0, 0, 4, 0, _PROC_CN_MCAST_LISTEN)
        found.send(struct.pack("=IHHII", 16 + len(request), _NLMSG_DONE, 0, 0, 0) + request)
    except OSError:
        found.close()
        raise
    return found
