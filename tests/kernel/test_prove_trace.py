"""Trace rules in the kernel: only the flow that was meant is traced, and nothing of them can be left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

import pytest

from engine.model.packet import Protocol
from engine.model.proof import RuleSeen
from engine.observe.base.namespaces import NetnsRef, apart, enter
from engine.prove.packets.patterns import Flow, everything, patterns
from engine.prove.sources.nftrace import listen, parse_traces
from engine.prove.sources.nftrace_rules import PREFIX, Marking
from tests.harness.needs import require
from tests.harness.netns import End, Netns, World
from tests.harness.probe import probe
from tests.harness.servers import serve

HERE, THERE = "10.9.1.1", "10.9.1.2"
#: Makes a marking in a namespace, says so, and waits to be killed.
KILLED = """
import os, signal, sys
from engine.observe.base.namespaces import NetnsRef, enter
from engine.prove.sources.nftrace_rules import Marking
from engine.prove.packets.patterns import everything
enter(NetnsRef(os.stat(sys.argv[1]).st_ino, ways=(sys.argv[1],)))
kept = Marking((everything("ip"),), ("ip", "bridge"))
print("ready", flush=True)
signal.pause()
"""
T = TypeVar("T")


@pytest.fixture
def pair() -> Iterator[tuple[World, Netns, Netns]]:
    require("ip", "nsenter", "nft", root=True)
    with World() as world:
        client, server = world.netns("client"), world.netns("server")
        ends = (f"{HERE}/24", "fd00::1/64"), (f"{THERE}/24", "fd00::2/64")
        world.veth(End(client, "eth0", ends[0]), End(server, "eth0", ends[1]))
        serve(world, server, "app", "tcp/::/80")
        server.run("nft", "-f", "-", stdin=RULES)
        yield world, client, server


RULES = """
table inet t {
    chain c {
        type filter hook input priority 0
        tcp dport 81 reject with icmpx host-unreachable
        tcp dport 80 accept
    }
}
"""


def inside(netns: Netns, work: Callable[[], T]) -> T:
    def entered() -> T:
        enter(NetnsRef(os.stat(netns.path).st_ino, ways=(netns.path,)))
        return work()

    return apart(entered)


def traced(server: Netns, client: Netns, flow: Flow, address: str, port: int) -> list[RuleSeen]:
    """What the kernel tells of one attempt while a flow is traced on the server."""
    listener = inside(server, listen)
    marking = inside(server, lambda: Marking(patterns((flow,)), (flow.family,)))
    probe(client.path, address, port)
    marking.close()
    heard, whole = listener.drain()
    listener.close()
    assert whole
    return list(parse_traces(server.name, heard))


@pytest.mark.parametrize("address", [THERE, "fd00::2"])
def test_the_traced_flow_is_told_rule_by_rule(pair: tuple[World, Netns, Netns], address: str) -> None:
    _, client, server = pair
    flow = Flow(Protocol.TCP, dst=ip_address(address), dport=80)
    seen = traced(server, client, flow, address, 80)
    assert {(each.family, each.table, each.chain, each.verdict) for each in seen} == {("inet", "t", "c", "accept")}
    assert seen[0].packet.dport == 80


def test_another_flow_is_not_traced(pair: tuple[World, Netns, Netns]) -> None:
    _, client, server = pair
    other = Flow(Protocol.TCP, src=ip_address("10.9.1.77"), dst=ip_address(THERE), dport=80)
    assert traced(server, client, other, THERE, 80) == []


def test_the_error_that_answers_a_flow_is_traced_with_it(pair: tuple[World, Netns, Netns]) -> None:
    _, client, server = pair
    server.run("nft", "add", "chain", "inet", "t", "out", "{ type filter hook output priority 0; }")
    server.run("nft", "add", "rule", "inet", "t", "out", "counter")
    seen = traced(server, client, Flow(Protocol.TCP, dst=ip_address(THERE), dport=81), THERE, 81)
    assert [each.verdict for each in seen if each.packet.protocol is Protocol.TCP] == ["drop"]
    assert [each.packet.icmp_type for each in seen if each.packet.protocol is Protocol.ICMP] == [3, 3]


def tables(netns: Netns) -> str:
    return netns.run("nft", "list", "tables")


def test_the_table_is_ours_by_name_and_gone_with_its_socket(pair: tuple[World, Netns, Netns]) -> None:
    _, _, server = pair
    marking = inside(server, lambda: Marking((everything("ip"),), ("ip",)))
    assert marking.name.startswith(PREFIX)
    assert f"table ip {marking.name}" in tables(server)
    assert "meta nftrace set 1" in server.run("nft", "list", "table", "ip", marking.name)
    marking.close()
    assert PREFIX not in tables(server)


def test_nobody_else_can_change_the_table(pair: tuple[World, Netns, Netns]) -> None:
    _, _, server = pair
    marking = inside(server, lambda: Marking((everything("ip"),), ("ip",)))
    server.run("nft", "flush", "ruleset", check=False)
    server.run("nft", "delete", "table", "ip", marking.name, check=False)
    assert marking.name in tables(server)
    marking.close()


def test_kill_9_leaves_no_table(pair: tuple[World, Netns, Netns]) -> None:
    world, _, server = pair
    root = Path(__file__).parents[2]
    argv = [sys.executable, "-c", KILLED, server.path]
    child: subprocess.Popen[str] = world.start(argv, ready="ready", cwd=root)
    assert PREFIX in tables(server)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert PREFIX not in tables(server)


def test_a_refused_batch_adds_nothing_and_says_why(pair: tuple[World, Netns, Netns]) -> None:
    _, _, server = pair
    argv = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", sys.executable, "-c", KILLED, server.path]
    done = subprocess.run(
        ["nsenter", f"--net={server.path}", *argv],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert "NetlinkError: the kernel refused: Operation not permitted" in done.stderr
    assert PREFIX not in tables(server)
