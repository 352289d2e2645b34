"""Labs of an ordinary user: they stay in a user namespace, every verb finds them, and what is killed leaves nothing."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fidelity.record import FOLDER
from tests.harness.needs import require
from tests.harness.ordinary import User, ordinary_user
from tests.harness.processes import wait

require("ip", "iptables-nft", "setpriv", root=True)

FILE = """\
name: shop
services:
  web: {ports: ["8080:80"], networks: [front]}
  db: {expose: ["5432"], networks: [back]}
networks: {front: {}, back: {}}
x-lab:
  checks:
    - {from: lan, to: ":8080", expect: connected}
    - {from: web, to: "172.19.0.2:5432", expect: timeout}
"""
ASK = "import socket; print(socket.create_connection(('192.168.30.1', 8080), 2).makefile().read(), end='')"
#: A name of the lab, as the C library looks it up.
NAMED = "import socket; print(socket.gethostbyname('web'))"


@pytest.fixture(scope="module")
def user() -> Iterator[User]:
    """A number that no other test run has, so that the processes of that user are this module's."""
    with ordinary_user("pyroute2", "ruamel.yaml", "dns", number=100_000 + secrets.randbelow(1_000_000)) as found:
        yield found
        nothing_is_left(found)


def nothing_is_left(user: User) -> None:
    """All that an ordinary user's lab consists of goes with its last process."""
    wait(lambda: not user.processes(), f"{user.processes()} do not end", 10)


def lab(user: User, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    argv = [*user.python, "-m", "workbench.start", "lab", *words]
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=60, check=False)


def said(user: User, *words: str) -> str:
    done = lab(user, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def file(tmp_path: Path) -> Iterator[str]:
    path = Path(f"/tmp/portscope-{tmp_path.name}-{secrets.token_hex(3)}.yaml")
    path.write_text(FILE)
    yield str(path)
    path.unlink(missing_ok=True)


def test_every_verb_of_an_ordinary_user_finds_the_lab_until_it_is_down(user: User, file: str) -> None:
    assert said(user, "list") == ""
    assert "ip netns add shop-host" in said(user, "up", file, "--dry-run").splitlines()
    assert user.processes() == []
    up = lab(user, "up", file)
    assert (up.returncode, up.stdout) == (0, "")
    assert "user namespace" in up.stderr
    assert "is up and matches the file" in lab(user, "up", file).stderr
    assert said(user, "list").startswith("shop  2 services  docker-26")
    document = json.loads(said(user, "show", "shop", "--json"))
    assert [node["name"] for node in document["nodes"]] == ["host", "lan", "web", "db"]
    assert said(user, "port", "shop", "web").startswith("80/tcp -> 0.0.0.0:8080")
    assert said(user, "exec", "shop-lan", "--", user.python[-1], "-c", ASK).startswith("web saw 192.168.30.2:")
    assert said(user, "exec", "shop-web", "--", user.python[-1], "-c", NAMED).strip() == "172.18.0.2"
    assert lab(user, "exec", "shop-db", "--", user.python[-1], "-c", NAMED).returncode == 1
    assert said(user, "check", "shop").count("ok ") == 2
    assert said(user, "break", "shop", "docker-user-drop", "--tell").startswith("An administrator")
    failed = lab(user, "check", "shop", "--json")
    assert failed.returncode == 1
    assert not all(each["holds"] for each in json.loads(failed.stdout)["checks"])
    said(user, "mend", "shop")
    assert said(user, "check", "shop").count("ok ") == 2
    assert "8080:80" in said(user, "save", "shop")
    Path(file).write_text(FILE.replace("8080:80", "8081:80"))
    said(user, "up", file)
    assert said(user, "port", "shop", "web").startswith("80/tcp -> 0.0.0.0:8081")
    Path(file).unlink()
    assert said(user, "down", "shop") == ""
    nothing_is_left(user)


def test_the_end_of_who_keeps_the_namespaces_is_the_end_of_everything_in_them(user: User, file: str) -> None:
    said(user, "up", file)
    (holder,) = (process for process in user.processes() if process.name == "portscope-labs")
    assert sorted(process.name for process in user.processes()) == [
        "portscope-labs",
        "portscope-names",
        "portscope-relay",
        "portscope-serve",
    ]
    os.kill(holder.pid, signal.SIGKILL)
    nothing_is_left(user)
    assert said(user, "list") == ""


DEADLY = """
import os, signal, sys
from engine.apply import journal
from engine.apply.hands import Hands
from workbench import cli
owner, name, number, *words = sys.argv[1:]
owner, calls = {"journal": journal.Journal, "hands": Hands}[owner], []
real = getattr(owner, name)
def deadly(*arguments, **named):
    calls.append(1)
    if len(calls) == int(number):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **named)
setattr(owner, name, deadly)
cli.main(words)
"""


def kill_in_up(user: User, file: str, owner: str, name: str, number: int) -> None:
    """Kills `lab up` when it calls a function for the N-th time."""
    argv = [*user.python, "-c", DEADLY, owner, name, str(number), "lab", "up", file]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_killed_up_leaves_nothing_where_no_other_lab_stands(user: User, file: str) -> None:
    for owner, name, number in (("journal", "create", 1), ("hands", "create_veth", 2)):
        kill_in_up(user, file, owner, name, number)
        nothing_is_left(user)


def test_a_killed_up_beside_a_lab_that_stands_is_taken_away_by_down(user: User, file: str) -> None:
    said(user, "up", "gallery:default-bridge")
    kill_in_up(user, file, "journal", "made", 2)
    assert said(user, "list").startswith("default-bridge")
    assert said(user, "down", "shop") == ""
    assert "shop" not in said(user, "exec", "default-bridge-host", "--", "ls", "/run/netns", "/run/portscope/labs")
    said(user, "down", "default-bridge")
    nothing_is_left(user)


def test_two_programs_that_start_at_once_share_one_place(user: User, file: str) -> None:
    words = [*user.python, "-m", "workbench.start", "lab", "up"]
    both = [subprocess.Popen([*words, which], stderr=subprocess.PIPE) for which in (file, "gallery:default-bridge")]
    assert [process.communicate(timeout=60) and process.returncode for process in both] == [0, 0]
    assert [line.split()[0] for line in said(user, "list").splitlines()] == ["default-bridge", "shop"]
    for name in ("shop", "default-bridge"):
        said(user, "down", name)
    nothing_is_left(user)


def test_an_ordinary_user_rebuilds_a_host_of_root(user: User) -> None:
    path = Path(f"/tmp/portscope-twin-{secrets.token_hex(3)}.json.gz")
    path.write_bytes((FOLDER / "docker-user-drop.json.gz").read_bytes())
    path.chmod(0o644)
    try:
        checked = lab(user, "twin", str(path), "--verify", "--json")
        assert checked.returncode == 0, checked.stderr
        document = json.loads(checked.stdout)
        assert (document["refused"], document["differs"]) == ([], [])
        assert {cell["seen"] == cell["predicted"] for cell in document["cells"]} == {True}
        tried = said(user, "twin", str(path), "--try", ":8080", "--from", "ns:lan")
        assert tried.rstrip().endswith("a real client    connected")
    finally:
        path.unlink()
    nothing_is_left(user)
