"""Which of several sockets takes a packet."""

from __future__ import annotations

from typing import Any

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.address import Family
from engine.model.packet import Protocol
from engine.model.trace import Symptom
from engine.model.traffic import Process
from engine.model.verdict import Reach
from engine.path.lookup.sockets import find_listener, listener_ref, listeners_on_port
from tests.hosts.stock import three_in_line
from tests.path.journeys import packet

ANY4: dict[str, Any] = {}
ANY6: dict[str, Any] = {"family": Family.INET6}
OWN4 = {"address": "10.2.0.2"}
OWN6 = {"address": "fd02::2"}
V4, V6 = ("10.1.0.2", "10.2.0.2"), ("fd01::2", "fd02::2")


def taken(*sockets: dict[str, Any], ends: tuple[str, str] = V4, device: str = "eth0", **more: Any) -> int | None:
    """The number of the socket that takes a packet of the server, None where none does."""
    space = three_in_line()["server"]
    space.listeners.clear()
    for number, socket in enumerate(sockets):
        space.listen(socket.get("port", 80), **{"inode": number, **{k: v for k, v in socket.items() if k != "port"}})
    netns = space.finished()
    found = find_listener(netns, packet(*ends, **more), netns.links_by_name[device])
    return found.inode if found else None


@pytest.mark.parametrize(
    ("sockets", "winner"),
    [
        ([], None),
        ([ANY4], 0),
        ([{"port": 81}], None),
        ([{"protocol": Protocol.UDP}], None),
        ([{"address": "10.2.0.3"}], None),
        ([{"address": "127.0.0.1"}], None),
        ([ANY4, OWN4], 1),
        ([ANY6, ANY4], 1),
        ([ANY6], 0),
        ([{**ANY6, "v6only": True}], None),
        ([OWN6], None),
        ([{"address": "::ffff:10.2.0.2"}], 0),
        ([{"address": "::ffff:10.2.0.3"}], None),
        ([ANY4, {"address": "::ffff:10.2.0.2"}], 1),
        ([{"address": "::ffff:10.2.0.2"}, OWN4], 1),
        ([{"device": 2}], 0),
        ([{"device": 1}], None),
        ([ANY4, {"device": 2}], 1),
        ([ANY6, {**ANY6, "device": 2}, ANY4], 1),
        ([{"device": 2}, OWN4], 1),
        ([OWN4, {**OWN4, "device": 2}], 1),
    ],
)
def test_who_takes_a_packet_over_ipv4(sockets: list[dict[str, Any]], winner: int | None) -> None:
    assert taken(*sockets) == winner
    udp = [{**socket, "protocol": Protocol.UDP} for socket in sockets if "protocol" not in socket]
    if len(udp) == len(sockets):
        assert taken(*udp, protocol=Protocol.UDP) == winner


@pytest.mark.parametrize(
    ("sockets", "winner"),
    [([ANY4], None), ([ANY6], 0), ([{**ANY6, "v6only": True}], 0), ([ANY6, OWN6], 1), ([{"address": "fd02::3"}], None)],
)
def test_who_takes_a_packet_over_ipv6(sockets: list[dict[str, Any]], winner: int | None) -> None:
    assert taken(*sockets, ends=V6) == winner


def test_sockets_of_the_port_are_listed_whether_or_not_they_take_the_packet() -> None:
    space = three_in_line()["server"]
    space.listen(80, "127.0.0.1").listen(81)
    listed = listeners_on_port(space.finished(), packet(*V4))
    assert [str(listener) for listener in listed] == ["0.0.0.0:80/tcp", "[fd02::2]:80/tcp", "127.0.0.1:80/tcp"]


def test_a_pointer_to_a_socket_names_its_program() -> None:
    ref = listener_ref("server", three_in_line()["server"].listeners[0])
    assert (ref.key, ref.text) == (("tcp", "", 80), "0.0.0.0:80/tcp (server, pid 180)")


@pytest.mark.parametrize(
    ("names", "reach", "decided"),
    [
        (("nginx", "nginx"), Reach.YES, False),
        (("nginx", "caddy"), Reach.DEPENDS, True),
    ],
)
def test_programs_that_share_a_port_are_each_a_way_to_go(names: tuple[str, str], reach: Reach, decided: bool) -> None:
    world = three_in_line()
    world["server"].listeners.clear()
    for pid, name in enumerate(names, 1):
        world["server"].listen(80, "10.2.0.2", process=Process(pid, name))
    snapshot = world.snapshot()
    answer = ask(snapshot, resolve(snapshot, "10.2.0.2:80", "ns:client"))
    assert (answer.reach, answer.symptom) == (reach, Symptom.CONNECTED)
    assert any("programs share a port in server" in cause.sentence for cause in answer.causes) is decided


def test_of_two_that_share_a_port_the_stopped_one_is_named() -> None:
    world = three_in_line()
    world["server"].listeners.clear()
    world["server"].listen(80, "10.2.0.2", process=Process(2, "nginx"))
    world["server"].listen(80, "10.2.0.2", process=Process(3, "caddy", "T"))
    snapshot = world.snapshot()
    answer = ask(snapshot, resolve(snapshot, "10.2.0.2:80", "ns:client"))
    assert answer.reach is Reach.DEPENDS
    assert answer.causes[0].sentence.startswith("caddy (pid 3) in server is stopped")


def test_an_answer_about_udp_rests_on_a_program_that_answers() -> None:
    snapshot = three_in_line().snapshot()
    answer = ask(snapshot, resolve(snapshot, "[fd02::2]:80", "ns:client", Protocol.UDP))
    assert [each.code for each in answer.assumptions] == ["ASSUME_UDP_ANSWER"]
