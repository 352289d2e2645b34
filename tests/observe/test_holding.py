"""Who holds a socket at the next look: kept while the process runs, and looked for where it ended or nobody did."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.model.address import Family
from engine.model.packet import Protocol
from engine.model.traffic import Listener, Process
from engine.observe.base.namespaces import NetnsRef
from engine.observe.look.netns_reader import Visit
from engine.observe.look.socket_owners import SocketOwners, holders_of
from engine.observe.proc.processes import NOBODY, Holder, ProcessTable, Running, read_processes

PLACES = {"here": NetnsRef(os.stat("/proc/self/ns/net").st_ino)}


@pytest.fixture
def inode() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield os.fstat(listening.fileno()).st_ino


def visits(inode: int) -> dict[str, Visit]:
    return {"here": Visit(listeners=(Listener(Protocol.TCP, Family.INET, None, 80, inode=inode),))}


def test_a_process_that_runs_keeps_its_socket_and_one_that_ended_does_not(inode: int) -> None:
    table = read_processes()
    other = Running(2**22 + 1, "other", "S", 7)
    told = Holder(Process(other.pid, "other"))
    before = SocketOwners(table, {inode: told}, ())
    assert holders_of(ProcessTable((*table.processes, other)), PLACES, visits(inode), before)[0][inode] is told
    assert holders_of(table, PLACES, visits(inode), before)[0][inode].process.pid == os.getpid()
    renamed = ProcessTable((*table.processes, replace(other, name="another")))
    assert holders_of(renamed, PLACES, visits(inode), before)[0][inode].process.pid == os.getpid()


def test_a_holder_that_is_stopped_is_told_from_the_table() -> None:
    running, stopped = Running(2**22 + 1, "web", "R", 7), Running(2**22 + 1, "web", "T", 7)
    told = Holder(Process(running.pid, "web", "S"))
    before = SocketOwners(ProcessTable((running,)), {5: told}, ())
    assert holders_of(ProcessTable((running,)), PLACES, visits(5), before)[0][5] is told
    found, _ = holders_of(ProcessTable((stopped,)), PLACES, visits(5), before)
    assert found[5].process == Process(running.pid, "web", "T")


def test_a_socket_that_nobody_held_is_looked_for_among_new_processes_alone(inode: int) -> None:
    table = read_processes()
    assert holders_of(table, PLACES, visits(inode), SocketOwners(table, NOBODY, {inode}))[0] == {}
    found, _ = holders_of(table, PLACES, visits(inode), SocketOwners(ProcessTable(), NOBODY, {inode}))
    assert found[inode].process.pid == os.getpid()


def test_a_holder_that_is_hidden_is_a_gap_of_its_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_pid: int) -> set[int]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("engine.observe.proc.processes.sockets_of", refuse)
    _, gaps = holders_of(ProcessTable((Running(10, "other", "S", 7),)), PLACES, visits(5))
    assert [gap.netns for gap in gaps] == ["here"]
