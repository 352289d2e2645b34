"""Tracked flows of a real namespace, compared with what conntrack(8) prints, and a client that is stuck on one."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeVar

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.host import Gap
from engine.model.packet import Protocol
from engine.model.traffic import ConntrackEntry
from engine.model.verdict import Reach, Verdict
from engine.observe.base.namespaces import NetnsRef, apart, enter
from engine.observe.look.snapshot import take
from engine.observe.netlink.conntrack import read_conntrack
from tests.harness.needs import require
from tests.harness.netns import End, Netns, World, run
from tests.harness.servers import serve

require("conntrack", "nft", root=True)

T = TypeVar("T")
RULES = """
table ip t {
  chain out { type nat hook output priority -100; ip daddr 127.0.0.9 udp dport 53 dnat to 127.0.0.1:5353; }
  chain in { type filter hook input priority 0; ct state new ct mark set 7 ct label set 70; }
}
table ip6 t { chain in { type filter hook input priority 0; ct state new accept; }; }
"""


def inside(netns: Netns, work: Callable[[], T]) -> T:
    def entered() -> T:
        enter(NetnsRef(os.stat(netns.path).st_ino, ways=(netns.path,)))
        return work()

    return apart(entered)


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        yield made


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def count(netns: Netns) -> int:
    return netns.read_sysctl("net/netfilter/nf_conntrack_count")


def read(netns: Netns, **more: int) -> tuple[tuple[ConntrackEntry, ...], tuple[Gap, ...]]:
    return inside(netns, lambda: read_conntrack("it", count(netns), **more))


def client(opened: ExitStack, netns: Netns, kind: int, address: str, port: int, *, own: int = 0) -> socket.socket:
    """A socket of the namespace that has said something."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = opened.enter_context(inside(netns, lambda: socket.socket(family, kind)))
    if own:
        made.bind(("", own))
    if kind == socket.SOCK_STREAM:
        made.connect((address, port))
    else:
        made.sendto(b"hello\n", (address, port))
    return made


def by_conntrack(netns: Netns) -> set[tuple[object, ...]]:
    """What `conntrack -L` prints: protocol, both tuples, state, whether answered, assured, mark."""
    found: set[tuple[object, ...]] = set()
    for family in ("ipv4", "ipv6"):
        for line in netns.run("conntrack", "-L", "-f", family, "-o", "extended").splitlines():
            words = line.split()
            ends = [re.findall(rf"{name}=(\S+)", line) for name in ("src", "dst", "sport", "dport")]
            mark = re.findall(r"mark=(\d+)", line)
            state = words[5] if words[5].isupper() else ""
            flags = ("UNREPLIED" in line, "ASSURED" in line)
            found.add((words[2], tuple(map(tuple, ends)), state, *flags, int(mark[0])))
    return found


def as_conntrack(entry: ConntrackEntry) -> tuple[object, ...]:
    there, back = entry.original, entry.reply
    ends = ((there.src, back.src), (there.dst, back.dst), (there.sport, back.sport), (there.dport, back.dport))
    words = tuple(tuple(str(value) for value in pair if value is not None) for pair in ends)
    flags = ("seen-reply" not in entry.status, "assured" in entry.status)
    protocol = "icmpv6" if entry.protocol is Protocol.ICMPV6 else str(entry.protocol)
    return (protocol, words, entry.state, *flags, entry.mark)


def test_flows_are_what_conntrack_prints(world: World, opened: ExitStack) -> None:
    netns = world.netns("flows")
    netns.run("nft", "-f", "-", stdin=RULES)
    serve(world, netns, "srv", "tcp/127.0.0.1/80", "tcp/::1/80", "udp/127.0.0.1/5353")
    for kind, address, port in (
        (socket.SOCK_STREAM, "127.0.0.1", 80),
        (socket.SOCK_STREAM, "::1", 80),
        (socket.SOCK_DGRAM, "127.0.0.9", 53),
        (socket.SOCK_DGRAM, "::1", 54),
    ):
        client(opened, netns, kind, address, port)
    netns.run("ping", "-c", "1", "127.0.0.1", check=False)
    entries, gaps = read(netns)
    assert gaps == ()
    assert {as_conntrack(entry) for entry in entries} == by_conntrack(netns)
    assert {(entry.protocol, entry.original.src.version) for entry in entries} >= {
        (Protocol.TCP, 4),
        (Protocol.TCP, 6),
        (Protocol.UDP, 4),
        (Protocol.UDP, 6),
    }
    (sent_on,) = (entry for entry in entries if "dnat" in entry.status)
    assert (sent_on.original.dport, sent_on.reply.sport) == (53, 5353)
    assert {entry.labels for entry in entries if entry.original.src.version == 4} == {1 << 70}


def test_of_a_large_table_only_redirected_datagrams_are_read(world: World, opened: ExitStack) -> None:
    netns = world.netns("large")
    netns.run("nft", "-f", "-", stdin=RULES)
    for address in ("127.0.0.9", "127.0.0.8", "::1"):
        client(opened, netns, socket.SOCK_DGRAM, address, 53)
    entries, (gap,) = read(netns, limit=1)
    assert [(str(entry.original.dst), entry.reply.sport) for entry in entries] == [("127.0.0.9", 5353)]
    assert gap.reason == "holds 3 flows; only UDP flows with a translated destination were read"


def test_looking_changes_no_flow(world: World, opened: ExitStack) -> None:
    netns = world.netns("still")
    netns.run("nft", "-f", "-", stdin=RULES)
    client(opened, netns, socket.SOCK_DGRAM, "127.0.0.9", 53)
    before = by_conntrack(netns)
    read(netns)
    read(netns, limit=0)
    assert by_conntrack(netns) == before


# -- a client that keeps its port --------------------------------------------------------------------------------

DNAT = "table ip t {{ chain pre {{ type nat hook prerouting priority -100; udp dport 53 dnat to {}:5353; }}; }}"


class Stuck:
    """A router that sent a client's datagrams to nobody, and meanwhile sends new ones to `web`."""

    def __init__(self, world: World, opened: ExitStack) -> None:
        self.lan, self.host, self.web = world.netns("lan"), world.netns("host"), world.netns("web")
        world.veth(End(self.host, "up0", ("10.7.0.1/24",)), End(self.lan, "eth0", ("10.7.0.2/24",)))
        world.veth(End(self.host, "br0", ("10.8.0.1/24",)), End(self.web, "eth0", ("10.8.0.2/24",)))
        self.web.route("default via 10.8.0.1")
        self.host.sysctl("net.ipv4.ip_forward", 1)
        serve(world, self.web, "web", "udp/10.8.0.2/5353")
        self.load("10.8.0.99")
        self.client = client(opened, self.lan, socket.SOCK_DGRAM, "10.7.0.1", 53, own=4000)
        self.client.settimeout(1)
        self.load("10.8.0.2")

    def load(self, target: str) -> None:
        """Sends new flows to a target."""
        self.host.run("nft", "-f", "-", stdin=f"destroy table ip t\n{DNAT.format(target)}")

    def answer(self) -> str:
        """What the client gets for a datagram."""
        try:
            self.client.sendto(b"again\n", ("10.7.0.1", 53))
            return self.client.recv(100).decode()
        except OSError as error:
            return type(error).__name__

    def verdict(self, source: str) -> Verdict:
        """What portscope answers on the router."""
        snapshot = inside(self.host, take)
        return ask(snapshot, resolve(snapshot, "10.7.0.1:53", source, Protocol.UDP))


def test_a_client_that_keeps_its_port_is_told_of_its_flow_and_mended(world: World, opened: ExitStack) -> None:
    stuck = Stuck(world, opened)
    assert stuck.answer() == "TimeoutError"
    verdict = stuck.verdict("10.7.0.2:4000@up0")
    assert verdict.reach is Reach.NO
    (cause,) = verdict.causes
    assert (cause.code, cause.at.key[:3]) == ("CT_STALE_ENTRY", ("udp", "10.7.0.2", 4000))
    assert verdict.causes[0].fixes[0].commands == (
        (
            *("nsenter", f"--net={stuck.host.path}", "conntrack", "-D", "-f", "ipv4", "-p", "udp"),
            *("--orig-src", "10.7.0.2", "--orig-dst", "10.7.0.1", "--orig-port-src", "4000", "--orig-port-dst", "53"),
        ),
    )
    run(list(cause.fixes[0].commands[0]))
    assert stuck.answer().startswith("web saw")
    assert stuck.verdict("10.7.0.2:4000@up0").reach is Reach.YES


def test_a_socket_that_holds_the_port_of_a_flow_makes_the_answer_depend(world: World, opened: ExitStack) -> None:
    stuck = Stuck(world, opened)
    assert stuck.verdict("10.7.0.2@up0").reach is Reach.YES
    verdict = stuck.verdict(f"ns:{stuck.lan.name}")
    assert verdict.reach is Reach.DEPENDS
    assert [cause.code for cause in verdict.causes] == ["CT_STALE_ENTRY", "INFO_DEPENDS"]


def test_a_new_client_is_answered_and_told_what_that_rests_on(world: World, opened: ExitStack) -> None:
    stuck = Stuck(world, opened)
    verdict = stuck.verdict("10.7.0.2@up0")
    assert verdict.reach is Reach.YES
    (about,) = (each for each in verdict.assumptions if each.code == "ASSUME_NEW_FLOW")
    assert "4000" in about.sentence
    assert "10.8.0.99:5353" in about.sentence
