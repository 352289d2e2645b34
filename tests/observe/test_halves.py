"""Work on many items by two processes: all of it is done, in order, whatever becomes of the child."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path

import pytest

from engine.model.address import IPAddress, IPNetwork
from engine.model.firewall import Backend, Table
from engine.model.route import NextHop, Route
from engine.observe.base.fork_pool import FEWEST, by_processes
from engine.observe.firewall.xt.save_text import parse_xt_save

ITEMS = range(4 * FEWEST)
#: Python warns of threads that the runner of the tests may have; none of these children needs one's lock.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process counts as one with a single thread, on a machine with two processors."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def children() -> set[str]:
    """The processes of this one, also those that have ended and are not waited for."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            text = path.read_text()
            if text.rpartition(")")[2].split()[1] == str(os.getpid()):
                found.add(path.parent.name)
    return found


def test_results_of_both_processes_stand_in_the_order_of_the_items() -> None:
    def work(items: Iterator[int]) -> list[tuple[int, int]]:
        return [(item, os.getpid()) for item in items]

    found = by_processes(work, ITEMS)

    assert [item for item, _ in found] == list(ITEMS)


def test_a_process_with_threads_does_not_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 2)

    assert set(by_processes(lambda items: [os.getpid() for _ in items], ITEMS)) == {os.getpid()}


def test_what_an_ended_child_did_not_do_is_done_by_the_parent() -> None:
    parent = os.getpid()

    def work(items: Iterator[int]) -> list[tuple[int, int]]:
        found = []
        for item in items:
            if os.getpid() != parent:
                os.kill(os.getpid(), signal.SIGKILL)
            found.append((item, os.getpid()))
        return found

    assert by_processes(work, ITEMS) == [(item, parent) for item in ITEMS]


def test_an_error_of_the_parent_is_raised_and_the_child_is_waited_for() -> None:
    parent = os.getpid()

    def work(items: Iterator[int]) -> list[int]:
        if os.getpid() == parent:
            raise ValueError("damaged")
        return list(items)

    before = children()
    with pytest.raises(ValueError, match="damaged"):
        by_processes(work, ITEMS)
    assert children() <= before


def test_an_error_of_the_child_alone_leaves_its_items_to_the_parent() -> None:
    parent = os.getpid()

    def work(items: Iterator[int]) -> list[int]:
        if os.getpid() != parent:
            next(items, None)
            raise ValueError("damaged")
        return list(items)

    assert by_processes(work, ITEMS) == list(ITEMS)


@pytest.mark.parametrize(
    "value",
    [
        *(IPv4Address("10.0.0.1"), IPv6Address("fe80::1"), IPv4Network("10.0.0.0/8"), IPv6Network("fd00::/64")),
        Route(IPv4Network("0.0.0.0/0"), nexthops=(NextHop(2, IPv4Address("10.0.0.1")),), text="default via 10.0.0.1"),
        *parse_xt_save("*nat\n:OUTPUT ACCEPT\n[1:60] -A OUTPUT -d 10.0.0.1/32 -j ACCEPT\n", Backend.XT_NFT, "ip"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_nouns_and_addresses_arrive_as_they_were(value: IPAddress | IPNetwork | Route | Table) -> None:
    assert by_processes(lambda items: [value for _ in items], ITEMS) == [value] * len(ITEMS)


@pytest.mark.parametrize("threads", [1, 2])
def test_how_many_are_taken_is_told_by_one_process(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: threads)
    told: list[tuple[int, int]] = []

    assert by_processes(list, ITEMS, lambda *many: told.append(many)) == list(ITEMS)
    assert told == sorted(told)
    assert {whole for _, whole in told} == {len(ITEMS)}
