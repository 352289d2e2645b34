from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from engine.model.container import Network
from engine.model.host import Gap
from engine.observe.engines import sockets
from engine.observe.engines.container_view import ContainerView
from engine.observe.engines.containers import in_picture, read_containers
from engine.observe.engines.docker import read_engine
from engine.observe.engines.sockets import Engine, _named, find_engines, is_the_machine_s, parse_unix
from engine.observe.proc.processes import ProcessTable, Running
from tests.observe.docker_documents import bridge_network, inspected, listed
from tests.observe.fake_engine import as_http, fake_engine

LIST = "/containers/json?all=1"


def inspect(number: int) -> str:
    return f"/containers/{number:064x}/json"


def own_netns() -> int:
    return os.stat("/proc/self/ns/net").st_ino


def living(number: int) -> dict[str, object]:
    """An inspection of a container that runs here, as this very process."""
    return inspected(number, State={"Status": "running", "Pid": os.getpid()})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "engine.sock"


def read(path: Path, answers: Mapping[str, object], timeout: float = 2.0) -> ContainerView:
    with fake_engine(path, answers):
        return read_engine(Engine("docker", str(path)), timeout)


def test_containers_networks_and_sandboxes_of_an_engine(path: Path) -> None:
    view = read(path, {LIST: [listed(1)], "/networks": [bridge_network()], inspect(1): living(1)})
    assert [(each.name, each.pid, each.engine) for each in view.containers] == [("web1", os.getpid(), "docker")]
    assert [network.bridge for network in view.networks] == ["docker0"]
    sandbox = view.sandboxes[f"{1:064x}"]
    assert (sandbox.inode, sandbox.path, sandbox.pid) == (own_netns(), f"/proc/{os.getpid()}/ns/net", os.getpid())
    assert view.gaps == ()
    assert {port for _, port in view.published} == {8080}


def test_of_an_engine_that_was_read_before_only_the_named_containers_are_asked_for(path: Path) -> None:
    answers = {
        LIST: [listed(1), listed(2)], "/networks": [bridge_network()], inspect(1): living(1), inspect(2): living(2)
    }  # fmt: skip
    engine, first, second = Engine("docker", str(path)), f"{1:064x}", f"{2:064x}"
    with fake_engine(path, answers):
        whole = read_engine(engine)
    path.unlink()
    named = f"{LIST}&filters={quote(json.dumps({'id': [first]}))}"
    paused = inspected(1, State={"Status": "paused", "Pid": os.getpid()})
    with fake_engine(path, {named: [listed(1)], "/networks": [], inspect(1): paused}) as asked:
        again = read_engine(engine, before=(whole, {first}))
        assert asked == [named, "/networks", inspect(1)]
        assert read_engine(engine, before=(whole, ())) == whole
    assert [each.state for each in again.containers] == ["paused", "running"]
    assert again.containers[1] is whole.containers[1]
    assert (again.sandboxes, again.networks) == (whole.sandboxes, ())
    path.unlink()
    with fake_engine(path, {named: [], "/networks": []}):
        assert [each.id for each in read_engine(engine, before=(whole, {first})).containers] == [second]


def test_an_engine_in_trouble_is_read_as_a_whole(path: Path) -> None:
    before = ContainerView(gaps=(Gap("docker", "", "did not answer"),), sockets=(str(path),))
    with fake_engine(path, {LIST: [], "/networks": []}) as asked:
        read_engine(Engine("docker", str(path)), before=(before, {"a" * 64}))
        read_engine(Engine("docker", str(path)), before=(replace(before, gaps=()), [f"{n:064x}" for n in range(99)]))
    assert asked == [LIST, "/networks"] * 2


def test_the_engines_own_namespace_file_comes_first_when_it_is_one(path: Path, tmp_path: Path) -> None:
    settings = {"SandboxKey": "/proc/self/ns/net"}
    document = living(1) | {"NetworkSettings": settings}
    view = read(path, {LIST: [listed(1)], "/networks": [], inspect(1): document})
    assert view.sandboxes[f"{1:064x}"].path == "/proc/self/ns/net"
    plain = tmp_path / "left-over"
    plain.touch()
    document = living(1) | {"NetworkSettings": {"SandboxKey": str(plain)}}
    path.unlink()
    view = read(path, {LIST: [listed(1)], "/networks": [], inspect(1): document})
    assert view.sandboxes[f"{1:064x}"].path == f"/proc/{os.getpid()}/ns/net"


def test_pids_of_another_pid_namespace_are_left_out(path: Path) -> None:
    with fake_engine(path, {LIST: [listed(1)], "/networks": [], inspect(1): living(1)}):
        view = read_engine(Engine("docker", str(path), same_pids=False))
    assert view.containers[0].pid is None
    assert view.sandboxes == {}
    assert [("web1" in gap.reason) for gap in view.gaps] == [True]


def test_a_container_in_another_containers_namespace_shares_its_sandbox(path: Path) -> None:
    guest = inspected(
        2, State={"Status": "running", "Pid": 2**22 + 1}, HostConfig={"NetworkMode": f"container:{1:064x}"}
    )
    answers = {LIST: [listed(1), listed(2)], "/networks": [], inspect(1): living(1), inspect(2): guest}
    view = read(path, answers)
    assert {sandbox.inode for sandbox in view.sandboxes.values()} == {own_netns()}
    assert len(view.sandboxes) == 2


def test_a_container_removed_meanwhile_was_never_there(path: Path) -> None:
    view = read(path, {LIST: [listed(1), listed(2)], "/networks": [], inspect(2): living(2)})
    assert [each.name for each in view.containers] == ["web2"]
    assert view.gaps == ()


def test_an_engine_that_hangs_in_the_middle_keeps_what_it_listed(path: Path) -> None:
    answers = {LIST: [listed(1), listed(2)], "/networks": [], inspect(1): living(1), inspect(2): b""}
    view = read(path, answers, timeout=0.5)
    assert [(each.name, each.state) for each in view.containers] == [("web1", "running"), ("web2", "running")]
    assert [(gap.source, "did not answer" in gap.reason) for gap in view.gaps] == [("docker", True)]


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n", as_http({"message": "no"}, "500 Internal Server Error")])
def test_an_engine_that_cannot_be_read_is_one_gap(path: Path, answer: bytes) -> None:
    view = read(path, {LIST: answer}, timeout=0.05)
    assert (view.containers, view.networks) == ((), ())
    assert [gap.source for gap in view.gaps] == ["docker"]


def test_documents_of_the_wrong_kind_are_as_good_as_empty(path: Path) -> None:
    assert read(path, {LIST: {"a": 1}, "/networks": None}) == ContainerView(sockets=(str(path),))


def test_podman_is_known_by_its_server_name(path: Path) -> None:
    podman = "Libpod/5.4.2 (linux)"
    network = {"name": "podman", "id": "2f25", "driver": "bridge", "network_interface": "podman0"}
    answers = {
        LIST: as_http([listed(1)], server=podman),
        "/v4.0.0/libpod/networks/json": as_http([network], server=podman),
        inspect(1): living(1),
    }
    view = read(path, answers)
    assert view.containers[0].engine == "podman"
    assert view.networks == (Network("podman", "podman", "bridge", "podman0"),)
    assert view.containers[0].command == ("podman", "--url", f"unix://{path}")


# --- which engines there are ----------------------------------------------------------------------------


@pytest.fixture
def lonely(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without engines in the usual places."""
    monkeypatch.setattr(
        "engine.observe.engines.sockets.DEFAULTS", {"docker": (str(tmp_path / "usual.sock"),), "podman": ()}
    )
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return tmp_path


def test_a_machine_without_engines_has_no_containers_and_no_gap(lonely: Path) -> None:
    assert read_containers(ProcessTable(), own_netns()) == ContainerView()


def test_an_engine_in_its_usual_place_needs_no_option(lonely: Path) -> None:
    with fake_engine(lonely / "usual.sock", {}):
        (engine,), gaps = find_engines(ProcessTable(), own_netns())
    assert (engine.name, engine.command, engine.ours, gaps) == ("docker", ("docker",), True, ())


def test_docker_host_names_a_socket(lonely: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lonely / "mine.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with fake_engine(path, {}), fake_engine(lonely / "usual.sock", {}):
        engines, _ = find_engines(ProcessTable(), own_netns())
    assert [engine.command for engine in engines] == [
        ("docker", "-H", f"unix://{path}"),
        ("docker", "-H", f"unix://{lonely / 'usual.sock'}"),
    ]
    assert len({engine.name for engine in engines}) == 2


def test_an_engine_elsewhere_is_a_gap_that_tells_no_password(lonely: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://me:s3cret@example.org")
    engines, (gap,) = find_engines(ProcessTable(), own_netns())
    assert engines == ()
    assert "ssh://" in gap.reason
    assert "s3cret" not in gap.reason


def test_two_paths_to_one_socket_are_one_engine(lonely: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(lonely))
    with fake_engine(lonely / "usual.sock", {}):
        (lonely / "docker.sock").symlink_to(lonely / "usual.sock")
        engines, _ = find_engines(ProcessTable(), own_netns())
    assert len(engines) == 1


def test_a_dockerd_is_found_by_its_socket_wherever_that_is(lonely: Path) -> None:
    """This process plays dockerd: it holds a listening socket in a folder that nobody would guess."""
    daemon = ProcessTable((Running(os.getpid(), "dockerd", "S", own_netns()),))
    with fake_engine(lonely / "docker-odd.sock", {}), fake_engine(lonely / "metrics.sock", {}):
        (engine,), _ = find_engines(daemon, own_netns())
        assert (engine.socket, engine.name, engine.ours) == (str(lonely / "docker-odd.sock"), "docker", True)
        (engine,), _ = find_engines(daemon, own_netns() + 1)
        assert (engine.name, engine.ours) == (f"docker {lonely / 'docker-odd.sock'}", False)


def test_a_dockerd_without_a_socket_is_a_gap(lonely: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.observe.engines.sockets.sockets_of", lambda _pid: set())
    daemon = Running(os.getpid(), "dockerd", "S", own_netns())
    engines, (gap,) = find_engines(ProcessTable((daemon,)), own_netns())
    assert engines == ()
    assert re.search(r"pid \d+", gap.reason)


OURS, FOREIGN = Engine("docker", "/a.sock"), Engine("docker", "/b.sock", ours=False)


@pytest.mark.parametrize(
    ("found", "pid_1_at", "asked"),
    [((OURS, FOREIGN), 8, (OURS,)), ((OURS, FOREIGN), 7, (OURS, FOREIGN)), ((FOREIGN,), 8, (FOREIGN,)), ((), 8, ())],
)
def test_other_engines_are_in_the_picture_of_the_machine_and_of_a_host_without_one(
    found: tuple[Engine, ...], pid_1_at: int, asked: tuple[Engine, ...]
) -> None:
    assert in_picture(found, (), ProcessTable((Running(1, "init", "S", pid_1_at),)), 7) == (asked, ())


def test_a_host_with_pods_of_its_own_is_not_asked_for_the_engines_of_others() -> None:
    others = (Engine("docker", "/other.sock", ours=False),)
    table = ProcessTable((Running(1, "init", "S", 9), Running(70, "containerd-shim", "S", 7)))
    assert in_picture(others, (), table, 7) == ((), ())
    assert in_picture(others, (), table, 8) == (others, ())


UNIX_TABLE = """\
Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01  6290 /run/a folder/docker.sock
0000000000000000: 00000003 00000000 00000000 0001 03  6291 /run/docker.sock
0000000000000000: 00000002 00000000 00010000 0001 01  6292 @abstract
0000000000000000: 00000002 00000000 00010000 0001 01  6293
"""


def test_only_listening_sockets_with_a_path_are_read_from_proc() -> None:
    assert list(parse_unix(UNIX_TABLE.splitlines())) == [(6290, "/run/a folder/docker.sock")]


def test_a_container_s_commands_name_the_socket_as_the_machine_s_shell_does() -> None:
    seen = Engine("docker", "/proc/7/cwd/run/docker.sock", root="/proc/7/cwd", typed="/run/docker.sock")
    elsewhere = replace(seen, typed="")
    assert seen.command == ("docker", "-H", "unix:///run/docker.sock")
    assert elsewhere.command == ("docker", "-H", "unix:///proc/7/cwd/run/docker.sock")
    assert _named([seen])[0].command == ("docker",)
    assert _named([elsewhere])[0].command == elsewhere.command


def test_the_machine_knows_a_file_by_its_path_where_the_first_process_does(tmp_path: Path, monkeypatch) -> None:
    mine = tmp_path / "docker.sock"
    mine.touch()
    marks = (str(tmp_path / "mark"),)
    monkeypatch.setattr(sockets, "CONTAINER_MARKS", marks)
    assert not is_the_machine_s(f"{mine}.gone", "/proc/self/root")
    try:
        os.stat(f"/proc/1/root{mine}")
    except PermissionError:  # the first process is guarded here: then it is the mark of a container that decides
        assert not is_the_machine_s(str(mine), "/proc/self/root")
        Path(*marks).touch()
    assert is_the_machine_s(str(mine), "/proc/self/root")
