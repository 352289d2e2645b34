"""Programs that bpf(2) attached to devices, which no netlink table has: those of tcx, and netkit's own.

Whether the machine has any BPF program at all is asked first; then each device is asked for what hangs at its hooks.
Both questions need root: an ordinary user sees none of these programs.

Sources: bpf(2), include/uapi/linux/bpf.h (BPF_PROG_GET_NEXT_ID, BPF_PROG_QUERY, enum bpf_attach_type),
kernel/bpf/tcx.c, drivers/net/netkit.c.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from engine.model.link import Link, Program

#: The number of bpf(2) by machine.
CALLS = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "ppc64le": 361, "s390x": 351}
_NEXT_PROGRAM, _QUERY = 11, 16
#: Attach types, with the hook that they are here: those of every device, and those of a netkit's primary end.
_EVERY = ((46, "ingress", "tcx"), (47, "egress", "tcx"))
_NETKIT = ((54, "egress", "netkit"), (55, "ingress", "netkit"))
#: Device, attach type, flags, flags, where to write the numbers of the programs, how many; the rest is not asked for.
_query = struct.Struct("=IIIIQI28x")
_COUNT_AT, _MOST = 24, 64

#: bpf(2): a command and its attributes, which it changes; whether it succeeded.
Call = Callable[[int, bytearray], bool]


def read_attached(links: Iterable[Link]) -> dict[int, tuple[Program, ...]]:
    """The programs at the devices of the calling thread's namespace, by index. Raises nothing."""
    call = _caller()
    if call is None or not call(_NEXT_PROGRAM, bytearray(16)):
        return {}
    found = {link.index: tuple(_programs(call, link)) for link in links}
    return {index: programs for index, programs in found.items() if programs}


@cache
def _caller() -> Call | None:
    """What makes the call; None on a machine whose number for it is not known."""
    number = CALLS.get(os.uname().machine)
    if number is None:
        return None
    import ctypes  # noqa: PLC0415 - it takes milliseconds to load, and a look at one link does not need it

    libc = ctypes.CDLL(None, use_errno=True)

    def call(command: int, attributes: bytearray) -> bool:
        shared = (ctypes.c_char * len(attributes)).from_buffer(attributes)
        return bool(libc.syscall(number, command, shared, len(attributes)) == 0)

    return call


def _programs(call: Call, link: Link) -> Iterator[Program]:
    import ctypes  # noqa: PLC0415 - as above

    for kind, hook, name in (*_EVERY, *(_NETKIT if link.kind == "netkit" else ())):
        numbers = (ctypes.c_uint32 * _MOST)()
        attributes = bytearray(_query.pack(link.index, kind, 0, 0, ctypes.addressof(numbers), _MOST))
        if call(_QUERY, attributes):
            count = struct.unpack_from("=I", attributes, _COUNT_AT)[0]
            yield from (Program(hook, name, number=number) for number in numbers[: min(count, _MOST)])
