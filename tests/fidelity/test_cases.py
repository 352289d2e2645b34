"""Cases that `why --save-case` wrote: a host, a question, and what the kernel did. The model has to say the same.

A report of a wrong answer comes as such a file. It goes into `cases` (as it is, or packed by gzip), and fails here
until the model is right.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from engine import explain
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.verdict import Question, Source
from engine.observe.recording.snapshot_file import loads

FILES = sorted((Path(__file__).parent / "cases").glob("*.json*"))


@dataclass(frozen=True)
class Case:
    """The host, the question, and the symptom that the kernel's client got."""

    snapshot: Snapshot
    question: Question
    symptom: str


def read_case(path: Path) -> Case:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    answer: dict[str, Any] = json.loads(text)["answer"]
    client, end = answer["question"]["from"], answer["question"]["to"]
    device = client.get("device")
    source = Source(client["netns"], ip_address(client["address"]) if device else None, device)
    question = Question(source, ip_address(end["address"]), end["port"] or 0, Protocol(end["protocol"]))
    return Case(loads(text), question, answer["kernel"]["symptom"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.partition(".")[0])
def test_the_model_says_what_the_kernel_said(path: Path) -> None:
    case = read_case(path)
    assert str(explain.ask(case.snapshot, case.question).symptom) == case.symptom
