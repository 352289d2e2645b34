import os
import socket
from pathlib import Path

import pytest

from engine.observe.proc import processes
from engine.observe.proc.processes import ProcessTable, Running, parse_stat, read_holders, read_processes, socket_inode


def own_netns() -> int:
    return os.stat("/proc/self/ns/net").st_ino


@pytest.mark.parametrize(("hidden", "words"), [("/proc/1/stat", "may not be read"), ("/proc/1", "not shown (hidepid")])
def test_processes_that_proc_hides_are_a_gap(hidden: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: str) -> bytes:
        if path == hidden:
            raise PermissionError(1, "Operation not permitted")
        return Path(path).read_bytes()

    monkeypatch.setattr("engine.observe.proc.processes.small", read)
    monkeypatch.setattr("engine.observe.proc.processes.os.path.exists", lambda path: path != hidden)
    assert any(words in gap.reason for gap in read_processes().gaps)


def test_a_name_with_spaces_and_parentheses_is_read_whole() -> None:
    line = b"42 (tmux: (a) b) S 1 42 42 0 -1 4194304 100 0 0"
    assert parse_stat(line) == ("tmux: (a) b", "S", 4194304)


@pytest.mark.parametrize("line", [b"", b"42 (cut", b"42 (cut) S 1 2"])
def test_a_line_that_is_cut_off_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="cut off"):
        parse_stat(line)


def test_only_socket_links_have_a_socket_inode() -> None:
    assert socket_inode("socket:[4711]") == 4711
    assert socket_inode("pipe:[4711]") == 0
    assert socket_inode("/dev/null") == 0


def test_a_scan_finds_this_process_in_its_namespace() -> None:
    table = read_processes()
    assert os.getpid() in table.pids_by_netns[own_netns()]
    assert [process.pid for process in table.processes] == sorted(process.pid for process in table.processes)


def test_a_scan_takes_over_what_is_known_by_pid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.observe.proc.processes.os.listdir", lambda _: ["1", str(os.getpid()), "self"])
    whole = read_processes()
    assert read_processes(whole) is whole
    renamed = ProcessTable((Running(os.getpid(), "known", "S", 7), Running(2**22 + 1, "gone", "S", 7)))
    assert read_processes(renamed).by_pid[os.getpid()].name == "known"
    assert read_processes(renamed).by_pid.keys() == whole.by_pid.keys()


def test_the_holder_of_a_socket_is_found_with_its_user() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        inode = os.fstat(listening.fileno()).st_ino
        holders, gaps = read_holders(read_processes(), {own_netns(): [inode]})
    assert holders[inode].process.pid == os.getpid()
    assert holders[inode].process.uid == os.geteuid()
    assert holders[inode].program is None
    assert gaps == ()


def test_a_holder_in_another_namespace_than_its_socket_is_found_too() -> None:
    with socket.socket() as held:
        inode = os.fstat(held.fileno()).st_ino
        holders, _ = read_holders(read_processes(), {1: [inode]})
    assert holders[inode].process.pid == os.getpid()


def test_the_scan_of_descriptors_stops_when_every_socket_has_its_holder(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def sockets_of(pid: int) -> set[int]:
        read.append(pid)
        return {pid * 10}

    monkeypatch.setattr("engine.observe.proc.processes.sockets_of", sockets_of)
    table = ProcessTable(tuple(Running(pid, "x", "S", netns) for pid, netns in ((1, 7), (2, 8), (3, 7), (4, 7))))
    holders, _ = read_holders(table, {7: [30]})
    assert read == [2, 3], "those of other namespaces first: a visit asked the others"
    assert list(holders) == [30]


def test_a_shared_socket_goes_to_pid_1_only_if_nobody_else_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.observe.proc.processes.sockets_of", lambda pid: {50} if pid < 3 else set())
    table = ProcessTable(tuple(Running(pid, f"p{pid}", "S", 7) for pid in (1, 2, 3)))
    holders, _ = read_holders(table, {7: [50]})
    assert holders[50].process.name == "p2"


def test_sockets_without_an_inode_or_a_holder_stay_without() -> None:
    assert read_holders(ProcessTable((Running(os.getpid(), "me", "S", 1),)), {1: [0, 2**31]}) == ({}, ())


def test_a_process_that_ended_since_the_scan_holds_nothing() -> None:
    gone = Running(2**22 + 1, "gone", "S", 1)
    assert read_holders(ProcessTable((gone,)), {1: [5]}) == ({}, ())


def test_processes_that_may_not_be_read_make_one_gap_for_each_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_pid: int) -> set[int]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("engine.observe.proc.processes.sockets_of", refuse)
    table = ProcessTable(tuple(Running(pid, "other", "S", 7) for pid in (10, 11, 12)))
    holders, gaps = read_holders(table, {7: [5, 6], 8: [], 9: [15]}, {7: "host"})
    assert holders == {}
    assert [(gap.netns, gap.reason.split(";")[0]) for gap in gaps] == [
        ("host", "who holds 2 of the listening sockets is hidden"),
        ("", "who holds 1 of the listening sockets is hidden"),
    ]


@pytest.mark.parametrize(("uid", "remedy"), [(0, "more privileges"), (1000, "run as root")])
def test_a_gap_about_processes_says_what_helps(uid: int, remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("engine.observe.proc.processes.os.geteuid", lambda: uid)
    monkeypatch.setattr("engine.observe.proc.processes.os.readlink", refuse)
    table = read_processes()
    assert len(table.gaps) == 1
    assert remedy in table.gaps[0].reason
    assert table.pids_by_netns == {}
    assert table.processes != ()


ID = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("groups", "container"),
    [
        (f"0::/system.slice/docker-{ID}.scope\n", ID),
        (f"12:pids:/docker/{ID}\n1:name=systemd:/docker/{ID}\n", ID),
        (f"0::/machine.slice/libpod-{ID}.scope/container\n", ID),
        (f"0::/machine.slice/libpod-conmon-{ID}.scope\n", ""),
        (f"0::/kubepods.slice/kubepods-besteffort.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope\n", ID),
        (f"0::/docker/{'f' * 64}/docker/{ID}\n", ID),
        ("0::/user.slice/user-0.slice/session-1.scope\n", ""),
        ("", ""),
    ],
)
def test_the_container_of_a_process_is_in_the_name_of_its_cgroup(groups: str, container: str) -> None:
    assert processes.container_in(groups.encode()) == container
