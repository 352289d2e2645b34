"""Asks the kernel for a table of iptables-, ip6tables- or arptables-legacy as it holds it: two questions to a socket.

Asking for a table that does not exist would make it, so that only tables that /proc lists may be asked for. The call
is made by ctypes, because Python's own getsockopt passes no name in. The answer is in the layout of this process's
own word size, and `xt_entries` and `arp_entries` read that of 64 bits: elsewhere nothing is asked. It stays where the
kernel wrote it, in memory of large pages where there are such: 25,000 rules are 15 MB, and small pages would be half of
the work.

Sources: include/uapi/linux/netfilter_ipv4/ip_tables.h, netfilter_ipv6/ip6_tables.h and netfilter_arp/arp_tables.h
(struct ipt_getinfo, ipt_get_entries), net/ipv4/netfilter/ip_tables.c (get_info, get_entries).
"""

from __future__ import annotations

import errno
import mmap
import os
import socket
import struct
from contextlib import suppress

from engine.records import dataclass

#: Address family and socket level of each family's tables, the first of the two options, and how many hooks it has.
_ASKED = {
    "ip": (socket.AF_INET, socket.IPPROTO_IP, 64, 5),
    "ip6": (socket.AF_INET6, socket.IPPROTO_IPV6, 64, 5),
    "arp": (socket.AF_INET, socket.IPPROTO_IP, 96, 3),
}
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
    data: bytes | mmap.mmap
    start: int = 0


def entries(family: str, table: str) -> Entries:
    """The entries of a table that exists. Raises OSError when the kernel refuses, or the table keeps changing."""
    if struct.calcsize("P") != 8:
        raise OSError(errno.EOPNOTSUPP, "the layout of another word size")
    domain, level, get_info, hooks = _ASKED[family]
    get_entries = get_info + 1
    #: Name, hooks in use, where each hook's rules begin and end, number of entries, their size.
    layout = struct.Struct(f"=32sI{hooks}I{hooks}III")
    with socket.socket(domain, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.IPPROTO_RAW) as channel:
        for left in reversed(range(_ATTEMPTS)):
            name = struct.pack("=32s", table.encode())
            info = layout.unpack_from(_ask(channel, level, get_info, name, layout.size - len(name)))
            size = info[-1]
            try:
                data = _ask(channel, level, get_entries, _head.pack(table.encode(), size), size)
            except BlockingIOError:  # it has another size meanwhile
                if not left:
                    raise
                continue
            places = zip(range(hooks), info[2 : 2 + hooks], info[2 + hooks : 2 + 2 * hooks], strict=True)
            return Entries(table, tuple(each for each in places if info[1] >> each[0] & 1), data, _head.size)
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def _ask(channel: socket.socket, level: int, option: int, head: bytes, size: int) -> mmap.mmap:
    """getsockopt(2) with a buffer whose head says what is asked for: the buffer, with `size` bytes behind the head."""
    import ctypes  # noqa: PLC0415 - it takes milliseconds to load, and most hosts have no such table

    buffer = mmap.mmap(-1, len(head) + size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel without large pages
        buffer.madvise(mmap.MADV_HUGEPAGE)
    buffer[: len(head)] = head
    length = ctypes.c_uint32(len(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    shared = (ctypes.c_char * len(buffer)).from_buffer(buffer)
    if libc.getsockopt(channel.fileno(), level, option, shared, ctypes.byref(length)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return buffer
