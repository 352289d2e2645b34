"""What a proof writes: packets for Wireshark, and a case for a bug report."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import explain
from engine.observe.recording.snapshot_file import loads
from tests.fidelity.test_cases import read_case
from tests.harness.needs import require
from tests.kernel.proving import Net, routed_network

ROOT = Path(__file__).parents[2]


@pytest.fixture
def net() -> Iterator[Net]:
    require("ip", "nsenter", "nft", "tshark", root=True)
    with routed_network() as network:
        yield network


def prove(net: Net, *options: str) -> subprocess.CompletedProcess[str]:
    words = ("why", "10.8.1.1:8080", "--from", f"ns:{net.client.name}", "--prove", *options)
    argv = net.router.enter([sys.executable, "-m", "workbench.start", *words])
    return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT)


def tshark(path: Path, *fields: str) -> list[list[str]]:
    words = [word for field in fields for word in ("-e", field)]
    argv = ["tshark", "-r", str(path), "-T", "fields", "-E", "separator=|", *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return [line.split("|") for line in done.stdout.splitlines()]


def test_the_packets_open_in_wireshark_with_a_comment_each(net: Net, tmp_path: Path) -> None:
    path = tmp_path / "proof.pcapng"
    done = prove(net, "--pcap", str(path))
    assert done.returncode == 0, done.stderr
    rows = tshark(
        path, "frame.interface_name", "ip.dst", "tcp.dstport", "tcp.flags.syn", "tcp.flags.ack", "frame.comment"
    )
    syns = [row for row in rows if row[3:5] in (["1", "0"], ["True", "False"])]
    assert [(row[0], row[1], row[2]) for row in syns] == [
        (f"eth0@{net.client.name}", "10.8.1.1", "8080"),
        (f"lan@{net.router.name}", "10.8.1.1", "8080"),
        (f"srv@{net.router.name}", "10.8.2.2", "80"),
        (f"eth0@{net.server.name}", "10.8.2.2", "80"),
    ]
    assert all(row[5] for row in rows)
    assert syns[0][5].startswith("forward: ")
    assert "leaves by eth0" in syns[0][5]


def test_a_case_holds_host_question_and_evidence_and_is_asked_again(net: Net, tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    assert prove(net, "--save-case", str(path)).returncode == 0
    case = json.loads(path.read_text())
    assert case["schema"] == "portscope.case/1"
    assert case["answer"]["kernel"]["symptom"] == "connected"
    assert net.router.name in loads(path.read_text()).by_id
    assert_the_model_agrees(path)


def test_a_redacted_case_names_nothing_and_is_asked_again_all_the_same(net: Net, tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    assert prove(net, "--save-case", str(path), "--redact").returncode == 0
    text = path.read_text()
    assert not {
        word for word in ("10.8.1.2", "10.8.2.2", "fd08:1::2", net.router.name, net.client.name) if word in text
    }
    assert_the_model_agrees(path)
    client = json.loads(text)["answer"]["question"]["from"]["netns"]
    target = "{address}:{port}".format(**json.loads(text)["answer"]["question"]["to"])
    words = ("why", target, "--from", f"ns:{client}", "--snapshot", str(path))
    again = subprocess.run(
        [sys.executable, "-m", "workbench.start", *words], capture_output=True, check=False, cwd=ROOT
    )
    assert again.returncode == 0


def assert_the_model_agrees(path: Path) -> None:
    """As tests/fidelity does with the file of a bug report."""
    case = read_case(path)
    assert str(explain.ask(case.snapshot, case.question).symptom) == case.symptom == "connected"


def test_a_file_that_cannot_be_written_is_one_line(net: Net, tmp_path: Path) -> None:
    done = prove(net, "--pcap", str(tmp_path / "no" / "proof.pcapng"))
    assert done.returncode == 4
    assert done.stderr.startswith("portscope: ")
    assert done.stderr.count("\n") == 1
