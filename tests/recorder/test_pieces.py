"""Snapshots in pieces: read back as they were, and cheap where little is new."""

from __future__ import annotations

import random
import secrets

import pytest

from engine.change.differences import changes
from engine.model.firewall import Chain, Firewall, Table
from engine.model.host import Snapshot
from engine.model.route import Route
from engine.recorder.errors import StoreDamaged
from engine.recorder.pieces import PieceReader, PieceWriter, referred
from engine.records import replace
from tests.hosts.stock import docker_host
from tests.recorder.days import day


class Memory:
    """Pieces in a list."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def put(self, text: str) -> int:
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text)

    def get(self, number: int) -> str:
        try:
            return self.texts[number]
        except IndexError:
            raise StoreDamaged(f"the store lacks piece {number}") from None


def plain(snapshot: Snapshot) -> Snapshot:
    """Without what passes by itself."""

    def chain(one: Chain) -> Chain:
        return replace(one, rules=tuple(replace(rule, packets=None, bytes=None) for rule in one.rules))

    def table(one: Table) -> Table:
        return replace(one, chains=tuple(map(chain, one.chains)))

    def firewall(one: Firewall) -> Firewall:
        return replace(one, tables=tuple(map(table, one.tables)))

    spaces = (replace(each, pids=(), firewall=firewall(each.firewall)) for each in snapshot.namespaces)
    return replace(snapshot, taken_at="", namespaces=tuple(spaces))


def test_every_state_of_a_day_reads_back_as_it_was() -> None:
    seed = secrets.randbelow(1 << 30)
    memory = Memory()
    writer, reader = PieceWriter(memory), PieceReader(memory)
    for number, snapshot in enumerate(day(seed, 60)):
        assert reader.get(writer.put(snapshot)) == plain(snapshot), f"state {number} of day {seed}"


def test_a_state_that_comes_back_is_the_same_piece() -> None:
    memory = Memory()
    writer = PieceWriter(memory)
    states = list(day(3, 200))
    numbers = {writer.put(each) for each in states}
    assert len(numbers) == len({repr(plain(each)) for each in states})


def test_one_more_route_of_many_costs_a_run() -> None:
    snapshot = docker_host()
    rows = tuple(
        Route(route.destination, text=f"10.{number >> 8}.{number & 255}.0/24 via 10.77.0.2")
        for route in snapshot.host_netns.routes[:1]
        for number in range(2000)
    )
    many = snapshot.with_netns(replace(snapshot.host_netns, routes=rows))
    memory = Memory()
    writer = PieceWriter(memory)
    writer.put(many)
    whole = sum(map(len, memory.texts))
    count = len(memory.texts)
    at = random.Random(5).randrange(len(rows))
    fewer = replace(many.host_netns, routes=(*rows[:at], *rows[at + 1 :]))
    writer.put(many.with_netns(fewer))
    assert sum(map(len, memory.texts[count:])) < whole / 12


def test_where_two_states_differ_is_told_without_reading_them() -> None:
    memory = Memory()
    writer, reader = PieceWriter(memory), PieceReader(memory)
    states = list(day(11, 80))
    numbers = [writer.put(each) for each in states]
    for one, other, before, after in zip(states, states[1:], numbers, numbers[1:], strict=False):
        places = {place for place, _ in reader.differing(before, after)}
        assert {each.netns for each in changes(one, other)} <= places
        assert bool(places) == (before != after)


def test_who_reads_gets_the_same_value_for_what_is_the_same() -> None:
    memory = Memory()
    writer, reader = PieceWriter(memory), PieceReader(memory)
    one, other = (reader.get(writer.put(each)) for each in list(day(11, 2)))
    assert one is not other
    assert sum(a is b for a, b in zip(one.namespaces, other.namespaces, strict=True)) == len(one.namespaces) - 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"host":', "damaged"),
        ("[]", "expected a Snapshot"),
        ('{"host":"h","namespaces":{"#":[99]}}', "lacks piece 99"),
        ('{"host":"h","namespaces":{"#":["x"]}}', "expected the number"),
        ('{"host":"h","namespaces":[{"id":"h","mtu":7}]}', "'mtu' is unknown"),
        ('{"host":"h","namespaces":[]}', "the host namespace 'h'"),
        ('{"host":"h","namespaces":{"#":[0]}}', "expected"),
        ("[" * 100_000, "damaged"),
    ],
)
def test_a_damaged_state_is_told_in_a_line(text: str, problem: str) -> None:
    memory = Memory()
    number = memory.put(text)
    with pytest.raises(StoreDamaged, match=problem) as found:
        PieceReader(memory).get(number)
    assert "\n" not in str(found.value)


def test_pieces_name_what_they_refer_to() -> None:
    memory = Memory()
    number = PieceWriter(memory).put(docker_host())
    found = {number}
    left = [number]
    while left:
        more = set(referred(memory.get(left.pop()))) - found
        found |= more
        left += more
    assert found == set(range(len(memory.texts)))
