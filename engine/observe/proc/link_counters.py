"""What the devices of a namespace have carried: the kernel's own counters, which are no part of a snapshot.

Source: /proc/PID/net/dev (proc(5)); the reader's own thread decides whose namespace it is.
"""

from __future__ import annotations

from pathlib import Path

FILE = Path("/proc/thread-self/net/dev")
#: Where the counters of packets are among a device's numbers.
RECEIVED, SENT = 1, 9


def packets() -> dict[str, int]:
    """Packets received and sent, by device, of the calling thread's network namespace. Empty where /proc is hidden."""
    try:
        lines = FILE.read_bytes().splitlines()[2:]
    except OSError:
        return {}
    found = {}
    for line in lines:
        name, _, numbers = line.rpartition(b":")
        counted = numbers.split()
        found[name.strip().decode("utf-8", "backslashreplace")] = int(counted[RECEIVED]) + int(counted[SENT])
    return found
