"""The probe gives each ending its word. Every other test that needs a kernel believes it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.needs import require
from tests.harness.netns import CommandFailed, End, Netns, World
from tests.harness.probe import probe
from tests.harness.servers import serve

HERE, THERE = "10.9.0.1", "10.9.0.2"


@dataclass(frozen=True)
class Pair:
    """A client and a server on one wire. The server answers at 80, closes at 81 and is silent at 82."""

    world: World
    client: Netns
    server: Netns


@pytest.fixture
def pair() -> Iterator[Pair]:
    require("ip", "nsenter", "nft", root=True)
    with World() as world:
        client, server = world.netns("client"), world.netns("server")
        world.veth(
            End(client, "eth0", (f"{HERE}/24", "fd00::1/64")), End(server, "eth0", (f"{THERE}/24", "fd00::2/64"))
        )
        serve(world, server, "app", "tcp/::/80", "tcp/::/81/close", "tcp/::/82/silent", "tcp/::/83/deaf", "udp/::/80")
        yield Pair(world, client, server)


def drop(netns: Netns, hook: str, verdict: str) -> None:
    """A rule for everything to port 80 (or from it)."""
    rules = f"tcp dport 80 {verdict}" if "tcp" in verdict else f"meta l4proto {{ tcp, udp }} th dport 80 {verdict}"
    netns.run(
        "nft", "-f", "-", stdin=f"table inet t {{\nchain c {{\ntype filter hook {hook} priority 0\n{rules}\n}}\n}}\n"
    )


def rejecting(how: str) -> Callable[[Pair], None]:
    return lambda pair: drop(pair.server, "input", f"reject with {how}")


def routed(kind: str) -> Callable[[Pair], None]:
    return lambda pair: pair.client.ip(f"route add {kind} {THERE}/32")


ENDINGS: dict[str, tuple[Callable[[Pair], object], str]] = {
    "nothing is wrong": (lambda pair: pair, "connected"),
    "dropped there": (lambda pair: drop(pair.server, "input", "drop"), "timeout"),
    "dropped at home": (lambda pair: drop(pair.client, "output", "drop"), "timeout"),
    "reset by a rule": (rejecting("tcp reset"), "refused"),
    "rejected as port": (rejecting("icmpx port-unreachable"), "refused"),
    "rejected as host": (rejecting("icmpx host-unreachable"), "host-unreachable"),
    "rejected as prohibited": (rejecting("icmpx admin-prohibited"), "host-unreachable"),
    "rejected as net": (rejecting("icmpx no-route"), "net-unreachable"),
    "no such neighbour": (lambda pair: pair.server.ip(f"address del {THERE}/24 dev eth0"), "host-unreachable"),
    "no route": (lambda pair: pair.client.ip("address flush dev eth0"), "net-unreachable"),
    "unreachable route": (routed("unreachable"), "host-unreachable"),
    "prohibit route": (routed("prohibit"), "prohibited"),
    "blackhole route": (routed("blackhole"), "invalid-argument"),
}


@pytest.mark.parametrize(("break_it", "word"), ENDINGS.values(), ids=ENDINGS.keys())
def test_every_ending_of_a_tcp_handshake_has_its_word(
    pair: Pair, break_it: Callable[[Pair], object], word: str
) -> None:
    break_it(pair)
    assert probe(pair.client.path, THERE, 80).symptom == word


@pytest.mark.parametrize(
    ("port", "word"),
    [(80, "connected"), (81, "accepted-then-closed"), (82, "accepted-then-silent"), (83, "accepted-then-silent")],
)
def test_an_accepted_connection_is_known_by_its_first_exchange(pair: Pair, port: int, word: str) -> None:
    assert probe(pair.client.path, THERE, port).symptom == word
    assert probe(pair.client.path, "fd00::2", port).symptom == word


def test_the_answer_tells_who_spoke_and_whom_it_saw(pair: Pair) -> None:
    answer = probe(pair.client.path, THERE, 80).answer
    assert answer.startswith(f"app saw ::ffff:{HERE}:")
    assert answer.endswith(f" at ::ffff:{THERE}:80")


def test_a_port_without_a_listener_refuses(pair: Pair) -> None:
    assert probe(pair.client.path, THERE, 99).symptom == "refused"
    assert probe(pair.client.path, "fd00::2", 99).symptom == "refused"


def test_a_datagram_is_connected_when_its_answer_comes_back(pair: Pair) -> None:
    assert probe(pair.client.path, THERE, 80, "udp").symptom == "connected"
    assert probe(pair.client.path, THERE, 99, "udp").symptom == "refused"


def test_a_datagram_that_home_drops_is_not_permitted_and_one_dropped_there_times_out(pair: Pair) -> None:
    drop(pair.server, "input", "drop")
    assert probe(pair.client.path, THERE, 80, "udp").symptom == "timeout"
    drop(pair.client, "output", "drop")
    assert probe(pair.client.path, THERE, 80, "udp").symptom == "not-permitted"


def test_many_refusals_stay_refusals(pair: Pair) -> None:
    """Without the limit on ICMP errors that a new namespace has, the later ones would be timeouts."""
    rejecting("icmpx host-unreachable")(pair)
    assert {probe(pair.client.path, THERE, 80).symptom for _ in range(12)} == {"host-unreachable"}


def test_a_probe_that_cannot_be_made_is_no_symptom() -> None:
    with pytest.raises(RuntimeError, match="no-such-namespace"):
        probe("/run/netns/no-such-namespace", THERE, 80)


def test_a_world_that_fails_half_way_leaves_nothing() -> None:
    require("ip", "nsenter", root=True)
    made: list[Netns] = []
    started: list[subprocess.Popen[str]] = []

    def fail_half_way() -> None:
        with World() as world:
            made.append(world.netns("half"))
            started.append(serve(world, made[0], "app", "tcp/127.0.0.1/80"))
            world.start(["sh", "-c", "echo no-such-command"], ready="ready")

    with pytest.raises(CommandFailed, match="no-such-command"):
        fail_half_way()
    assert started[0].poll() is not None
    assert not Path(made[0].path).exists()
