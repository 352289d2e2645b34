"""The board: every port that others may ask for, from the LAN, the host and containers."""

from __future__ import annotations

import pytest

from engine.explain.board import board
from engine.model.board import BoardPlace, BoardRow
from engine.model.matrix import PortOwner
from engine.model.verdict import Reach
from engine.observe.recording.snapshot_file import open_file
from tests.explain.hosts import SHOP
from tests.fidelity.record import read_host, read_truth
from tests.hosts.stock import docker_world


def marks(row: BoardRow) -> dict[str, str]:
    return {cell.place.value: cell.reach.value for cell in row.cells}


def test_the_shop_s_ports_the_worst_first_with_its_cause() -> None:
    rows = board(open_file(SHOP))
    first = rows[0]
    assert (first.port.owner, first.port.question.port) == ("web", 8080)
    assert marks(first) == {"LAN": "no", "host": "yes", "containers": "yes"}
    assert first.cause is not None
    assert first.cause.code == "FW_RULE_DROP"
    assert [row.port.owner for row in rows[1:]] == ["api", "db", "cache", "docs"]
    assert all(row.cause is None and row.worst.reach is Reach.YES for row in rows[1:])


def test_a_port_of_loopback_is_asked_on_the_host_alone() -> None:
    row = next(row for row in board(open_file(SHOP)) if row.port.owner == "api")
    assert marks(row) == {"host": "yes"}


def test_a_port_that_rules_alone_publish_is_one_and_what_is_behind_it_is_none_of_its_own() -> None:
    world = docker_world()
    world.containers[:] = [each for each in world.containers if each.name != "web"]
    rows = board(world.snapshot())
    found = [(str(row.port.service), row.port.owner, row.port.question.port) for row in rows]
    assert ("published", "web", 8080) in found
    assert found.count(("published", "web", 8080)) == 1


def test_it_asks_as_often_as_it_says_and_ends_when_told_to() -> None:
    told: list[tuple[int, int]] = []
    board(docker_world().snapshot(), lambda done, whole: told.append((done, whole)))
    whole = told[0][1]
    assert list(dict.fromkeys(told)) == [(number, whole) for number in range(whole)]
    assert len(told) > 3 * whole

    def stop(_done: int, _whole: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        board(docker_world().snapshot(), stop)


def test_a_host_has_few_rows_whatever_it_has() -> None:
    world = docker_world()
    for port in range(9000, 9100):
        world["host"].listen(port)
    assert len(board(world.snapshot())) == 40


def test_recorded_hosts_fail_on_the_board_where_real_clients_failed() -> None:
    """A cell is the worst of its place, so that it can only be right where the truth has that place's question."""
    wrong = []
    for name, truth in read_truth().items():
        symptoms = {(row.source, row.address, row.port, row.protocol): row.symptom for row in truth}
        for row in board(read_host(name)):
            for cell in row.cells:
                asked = cell.question
                key = (asked.source.netns, str(asked.address), asked.port, str(asked.protocol))
                if asked.source.outside or cell.place is BoardPlace.CONTAINERS or key not in symptoms:
                    continue
                if (symptoms[key] == "connected") is not (cell.reach is Reach.YES):
                    wrong.append((name, key, symptoms[key], cell.reach))
    assert wrong == []


def test_a_container_s_own_port_is_asked_from_the_host_and_from_its_networks() -> None:
    rows = [row for row in board(docker_world().snapshot()) if row.port.service is PortOwner.CONTAINER]
    asked = {(row.port.owner, row.port.question.port, str(row.port.question.protocol)): marks(row) for row in rows}
    both = {"host": "yes", "containers": "yes"}
    assert asked == {("db", 5432, "tcp"): both, ("web", 80, "udp"): both}
