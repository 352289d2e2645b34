"""Questions across real machines that are read by ssh: what portscope predicts is what a client there sees."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.examples import Example, examples
from tests.docs.prepared import hosts
from tests.harness.machine import Machine, Machines
from tests.harness.needs import require
from tests.harness.ssh import FOLDER, User, serve

require("unshare", "nsenter", "ip", "iptables-legacy", "ssh", "ssh-keygen", "dropbear", root=True)

PYTHON = ("python3", "-I", "-c")
LISTEN = "import socket, time; held = socket.create_server(('', 5432)); print('ready', flush=True); time.sleep(600)"
CONNECT = """
import socket, sys
try:
    socket.create_connection(("10.9.0.2", int(sys.argv[1])), 1.5); print("connects")
except TimeoutError: print("times out")
except ConnectionRefusedError: print("connection refused")
"""


@dataclass(frozen=True)
class Two:
    """A user in app1, and db1, which ssh reaches."""

    user: User
    app: Machine
    db: Machine


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with Machines() as made:
        app, db = made.machine("app1"), made.machine("db1")
        made.wire(app, "eth0", db, "eth0")
        app.ip("address add 10.9.0.1/24 dev eth0")
        db.ip("address add 10.9.0.2/24 dev eth0")
        db.run("iptables-legacy", "-A", "INPUT", "-p", "tcp", "--dport", "81", "-j", "DROP")
        db.start(*PYTHON, LISTEN, ready="ready")
        user = User(app, tmp_path_factory.mktemp("ssh"))
        user.knows("db1", "10.9.0.2")
        user.knows("laptop", "10.9.0.2")
        serve(db, user.public_key)
        yield Two(user, app, db)


@pytest.mark.parametrize("port", [5432, 80, 81])
def test_the_answer_is_what_the_client_sees(two: Two, port: int) -> None:
    seen = two.app.run(*PYTHON, CONNECT, str(port)).strip()
    answer = two.user.portscope("why", f"ssh://db1/:{port}")
    assert answer.splitlines()[0].endswith(f"app1 → 10.9.0.2:{port}/tcp   {seen}"), answer
    assert "which is eth0 of db1" in " ".join(answer.split())
    assert answer.endswith(f"exit {0 if port == 5432 else 1}\n")


def test_the_fix_runs_on_the_host_that_drops(two: Two) -> None:
    answer = two.user.portscope("why", "db1/10.9.0.2:81", "--with", "ssh://db1")
    assert "rule 1 of filter/INPUT in db1 drops" in answer
    assert "on db1: accept tcp to 10.9.0.2:81 before rule 1 of filter/INPUT" in answer
    assert "iptables-legacy -w -t filter -I INPUT 1" in answer


def test_the_way_back_asks_from_the_far_host(two: Two) -> None:
    answer = two.user.portscope("why", ":5432", "--from", "ssh://db1")
    assert answer.startswith("✗ db1 → 10.9.0.1:5432/tcp")
    assert "nothing listens on port 5432/tcp in app1" in answer


def test_nothing_is_left_on_a_host_that_was_read(two: Two) -> None:
    two.user.portscope("why", "ssh://db1/:80")
    assert two.db.run("ls", "/mnt", "/run/netns").split() == ["/mnt:", "ssh", "/run/netns:"]
    assert "sh -s" not in two.db.run("ps", "-ef")


def test_a_host_that_is_away_is_a_line_and_the_answer_stays(two: Two) -> None:
    answer = two.user.portscope("why", "db1/:5432", "--with", "ssh://db1", "--with", "ssh://10.9.0.77")
    lines = answer.splitlines()
    assert lines[0].startswith("portscope: ssh://10.9.0.77: ")
    assert lines[1].startswith("✓ app1 → 10.9.0.2:5432/tcp")
    assert lines[-1] == "exit 0"


def test_the_question_needs_a_host_that_cannot_be_read(two: Two) -> None:
    two.db.run("mv", f"{FOLDER}/authorized_keys", f"{FOLDER}/away")
    try:
        answer = two.user.portscope("why", "ssh://db1/:5432")
    finally:
        two.db.run("mv", f"{FOLDER}/away", f"{FOLDER}/authorized_keys")
    assert answer.splitlines() == [
        "portscope: cannot read db1, which the question is about: ssh://db1: it takes no key of yours: add one "
        "(`ssh-copy-id db1`), or load your agent (`ssh-add`)",
        "exit 2",
    ]


def test_the_guide_s_commands_are_answered(two: Two) -> None:
    hosts(two.user.folder)
    page = (Path(__file__).parents[2] / "docs" / "hosts.md").read_text(encoding="utf-8")
    asked = [each.command for each in examples(page) if isinstance(each, Example)]
    assert len(asked) >= 6
    said = {command: two.user.typed(command) for command in asked}
    ends = {text.splitlines()[-1] for text in said.values()}
    assert ends <= {"exit 0", "exit 1"}, said


def test_a_fleet_takes_the_machines_of_an_inventory(two: Two) -> None:
    folder = two.user.folder
    (folder / "bin" / "ansible-inventory").symlink_to(Path(sys.prefix) / "bin" / "ansible-inventory")
    (folder / "inventory.ini").write_text("[db]\ndb1\nhere ansible_connection=local\n")
    shown = two.user.portscope("fleet", "add", str(folder / "fleet"), str(folder / "inventory.ini"), "again=ssh://db1")
    assert shown.splitlines() == [
        f"portscope: {folder}/inventory.ini: here is reached by 'local', not by ssh",
        f"added 2 of 3 to {folder}/fleet, which has 2 hosts",
        "exit 2",
    ]
    two.user.portscope("fleet", "answer", str(folder / "fleet"), "--workers", "1", "--from", "lan")
    asked = "select host, port, process, verdict from reach where port = 5432 order by host"
    shown = two.user.portscope("fleet", "sql", str(folder / "fleet"), asked)
    assert [line.split() for line in shown.splitlines()[1:3]] == [
        ["again", "5432", "python3", "yes"],
        ["db1", "5432", "python3", "yes"],
    ]
