"""The model against recorded reality: broken Docker hosts, and what real clients saw from every vantage point."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from engine import explain
from engine.model.packet import Protocol
from engine.model.verdict import Question, Reach, Source
from tests.engines.breaks import Break
from tests.engines.tables import PLAIN, WITHOUT_PROXY
from tests.fidelity.record import HEALTHY, read_host, read_truth

TRUTH = read_truth()


@pytest.mark.parametrize("name", TRUTH)
def test_the_answer_is_what_clients_saw_of_the_recorded_host(name: str) -> None:
    snapshot = read_host(name)
    wrong = []
    for row in TRUTH[name]:
        question = Question(Source(row.source), ip_address(row.address), row.port, Protocol(row.protocol))
        answer = explain.ask(snapshot, question)
        if (answer.symptom, answer.reach is Reach.YES) != (row.symptom, row.symptom == "connected"):
            wrong.append(f"{row}: {answer.symptom}, {answer.reach}")
    assert wrong == []


@pytest.mark.parametrize("broken", [broken for broken in (*PLAIN, *WITHOUT_PROXY) if broken.code], ids=str)
def test_the_first_cause_is_what_was_broken(broken: Break) -> None:
    asked = broken.vantage
    question = Question(Source(asked.source), ip_address(asked.address), asked.port, Protocol(asked.protocol))
    answer = explain.ask(read_host(broken.name), question)
    assert answer.causes[0].code == broken.code, answer.causes[0].sentence


def test_every_break_of_the_tables_is_recorded() -> None:
    assert {broken.name for broken in (HEALTHY, *PLAIN, *WITHOUT_PROXY)} == set(TRUTH)
