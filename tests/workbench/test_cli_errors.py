"""Bad input: one line on stderr that says what to do, the promised exit code, nothing on stdout, never a traceback."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from engine.model.container import Attachment, Container
from engine.model.host import Netns, Snapshot
from engine.observe.recording.snapshot_file import dumps
from tests.harness.needs import require
from workbench.cli import main
from workbench.commands.labs import lab as commands
from workbench.exits import Exit

REPOSITORY = Path(__file__).resolve().parents[2]
TARGET = "192.0.2.1:8080"

WEB = Container("0123456789ab", "web", "docker", "running", netns="web", pid=7, command=("docker",))
STOPPED = Container(
    "123456789abc",
    "stopped",
    "docker",
    "exited",
    attachments=(Attachment("bridge", IPv4Address("172.17.0.3")),),
    command=("docker",),
)
ALSO_WEB = Container("23456789abcd", "web", "podman", "running", netns="web2", pid=8, command=("podman",))
HOST = Snapshot(
    "host", (Netns("host", 1), Netns("web", 2), Netns("web2", 3)), containers=(WEB, STOPPED, ALSO_WEB), kernel="6.18"
)


def portscope(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What the command does, in this process."""
    argv, out, err = [*map(str, arguments)], io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(argv)
    return subprocess.CompletedProcess(argv, code, out.getvalue(), err.getvalue())


def complaint(done: subprocess.CompletedProcess[str], code: int = 2) -> str:
    """The one line on stderr, once everything else about the end is as promised."""
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("portscope: ")
    assert "fault of portscope" not in lines[0]
    return lines[0]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A saved host: two engines that both have a container `web`, and a stopped container."""
    path = tmp_path / "host.json"
    path.write_text(dumps(HOST))
    return path


@pytest.mark.parametrize(
    ("words", "grammar"), [("--all", ""), ("why :80 --all", "why "), ("lab up FILE --all", "lab up ")], ids=str
)
def test_an_unknown_word_is_the_command_s_whose_help_lists_the_others(words: str, grammar: str) -> None:
    line = complaint(portscope(*words.split()))
    assert line == f"portscope: unrecognized arguments: --all; see 'portscope {grammar}--help'"


@pytest.mark.parametrize("source", ["ns:nowhere", "nobody", "ns:", "192.0.2.9@no0"])
def test_an_unknown_source_is_named(saved: Path, source: str) -> None:
    line = complaint(portscope("why", TARGET, "--from", source, "--snapshot", saved))
    assert source.removeprefix("ns:").rpartition("@")[2] in line


@pytest.mark.parametrize("port", ["0", "65536", "70000"])
def test_a_port_out_of_range_is_refused_with_the_range(saved: Path, port: str) -> None:
    assert "65535" in complaint(portscope("why", f"192.0.2.1:{port}", "--snapshot", saved))


@pytest.mark.parametrize("port", ["-1", "http", "", "8O8O", "80 "])
def test_a_port_that_is_no_number_is_refused(saved: Path, port: str) -> None:
    assert "port" in complaint(portscope("why", f"192.0.2.1:{port}", "--snapshot", saved))


@pytest.mark.parametrize(
    "target", ["192.0.2.1", "300.1.2.3:80", "nosuchcontainer:80", "[::1:80", "", "http://", "http://:80/"]
)
def test_a_target_that_cannot_be_meant_is_refused(saved: Path, target: str) -> None:
    complaint(portscope("why", target, "--snapshot", saved))


def test_a_container_that_does_not_run_is_refused_with_how_to_start_it(saved: Path) -> None:
    line = complaint(portscope("why", "stopped:80", "--snapshot", saved))
    assert "stopped" in line
    assert "start" in line


def test_a_source_container_that_does_not_run_is_refused(saved: Path) -> None:
    assert "stopped" in complaint(portscope("why", TARGET, "--from", "stopped", "--snapshot", saved))


@pytest.mark.parametrize("arguments", [("web:80",), (TARGET, "--from", "web")], ids=["target", "source"])
def test_a_name_of_two_containers_is_refused_with_both(saved: Path, arguments: tuple[str, ...]) -> None:
    line = complaint(portscope("why", *arguments, "--snapshot", saved))
    assert WEB.id[:12] in line
    assert ALSO_WEB.id[:12] in line


def test_one_of_two_containers_is_meant_by_its_id(tmp_path: Path) -> None:
    twins = (WEB, replace(ALSO_WEB, engine="docker", name="web2"))
    path = tmp_path / "twins.json"
    path.write_text(dumps(replace(HOST, containers=twins)))
    done = portscope("why", TARGET, "--from", ALSO_WEB.id[:6], "--snapshot", path)
    assert "Traceback" not in done.stderr
    assert done.returncode != 2, done.stderr


BROKEN = {
    "empty": b"",
    "truncated": dumps(HOST).encode()[:200],
    "not a snapshot": b'{"schema": "somebody.else/1"}',
    "from the future": b'{"schema": "portscope.snapshot/999"}',
    "wrong types": dumps(HOST).replace('"0123456789ab"', "[]").encode(),
    "binary": bytes(range(256)),
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "one field twice": b'{"schema": "portscope.snapshot/1", "host": "h", "host": "g"}',
    "no number": dumps(HOST).replace('"namespaces": [', '"namespaces": [NaN, ', 1).encode(),
    "a number without end": dumps(HOST).replace('"namespaces": [', '"namespaces": [' + "9" * 9000 + ", ", 1).encode(),
    "not UTF-8": dumps(HOST).encode().replace(b"0123456789ab", b"\xff\xfe\xfd", 1),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_snapshot_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    for command in (("why", TARGET, "--snapshot", path), ("open", path)):
        assert "broken.json" in complaint(portscope(*command))


def test_a_snapshot_that_is_not_there_is_refused_with_its_name(tmp_path: Path) -> None:
    for command in (("why", TARGET, "--snapshot", tmp_path / "none.json"), ("open", tmp_path / "none.json")):
        assert "none.json" in complaint(portscope(*command))
    complaint(portscope("why", TARGET, "--snapshot", tmp_path))


@pytest.mark.parametrize(
    "arguments",
    [("why",), ("whynot",), ("why", TARGET, "--form", "host"), ("open",), ("--write", "--read-only")],
    ids=str,
)
def test_a_command_line_that_is_none_points_to_the_help(arguments: tuple[str, ...]) -> None:
    assert "--help" in complaint(portscope(*arguments))


@pytest.fixture
def labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for labs, and beside it somebody's folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(commands, "join", lambda **_: None)
    (tmp_path / "mine").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", ["..", ".", "", "{}/mine", "../../mine"])
@pytest.mark.parametrize("verb", ["down", "show", "mend", "check", "save"])
def test_a_path_is_no_name_of_a_lab(labs: Path, verb: str, name: str) -> None:
    assert "no name for a lab" in complaint(portscope("lab", verb, name.format(labs)))
    assert (labs / "mine").is_dir()


def test_a_lab_that_is_not_up_is_said_to_be_none(labs: Path) -> None:
    assert "no lab shop is up" in complaint(portscope("lab", "down", "shop"), 0)
    assert "no lab shop is up" in complaint(portscope("lab", "show", "shop"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=str)
def test_a_signal_has_what_was_begun_taken_back_and_a_second_one_waits_for_that(
    labs: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    undone: list[str] = []

    def begin(_: object) -> Exit:
        try:
            os.kill(os.getpid(), number)
            time.sleep(60)
        finally:
            os.kill(os.getpid(), number)
            undone.append("all of it")
        return Exit.DONE

    usual = signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, usual)  # whoever started the tests may have had it ignored (nohup)
    monkeypatch.setattr(commands, "VERBS", {"down": begin})
    try:
        with pytest.raises(SystemExit) as end:
            portscope("lab", "down", "shop")
        assert (end.value.code, undone) == (128 + number, ["all of it"])
        assert signal.getsignal(number) == usual
    finally:
        signal.signal(number, before)


def test_without_privileges_it_says_what_was_not_seen_and_what_to_do() -> None:
    require("setpriv", root=True)
    if not os.access(sys.executable, os.X_OK):
        pytest.fail("the interpreter of the tests cannot be run by others")
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs")
    argv = [*nobody, sys.executable, "-m", "workbench.start", "why", "127.0.0.1:1"]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=REPOSITORY, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    assert "fault of portscope" not in done.stderr
    assert done.returncode in (1, 3, 4), done
    assert "root" in done.stdout + done.stderr
