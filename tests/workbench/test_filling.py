"""The matrix by one thread and by processes; how far it is, and its end before the end."""

from __future__ import annotations

from threading import Event

import pytest

from tests.hosts.stock import docker_world
from workbench.session import matrix_pool
from workbench.session.matrix_pool import fill
from workbench.session.stopping import Stopped


def test_processes_fill_it_as_one_thread_does(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = docker_world().snapshot()
    alone = fill(snapshot)
    monkeypatch.setattr(matrix_pool, "WORTH_PROCESSES", 0)
    monkeypatch.setattr(matrix_pool.os, "cpu_count", lambda: 2)
    assert fill(snapshot) == alone


def test_a_process_that_ends_too_early_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix_pool, "WORTH_PROCESSES", 0)
    monkeypatch.setattr(matrix_pool.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(matrix_pool, "PROGRAM", "import sys; sys.stdin.buffer.read()")
    with pytest.raises(RuntimeError, match="ended too early"):
        fill(docker_world().snapshot())


def test_it_tells_how_far_it_is_and_ends_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix_pool, "CHUNK", 3)
    snapshot, told, stop = docker_world().snapshot(), [], Event()

    def hear(done: int, whole: int) -> None:
        told.append((done, whole))
        if done == 6:
            stop.set()

    with pytest.raises(Stopped):
        fill(snapshot, hear, stop)
    assert [done for done, _ in told] == [3, 6]
    stop.clear()
    fill(snapshot, hear, None)
    assert told[-1][0] == told[-1][1]
