"""A small routed network whose truth is known by construction, and proofs made in it.

    client 10.8.1.2 ── 10.8.1.1 lan  ROUTER  srv 10.8.2.1 ── 10.8.2.2 server

The router is the host. The server answers at 80 (TCP and UDP), closes at 81, reads and says nothing at 82, never
reads at 83; nothing listens at 90. Port 8080 of the router is the server's 80.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from engine import explain
from engine.explain.question import resolve
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.verdict import Verdict
from engine.observe.base.namespaces import NetnsRef, apart, enter
from engine.observe.look.snapshot import take
from engine.prove.prove import Proven, Wishes, prove
from tests.harness.netns import End, Netns, World
from tests.harness.servers import serve

T = TypeVar("T")

#: Seconds for an attempt that nobody answers, which ends before its packet is sent again.
SILENCE = 0.5
NAT = """
table ip t {
    chain pre {
        type nat hook prerouting priority -100
        tcp dport 8080 dnat to 10.8.2.2:80
    }
    chain pass {
        type filter hook forward priority 0
        counter
    }
}
"""


@dataclass(frozen=True)
class Net:
    """The network."""

    world: World
    client: Netns
    router: Netns
    server: Netns

    def look(self) -> Snapshot:
        """The snapshot from the router, without the rest of the machine."""
        ours = {netns.name for netns in (self.client, self.router, self.server)}

        seen = run_in(self.router, take)
        kept = tuple(netns for netns in seen.namespaces if netns.id in ours)
        return replace(seen, namespaces=kept, containers=(), networks=(), gaps=())

    def answer(self, snapshot: Snapshot, target: str, source: str = "", protocol: Protocol = Protocol.TCP) -> Verdict:
        """What the model says."""
        return explain.ask(snapshot, resolve(snapshot, target, source or f"ns:{self.client.name}", protocol))

    def proven(self, target: str, protocol: Protocol = Protocol.TCP, *, trace: bool = True) -> Proven:
        """A proof from the client. The model sees the network as it is."""
        snapshot = self.look()
        verdict = self.answer(snapshot, target, protocol=protocol)
        return prove(snapshot, verdict, Wishes(SILENCE, None if trace else frozenset()))


def run_in(netns: Netns, work: Callable[[], T]) -> T:
    """Runs `work` in a thread inside a namespace."""

    def inside() -> T:
        enter(NetnsRef(os.stat(netns.path).st_ino, ways=(netns.path,)))
        return work()

    return apart(inside)


@contextmanager
def routed_network() -> Iterator[Net]:
    """The network, for the length of a `with` block."""
    with World() as world:
        client, router, server = (world.netns(name) for name in ("client", "router", "server"))
        world.veth(
            End(client, "eth0", ("10.8.1.2/24", "fd08:1::2/64")), End(router, "lan", ("10.8.1.1/24", "fd08:1::1/64"))
        )
        world.veth(
            End(router, "srv", ("10.8.2.1/24", "fd08:2::1/64")), End(server, "eth0", ("10.8.2.2/24", "fd08:2::2/64"))
        )
        router.sysctl("net.ipv4.ip_forward", 1)
        router.sysctl("net.ipv6.conf.all.forwarding", 1)
        for netns, side in ((client, 1), (server, 2)):
            netns.route(f"default via 10.8.{side}.1")
            netns.route(f"default via fd08:{side}::1")
        router.run("nft", "-f", "-", stdin=NAT)
        serve(world, server, "app", "tcp/::/80", "tcp/::/81/close", "tcp/::/82/silent", "tcp/::/83/deaf", "udp/::/80")
        yield Net(world, client, router, server)
