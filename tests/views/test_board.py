"""The board as lines: a mark for each place, the cause below what fails, and the question that a row opens."""

from __future__ import annotations

import pytest

from engine.explain.board import board
from engine.observe.recording.snapshot_file import open_file
from tests.explain.hosts import SHOP
from tests.hosts.stock import docker_world
from views.text import cells
from views.verdict.ask import Ask
from views.verdict.board import board_lines


def test_the_shop() -> None:
    shop = open_file(SHOP)
    lines = board_lines(board(shop), shop, 60)
    words = [line.words.rstrip() for line in lines]
    assert words[0] == "1 of 5 ports cannot be reached from somewhere"
    assert words[1].split() == ["LAN", "host", "containers"]
    assert words[2].split() == ["✗", ":8080", "→", "web:80", "✗", "✓", "✓"]
    assert words[3].startswith("    LAN: rule 1 of filter/DOCKER-USER in shop-host drops")
    assert words[5].split() == ["✓", "127.0.0.1:8000", "→", "api", "·", "✓", "·"]
    assert lines[2].key == ("ask", Ask("192.168.30.1:8080", "ns:shop-lan"))
    assert words[-1].strip() == "enter opens a row · w asks another question"


@pytest.mark.parametrize("width", [30, 46, 60, 120])
def test_rows_are_as_wide_as_the_pane(width: int) -> None:
    shop = open_file(SHOP)
    rows = [line for line in board_lines(board(shop), shop, width) if line.key is not None]
    assert rows
    assert all(cells(line.words) <= width for line in rows)


def test_a_host_on_which_all_is_well_says_so() -> None:
    snapshot = docker_world().snapshot()
    first, *_ = board_lines(board(snapshot), snapshot, 60)
    assert first.words == "3 ports, each reachable"
