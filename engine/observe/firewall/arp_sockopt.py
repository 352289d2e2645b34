"""Asks the kernel for a table of arptables-legacy as it holds it: two questions to a socket.

No tool saves these tables. Asking for one that does not exist would make it, so that only tables that /proc lists may
be asked for. The call is made by ctypes, because Python's own getsockopt passes no name in. The answer is in the layout
of this process's own word size, and `arp_entries` reads that of 64 bits: elsewhere nothing is asked.

Sources: include/uapi/linux/netfilter_arp/arp_tables.h (struct arpt_getinfo, arpt_get_entries),
net/ipv4/netfilter/arp_tables.c (get_info, get_entries).
"""

from __future__ import annotations

import errno
import os
import socket
import struct

from engine.records import dataclass

#: The two options of the socket, and the number of hooks that a table has.
_GET_INFO, _GET_ENTRIES, _HOOKS = 96, 97, 3
#: Name, hooks in use, where each hook's rules begin and end, number of entries, their size.
_info = struct.Struct(f"=32sI{_HOOKS}I{_HOOKS}III")
#: Name and size, aligned as the entries behind them.
_head = struct.Struct("=32sI4x")
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Entries:
    """A table: of each hook in use the number, where its chain begins, and where its policy stands; and all entries.

    The entries are in `data` from `start` on; places in the table are counted from there.
    """

    name: str
    chains: tuple[tuple[int, int, int], ...]
    data: bytes
    start: int = 0


def entries(table: str) -> Entries:
    """The entries of a table that exists. Raises OSError when the kernel refuses, or the table keeps changing."""
    if struct.calcsize("P") != 8:
        raise OSError(errno.EOPNOTSUPP, "the layout of another word size")
    with socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.IPPROTO_RAW) as channel:
        for left in reversed(range(_ATTEMPTS)):
            name = struct.pack("=32s", table.encode())
            info = _info.unpack_from(_ask(channel, _GET_INFO, name, _info.size - len(name)))
            size = info[-1]
            try:
                data = _ask(channel, _GET_ENTRIES, _head.pack(table.encode(), size), size)
            except BlockingIOError:  # it has another size meanwhile
                if not left:
                    raise
                continue
            places = zip(range(_HOOKS), info[2 : 2 + _HOOKS], info[2 + _HOOKS : 2 + 2 * _HOOKS], strict=True)
            return Entries(table, tuple(each for each in places if info[1] >> each[0] & 1), data, _head.size)
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def _ask(channel: socket.socket, option: int, head: bytes, size: int) -> bytes:
    """getsockopt(2) with a buffer whose head says what is asked for: the buffer, with `size` bytes behind the head."""
    import ctypes  # noqa: PLC0415 - it takes milliseconds to load, and most hosts have no such table

    buffer = ctypes.create_string_buffer(head, len(head) + size)
    length = ctypes.c_uint32(len(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.getsockopt(channel.fileno(), socket.IPPROTO_IP, option, buffer, ctypes.byref(length)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return buffer.raw
