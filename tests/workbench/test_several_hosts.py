"""`why --with` and `snapshot --with`: hosts from files, and what is said of those that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.model.host import Snapshot
from engine.observe.recording.snapshot_file import dumps, open_file
from tests.several.hosts import MACS, docker_machine, machine, seen
from workbench.cli import main


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """app1.json, db1.json and shop.json in the current folder."""
    monkeypatch.chdir(tmp_path)
    app, one = machine("10.9.0.1/24", MACS["app1"])
    data, other = machine("10.9.0.2/24", MACS["db1"])
    one.neighbour("eth0", "10.9.0.2", MACS["db1"], "stale")
    other.listen(5432)
    hosts: dict[str, Snapshot] = {"app1": seen(app, "app1"), "db1": seen(data, "db1"), "shop": docker_machine("shop")}
    for name, snapshot in hosts.items():
        (tmp_path / f"{name}.json").write_text(dumps(snapshot))
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(words)
    out, err = capsys.readouterr()
    return code, out, err


def test_a_question_between_two_files(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "why", "db1/:5432", "--from", "app1", "--with", "app1.json", "--with", "db1.json")
    assert (code, err) == (0, "")
    assert out.startswith("✓ app1 → 10.9.0.2:5432/tcp")
    assert files.exists()


def test_a_file_may_be_given_another_name(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "why", "data/:5432", "--from", "app1", "--with", "app1.json", "--with", "data=db1.json")
    assert (code, "in data" in out) == (0, True)
    assert files.exists()


def test_several_hosts_in_one_file(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "snapshot", "--with", "app1.json", "--with", "db1.json", "-o", "both.json")[0] == 0
    assert [each.name for each in open_file(files / "both.json").machines] == ["app1", "db1"]
    code, out, _ = said(capsys, "why", "db1/:80", "--from", "app1", "--snapshot", "both.json")
    assert (code, "nothing listens on port 80/tcp in db1" in out) == (1, True)
    code, out, _ = said(capsys, "why", "shop/:8080", "--from", "shop", "--snapshot", "both.json", "--with", "shop.json")
    assert (code, out.startswith("✓ shop → ")) == (0, True)


def test_each_address_of_a_host_is_asked_where_they_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """db1 is on two segments that app1 is on, and drops what comes by one of them."""
    monkeypatch.chdir(tmp_path)
    app, one = machine("10.9.0.1/24", MACS["app1"])
    data, other = machine("10.9.0.2/24", MACS["db1"])
    for host, address in ((one, "10.8.0.1/24"), (other, "10.8.0.2/24")):
        host.link("eth1", mac=f"3c:fd:fe:00:01:{address[7]:0>2}")
        host.address("eth1", address)
    other.listen(5432)
    (tmp_path / "app1.json").write_text(dumps(seen(app, "app1")))
    question = ("why", "db1/:5432", "--from", "app1", "--with", "app1.json", "--with", "db1.json")
    (tmp_path / "db1.json").write_text(dumps(seen(data, "db1")))
    code, out, _ = said(capsys, *question)
    assert (code, out.splitlines()[0]) == (0, "✓ app1 → 10.9.0.2:5432/tcp   connects")
    other.iptables("*filter\n:INPUT ACCEPT\n-A INPUT -i eth0 -p tcp -m tcp --dport 5432 -j DROP\nCOMMIT\n")
    (tmp_path / "db1.json").write_text(dumps(seen(data, "db1")))
    code, out, _ = said(capsys, *question)
    first, second = out.splitlines()
    assert (code, first.split()[:4], second.split()[:4]) == (
        1,
        ["✗", "app1", "10.9.0.2:5432/tcp", "timeout"],
        ["✓", "app1", "10.8.0.2:5432/tcp", "connected"],
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--with", "db1.json", "--with", "db1.json"), "two hosts are called 'db1': db1.json and db1.json"),
        (("--with", "gone.json"), "cannot read gone, which the question is about: gone.json cannot be read"),
        (("--with", "ssh://-oProxyCommand=x"), "names no machine: write ssh://[USER@]HOST[:PORT]"),
        (("--with", "db1.json", "--prove"), "--prove and --watch are about this host alone"),
        (("--with", "db1.json", "--watch"), "--prove and --watch are about this host alone"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    files: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], line: str
) -> None:
    first = () if "--prove" in words or "--watch" in words else ("--snapshot", "app1.json")
    code, out, err = said(capsys, "why", "gone/:80", "--from", "app1", *first, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert line in err
    assert files.exists()


def test_a_file_with_two_hosts_of_one_name_is_taken_for_one(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "snapshot", "--with", "app1.json", "--with", "db1.json", "-o", "both.json")
    text = (files / "both.json").read_text()
    (files / "both.json").write_text(text.replace('"name": "db1", "home": "db1"', '"name": "app1", "home": "db1"'))
    snapshot = open_file(files / "both.json")
    assert snapshot.machines == snapshot.joins == ()
    assert [gap.reason for gap in snapshot.gaps] == [
        "two hosts in the file have one name; they are taken for a single one"
    ]
    assert said(capsys, "why", "10.9.0.2:5432", "--snapshot", "both.json")[0] == 3


EDGE = """
schema: portscope.edge/1
security_groups:
  db: {on: [db1], inbound: [allow tcp 22 from anywhere]}
"""


def test_an_edge_file_says_what_is_between(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "edge.yaml").write_text(EDGE)
    withs = ("--with", "app1.json", "--with", "db1.json", "--edge", "edge.yaml")
    code, out, err = said(capsys, "why", "db1/:5432", "--from", "app1", *withs)
    assert (code, err) == (1, "")
    assert "drop what db does not allow (edge.yaml)" in out
    assert "fix           allow tcp 5432 from 10.9.0.1 to 10.9.0.2 in security group db (inbound)" in out
    assert said(capsys, "snapshot", *withs, "-o", "both.json")[0] == 0
    assert said(capsys, "why", "db1/:5432", "--from", "app1", "--snapshot", "both.json")[0] == 1


def test_a_wrong_edge_file_is_one_line(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "edge.yaml").write_text(EDGE.replace("inbound", "inbounds"))
    question = ("why", "db1/:5432", "--from", "app1", "--with", "app1.json", "--with", "db1.json")
    code, out, err = said(capsys, *question, "--edge", "edge.yaml")
    assert (code, out) == (2, "")
    assert "edge.yaml:4: security_groups.db.inbounds is not a key that is known here; did you mean inbound?" in err
    code, _, err = said(capsys, *question, "--edge", "gone.yaml")
    assert (code, "gone.yaml" in err, err.count("\n")) == (2, True, 1)


def test_a_host_that_only_the_file_knows_is_left_out(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "edge.yaml").write_text(EDGE.replace("[db1]", "[db1, db2]"))
    question = ("why", "db1/:22", "--from", "app1", "--with", "app1.json", "--with", "db1.json", "--edge", "edge.yaml")
    code, out, err = said(capsys, *question)
    assert (code, err) == (1, "portscope: edge.yaml:4: no host db2 was given; what the file says of it is left out\n")
    assert "nothing listens on port 22/tcp in db1" in out
    code, _, err = said(capsys, "why", "db2/:22", "--from", "app1", *question[4:])
    assert (code, "cannot read db2, which the question is about" in err) == (2, True)
