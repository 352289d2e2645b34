"""The queues that programs listen on, in the calling thread's namespace: one line each, by number.

Source: net/netfilter/nfnetlink_queue.c (seq_show). The file is not there before the kernel has the module, and then
nobody listens.
"""

from __future__ import annotations

FILE = "/proc/thread-self/net/netfilter/nfnetlink_queue"


def read_queues() -> tuple[int, ...] | None:
    """The numbers of the queues; None where they may not be read, which is root's."""
    try:
        with open(FILE, encoding="ascii") as lines:
            return parse_queues(lines.read())
    except FileNotFoundError:
        return ()
    except OSError:
        return None


def parse_queues(text: str) -> tuple[int, ...]:
    """The first column."""
    return tuple(int(line.split()[0]) for line in text.splitlines() if line.strip())
