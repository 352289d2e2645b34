"""A program on a queue of a throw-away namespace is seen there, and only there."""

from __future__ import annotations

import os
import socket
import struct
from concurrent.futures import ThreadPoolExecutor

from engine.observe.firewall.nfqueues import read_queues
from tests.harness.needs import require
from tests.harness.netns import World
from tests.harness.probe import enter

require("ip", root=True)

#: linux/netfilter/nfnetlink_queue.h: configuration of the queue's subsystem, whose one attribute is the command "bind".
CONFIG, REQUEST_ACK, BIND = 3 << 8 | 2, 5, struct.pack("=HHBBH", 8, 1, 1, 0, 0)


def bound(netns_file: str, number: int) -> tuple[socket.socket, tuple[int, ...] | None]:
    """A socket that listens on a queue of that namespace, and what is seen there then."""
    enter(netns_file)
    client = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    body = struct.pack("=BB", 0, 0) + struct.pack("!H", number) + BIND
    client.send(struct.pack("=IHHII", 16 + len(body), CONFIG, REQUEST_ACK, 1, 0) + body)
    (error,) = struct.unpack_from("=i", client.recv(4096), 16)
    assert error == 0, os.strerror(-error)
    return client, read_queues()


def test_a_program_on_a_queue_is_seen_in_its_namespace() -> None:
    with World() as world, ThreadPoolExecutor(1) as thread:
        place = world.netns("queued")
        client, seen = thread.submit(bound, place.path, 3).result()
        with client:
            assert seen == (3,)
            assert 3 not in (read_queues() or ())
