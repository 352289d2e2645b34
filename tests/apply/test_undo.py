"""Undoing: in reverse, once, only what is ours, and never stopping half-way. The hands here only take notes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from engine.apply.errors import BuildError
from engine.apply.hands import Hands
from engine.apply.inverse import DropLink, DropNetns, EndProcess, Inverse, RunCommand, WriteSysctl, command
from engine.apply.journal import Entry, Header, Journal, ways_back
from engine.apply.undo import replay

ENTER = "nsenter --net=/run/netns/a"


class Notes:  # its methods take what those of Hands take
    """Hands that do nothing: `ours` says which names carry the mark, `fails` which raise."""

    def __init__(self, *, strangers: tuple[str, ...] = (), fails: tuple[str, ...] = (), sysctl: int = 1) -> None:
        self.calls: list[str] = []
        self.strangers, self.fails, self.sysctl = strangers, fails, sysctl

    def _drop(self, name: str) -> bool:
        self.calls.append(name)
        if name in self.fails:
            raise OSError(16, "Device or resource busy")
        return name not in self.strangers

    def remove_netns(self, name: str, mark: str) -> bool:
        return self._drop(name)

    def remove_link(self, path: str | None, name: str, mark: str) -> bool:
        return self._drop(name)

    def read_sysctl(self, path: str | None, name: str) -> int:
        return self.sysctl

    def write_sysctl(self, path: str | None, name: str, value: int) -> None:
        self.calls.append(f"{name}={value}")

    def run(self, path: str | None, argv: Any, text: str = "") -> None:
        self.calls.append(" ".join(argv))
        if argv[0] in self.fails:
            raise BuildError("Bad rule")


def journal(*inverses: Any, made: bool = True) -> Journal:
    found = Journal(Header.new("lab"))
    for inverse in inverses:
        number = found.will(inverse)
        if made:
            found.made(number)
    return found


def undo(of: Journal, notes: Notes) -> tuple[str, ...]:
    return replay(of, cast(Hands, notes))


FORWARD = WriteSysctl(None, "net.ipv4.ip_forward", 0, 1)


def test_inverses_run_from_the_last_to_the_first() -> None:
    notes = Notes()
    assert undo(journal(DropNetns("a"), FORWARD, DropLink(None, "b"), RunCommand(None, ("ip", "x"))), notes) == ()
    assert notes.calls == ["ip x", "b", "net.ipv4.ip_forward=0", "a"]


def test_a_second_undo_does_nothing() -> None:
    of, notes = journal(DropNetns("a"), RunCommand(None, ("ip", "x"))), Notes()
    undo(of, notes)
    undo(of, notes)
    assert notes.calls == ["ip x", "a"]


def test_what_carries_another_mark_is_left_and_named() -> None:
    of = journal(DropNetns("a"), DropLink(None, "b"))
    left = undo(of, Notes(strangers=("a", "b")))
    assert [line.partition(" does not carry the mark")[0] for line in left] == ["link b", "namespace a"]


def test_a_sysctl_that_somebody_has_changed_since_is_left() -> None:
    notes = Notes(sysctl=7)
    assert undo(journal(FORWARD), notes) == ("net.ipv4.ip_forward is 7 now, neither 1 nor the old 0: left as it is",)
    assert notes.calls == []


def test_a_command_is_not_run_for_a_change_that_may_never_have_been_made() -> None:
    notes = Notes()
    left = undo(journal(RunCommand(None, ("ip", "x")), made=False), notes)
    assert left == ("it is not known whether this has to be run: ip x",)
    assert notes.calls == []


def test_marked_things_are_looked_for_though_it_is_not_known_whether_they_were_made() -> None:
    notes = Notes()
    assert undo(journal(DropNetns("a"), DropLink(None, "b"), made=False), notes) == ()
    assert notes.calls == ["b", "a"]


def test_a_failure_does_not_stop_the_rest_and_keeps_the_journal_for_the_next_attempt(tmp_path: Path) -> None:
    of = Journal.create(tmp_path, "lab")
    for inverse in (DropNetns("a"), RunCommand(None, ("ip", "x")), DropLink(None, "b")):
        of.made(of.will(inverse))
    left = undo(of, Notes(fails=("b", "ip")))
    assert left == ("cannot undo link b: Device or resource busy", "cannot undo by ip x: Bad rule")

    again = Journal.adopt(tmp_path, "lab")
    assert again is not None
    notes = Notes()
    assert undo(again, notes) == ()
    assert notes.calls == ["b", "ip x"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [0, 1])
def test_a_sysctl_is_written_back_whether_or_not_the_change_was_made(value: int) -> None:
    notes = Notes(sysctl=value)
    assert undo(journal(FORWARD, made=False), notes) == ()
    assert notes.calls == ["net.ipv4.ip_forward=0"]


@pytest.mark.parametrize(
    ("inverse", "words"),
    [
        (DropNetns("shop-web"), "ip netns del shop-web"),
        (DropLink(None, "ps0"), "ip link del ps0"),
        (WriteSysctl("/run/netns/a", "net.ipv4.ip_forward", 0, 1), f"{ENTER} sysctl -w net.ipv4.ip_forward=0"),
        (
            WriteSysctl(None, "net.ipv4.conf.eth0.100.rp_filter", 1, 0),
            "sysctl -w net/ipv4/conf/eth0.100/rp_filter=1",
        ),
        (
            RunCommand("/run/netns/a", ("iptables-nft", "-D", "FORWARD", "-j", "DROP")),
            f"{ENTER} iptables-nft -D FORWARD -j DROP",
        ),
        (EndProcess(7, 100), "kill 7"),
    ],
)
def test_a_way_back_is_told_as_the_command_that_does_the_same(inverse: Inverse, words: str) -> None:
    assert " ".join(command(inverse)) == words


def test_ways_back_are_told_last_first_without_those_that_were_gone() -> None:
    gone = Entry(1, DropNetns("b"), made=True, undone=True)
    entries = (Entry(0, DropNetns("a"), made=True), gone, Entry(2, EndProcess(7, 1), made=True))
    assert ways_back(entries) == (("kill", "7"), ("ip", "netns", "del", "a"))
