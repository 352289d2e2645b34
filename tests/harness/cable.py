"""A cable between two machines: a tap device in each, and a process outside that copies frames.

    python cable.py PID LINK PID LINK     prints `ready` once both devices are there, and ends with its stdin

Of a tap device the kernel does not tell what is at its other end, as of a network card: a veth pair would give each
machine a number of the other's namespace, by which its links and addresses can be read. Standard library only.
Source: Documentation/networking/tuntap.rst.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import struct
import sys

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
LARGEST = 1 << 16


def tap(pid: int, link: str) -> int:
    """A tap device of that name in the network of a process; its end here."""
    place = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(place, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter the network of {pid}")
    finally:
        os.close(place)
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH", link.encode(), IFF_TAP | IFF_NO_PI))
    return end


def copy(one: int, other: int) -> None:
    """Copies frames both ways until stdin ends. One that a device does not take is lost, as on a wire."""
    ends = {one: other, other: one}
    while True:
        ready, _, _ = select.select([0, one, other], [], [])
        if 0 in ready and not os.read(0, 1):
            return
        for end in ready:
            if end:
                try:
                    os.write(ends[end], os.read(end, LARGEST))
                except OSError:
                    continue


if __name__ == "__main__":
    left, left_link, right, right_link = sys.argv[1:]
    both = tap(int(left), left_link), tap(int(right), right_link)
    print("ready", flush=True)
    copy(*both)
