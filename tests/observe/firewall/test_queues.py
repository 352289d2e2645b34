"""Queues that programs listen on, as the kernel lists them."""

from __future__ import annotations

from engine.observe.firewall.nfqueues import parse_queues

#: Queue, port of the socket, packets that wait, copy mode and range, drops of two kinds, sequence number, 1.
LISTED = "    3   4242     0 2 65531     0     0        7  1\n   17   4242     0 0     0     0     0        0  1\n"


def test_a_line_is_a_queue() -> None:
    assert parse_queues(LISTED) == (3, 17)
    assert parse_queues("") == ()
