"""What namespaces are called and which file enters them, without entering any."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from engine.model.container import Container
from engine.observe.base import namespaces
from engine.observe.base.errors import ObserveError
from engine.observe.base.namespaces import (
    NetnsRef,
    apart,
    discover,
    host_inode,
    name_all,
    open_place,
    side_by_side,
    way_in,
)
from engine.observe.engines.container_view import ContainerView, Sandbox
from engine.observe.look.look import owners
from engine.observe.look.snapshot import take

HOST, ROOT, NAMED, WEB, OTHER = 1, 2, 3, 4, 5


def places(*found: NetnsRef) -> dict[int, NetnsRef]:
    return {place.inode: place for place in found}


def test_names_come_from_run_netns_then_host_then_container_then_pid() -> None:
    found = places(
        NetnsRef(HOST, pids=(1,)), NetnsRef(NAMED, ("lan",)), NetnsRef(WEB, pids=(70,)), NetnsRef(OTHER, pids=(80, 81))
    )
    names = name_all(found, HOST, {WEB: "web"})
    assert names == {HOST: "host", NAMED: "lan", WEB: "web", OTHER: "pid-80"}


def test_a_host_with_a_name_keeps_it() -> None:
    assert name_all(places(NetnsRef(HOST, ("dh", "zz"))), HOST, {})[HOST] == "dh"


def test_a_clash_gives_the_later_name_a_suffix() -> None:
    found = places(NetnsRef(HOST), NetnsRef(NAMED, ("host",)), NetnsRef(WEB), NetnsRef(OTHER))
    names = name_all(found, HOST, {WEB: "host", OTHER: "host"})
    assert names == {NAMED: "host", HOST: "host-2", WEB: "host-3", OTHER: "host-4"}


def test_a_namespace_that_only_a_file_keeps_is_called_by_its_inode() -> None:
    assert name_all(places(NetnsRef(HOST), NetnsRef(WEB)), HOST, {})[WEB] == f"netns-{WEB}"


def test_the_namespace_of_every_root_shell_needs_no_file() -> None:
    place = NetnsRef(ROOT, ("root",), ways=("/run/netns/root",))
    assert way_in(place, HOST, ROOT) is None
    assert way_in(NetnsRef(HOST, ways=("/proc/7/ns/net",)), HOST, ROOT) == "/proc/7/ns/net"


def test_where_pid_1_is_hidden_an_unnamed_host_counts_as_its_namespace() -> None:
    assert way_in(NetnsRef(HOST, ways=("/proc/7/ns/net",)), HOST, None) is None
    assert way_in(NetnsRef(HOST, ("dh",), ways=("/run/netns/dh",)), HOST, None) == "/run/netns/dh"
    assert way_in(NetnsRef(OTHER, ways=("/proc/7/ns/net",)), HOST, None) == "/proc/7/ns/net"


def test_a_left_over_file_under_run_netns_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stale").touch()
    (tmp_path / "own").symlink_to("/proc/self/ns/net")
    monkeypatch.setattr(namespaces, "NAMED", str(tmp_path))
    found, gaps = discover({}, [])
    assert found[host_inode()].names == ("own",)
    assert [gap.source for gap in gaps] == [f"{tmp_path}/stale"]
    assert "left-over" in gaps[0].reason


def test_a_host_without_named_namespaces_is_no_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "NAMED", str(tmp_path / "none"))
    found, gaps = discover({WEB: (70, os.getpid())}, [(WEB, "/run/docker/netns/x")])
    assert gaps == ()
    assert list(found) == [host_inode(), WEB]
    assert (found[WEB].pids, found[WEB].ways) == ((70,), ("/run/docker/netns/x", "/proc/70/ns/net"))


def test_a_file_that_leads_elsewhere_by_now_is_not_used() -> None:
    with pytest.raises(FileNotFoundError, match="no file leads"):
        open_place(NetnsRef(host_inode() + 1, ways=("/proc/self/ns/net", "/proc/self/ns/absent")))


def test_work_apart_runs_in_another_thread_and_raises_here() -> None:
    assert apart(threading.get_ident) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        apart(lambda: 1 // 0)


def test_results_of_side_by_side_work_keep_the_order_of_their_items() -> None:
    assert side_by_side(lambda number: number * 2, range(100)) == [number * 2 for number in range(100)]
    assert side_by_side(str, ()) == []
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda number: 1 // number, (3, 2, 1, 0))


def test_without_room_for_a_thread_the_look_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(ObserveError, match="can't start new thread"):
        apart(lambda: 1)


def test_a_shared_namespace_is_named_after_its_owner() -> None:
    containers = (
        Container("a1", "a-sidecar", "docker", "running", network_mode="container:b2"),
        Container("b2", "web", "docker", "running"),
        Container("c3", "agent", "docker", "running", network_mode="host"),
    )
    sandboxes = {"a1": Sandbox(WEB, "x", 1), "b2": Sandbox(WEB, "x", 2), "c3": Sandbox(HOST, "y", 3)}
    assert owners(ContainerView(containers, sandboxes=sandboxes)) == {WEB: "web"}


def test_a_host_that_does_not_show_itself_cannot_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "_OWN", "/proc/self/absent")
    with pytest.raises(ObserveError, match="is /proc mounted"):
        take()
