"""Machines that are read by another program: what ssh and logins may print, and how they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.observe.remote import docker, ssh
from engine.observe.remote.collecting import RemoteError, run
from engine.observe.remote.ssh import SshPlace, place_of, take

#: A small file of the collect script.
WHOLE = "portscope-collected/1 M1\nM1 begin machine 0\n\nM1 end machine 0 \nM1 done\n"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is searched before all others."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def script(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("ssh://db1", SshPlace("db1")),
        ("ssh://db1/", SshPlace("db1")),
        ("ssh://deploy@db1.example:2222", SshPlace("db1.example", "deploy", 2222)),
        ("ssh://[fd00::2]:22", SshPlace("fd00::2", "", 22)),
        ("ssh://-oProxyCommand=reboot", None),
        ("ssh://-l@db1", None),
        ("ssh://", None),
        ("ssh://a b", None),
        ("db1", None),
    ],
)
def test_a_place_is_a_user_a_host_and_a_port(text: str, place: SshPlace | None) -> None:
    assert place_of(text) == place


def test_what_a_login_prints_does_not_spoil_the_file(program: Path) -> None:
    own = script_of_this_machine()
    script(program, "ssh", f"echo 'Welcome! portscope-collected/1 is not this line'; echo; {own}; echo logout")
    assert take(SshPlace("db1")).host_netns.links


def script_of_this_machine() -> str:
    """Runs what comes on stdin, as the far shell does."""
    return "exec_=sh; $exec_ -s"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("ssh: connect to host db1 port 22: Connection refused", "no SSH server answers there"),
        ("ssh: connect to host db1 port 22: Connection timed out", "it does not answer"),
        ("ssh: Could not resolve hostname db1: Name or service not known", "its name has no address here"),
        ("root@db1: Permission denied (publickey,password).", "it takes no key of yours"),
        ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @", "its host key has changed"),
        ("Host key verification failed.", "its host key is not known here"),
        ("kex_exchange_identification: read: Connection reset by peer", "Connection reset by peer"),
    ],
)
def test_each_failure_of_ssh_is_a_line_with_what_to_do(program: Path, said: str, words: str) -> None:
    script(program, "ssh", f"echo '{said}' >&2; exit 255")
    with pytest.raises(RemoteError, match=f"^ssh://db1: .*{words}"):
        take(SshPlace("db1"))


def test_a_connection_that_ends_half_way_says_so(program: Path) -> None:
    script(program, "ssh", f"printf '{WHOLE[:40]}'; echo 'Connection to db1 closed by remote host.' >&2; exit 255")
    with pytest.raises(RemoteError, match=r"^ssh://db1: the connection ended half-way"):
        take(SshPlace("db1"))


def test_a_machine_without_a_shell_says_what_it_said(program: Path) -> None:
    script(program, "ssh", "echo 'This account is for SFTP only'; exit 1")
    with pytest.raises(RemoteError, match=r"ran no POSIX shell that could collect \(This account is for SFTP only\)"):
        take(SshPlace("db1"))


def test_a_machine_that_never_ends_is_given_up(program: Path) -> None:
    script(program, "ssh", "exec sleep 30")
    with pytest.raises(RemoteError, match=r"ssh://db1 did not answer in 0 seconds"):
        run((str(program / "ssh"),), "ssh://db1", 0.2)


def test_a_machine_that_never_stops_printing_is_cut_off(program: Path) -> None:
    script(program, "ssh", "exec yes portscope")
    with pytest.raises(RemoteError, match=r"ssh://db1 printed more than 1 MiB, which is no snapshot"):
        run((str(program / "ssh"),), "ssh://db1", 20, 1 << 20)


def test_a_flood_of_complaints_is_bounded(program: Path) -> None:
    script(program, "ssh", "yes complaint | head -c 1000000 >&2; exit 1")
    printed = run((str(program / "ssh"),), "ssh://db1", 20)
    assert (printed.status, printed.output) == (1, "")
    assert 0 < len(printed.complaint) < 1 << 18


def test_ssh_is_asked_for_no_password_and_gets_no_option_as_a_host(program: Path) -> None:
    script(program, "ssh", f'printf "%s\\n" "$@" > {program}/argv; exit 255')
    with pytest.raises(RemoteError):
        take(SshPlace("db1", "deploy", 2222))
    argv = (program / "argv").read_text().splitlines()
    assert "BatchMode=yes" in argv
    assert argv[argv.index("-p") + 1] == "2222"
    assert argv[argv.index("--") + 1] == "deploy@db1"
    assert ssh.CONNECT >= 5


def test_an_engine_is_read_by_an_image_that_is_trusted_and_there(program: Path) -> None:
    listing = "if [ $3 = image ]; then echo 'stranger 1111'; echo 'alpine 2222'; exit 0; fi"
    script(program, "docker", f'printf "%s\\n" "$@" > {program}/argv; {listing}; exec sh -s')
    assert docker.take("far").host_netns.links
    argv = (program / "argv").read_text().splitlines()
    assert argv[:3] == ["--context", "far", "run"]
    assert argv[argv.index("--pull") + 1] == "never"
    assert "2222" in argv
    assert "1111" not in argv


def test_an_engine_without_such_an_image_says_which_would_do(program: Path) -> None:
    script(program, "docker", "[ $3 = image ] && echo 'stranger 1111'")
    with pytest.raises(RemoteError, match=r"docker://far: .*none of alpine, busybox, debian, ubuntu.*pull alpine"):
        docker.take("far")


def test_an_engine_that_is_not_there_says_so(program: Path) -> None:
    script(program, "docker", "echo 'Cannot connect to the Docker daemon at tcp://far:2375.' >&2; exit 1")
    with pytest.raises(RemoteError, match=r"docker://far: Cannot connect to the Docker daemon"):
        docker.take("far")
