"""A proof in words and as JSON: the headline, the table, and the code of a disagreement."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.model.host import Gap
from engine.model.proof import Agreement, Attempt, Drop, Leg, Proof, ProofRow, Sighting
from engine.model.trace import Symptom
from engine.model.verdict import Source, Verdict
from engine.prove.judge import weigh
from tests.views.verdicts import DROP_RULE, QUESTION, REACHED, SYN
from views.reports import answer_json, answer_text

ROWS = (
    ProofRow(Leg.FORWARD, "lan", "192.0.2.0/24 is on eth0", "dev eth0", Agreement.YES, "route get"),
    ProofRow(Leg.FORWARD, "host", "forwarding is on", "", Agreement.UNSEEN),
    ProofRow(Leg.FORWARD, "host", "", "filter/DOCKER-USER 1: drop", Agreement.NO, "rule trace", DROP_RULE),
)
LAST = Sighting(0.5, "host", "up0", "in", SYN, Leg.FORWARD)
DISAGREES = Proof(
    Symptom.CONNECTED,
    Attempt(Symptom.TIMEOUT, SYN.src, 40000, seconds=3.0),
    Agreement.NO,
    ROWS,
    LAST,
    drops=(Drop("NETFILTER_DROP", "nft_do_chain"),),
    gaps=(Gap("capture", "web", "Operation not permitted"),),
)


@pytest.fixture
def reached() -> Verdict:
    return REACHED


def test_a_disagreement_is_in_the_headline_and_the_table(reached: Verdict) -> None:
    text = answer_text.render(weigh(reached, DISAGREES), 110)
    lines = text.splitlines()
    assert lines[0].startswith("✗ not reachable")
    assert lines[2] == "  a real attempt: timeout, predicted connected: the kernel is right (MODEL_DISAGREES)"
    assert "blocked by  MODEL_DISAGREES  owner: kernel" in text
    assert "✓ 192.0.2.0/24 is on eth0" in text
    assert "· forwarding is on" in text
    assert "✗ nothing predicted" in text
    assert "filter/DOCKER-USER 1: drop (rule trace)" in text
    assert "the kernel dropped a packet in nft_do_chain: NETFILTER_DROP" in text
    assert "not available: capture (web): Operation not permitted" in text
    assert all(len(line) <= 110 for line in lines)


def test_the_json_has_the_kernels_word(reached: Verdict) -> None:
    document = answer_json.document(weigh(reached, DISAGREES))
    kernel = document["kernel"]
    assert (document["reach"], document["symptom"]) == ("no", "timeout")
    assert document["causes"][0]["code"] == kernel["code"] == "MODEL_DISAGREES"
    assert (kernel["symptom"], kernel["predicted"], kernel["agrees"]) == ("timeout", "connected", "no")
    assert [step["agree"] for step in kernel["steps"]] == ["yes", "unseen", "no"]
    assert kernel["last_seen"]["device"] == "up0"
    assert answer_json.document(reached)["kernel"] is None


def test_a_client_that_never_came_is_told_with_its_port_and_device(reached: Verdict) -> None:
    missing = Proof(Symptom.CONNECTED, None, Agreement.UNSEEN, arrived=False, waited=30.0)
    asked = replace(QUESTION, source=Source("host", SYN.src, "eth0"))
    text = answer_text.render(weigh(replace(reached, question=asked), missing), 110)
    assert "nothing from 192.0.2.7 to port 8080 reached eth0 in 30.0 s" in text


def test_agreement_and_doubt_have_their_words(reached: Verdict) -> None:
    made = Attempt(Symptom.CONNECTED, answer="HTTP/1.0 200 OK")
    agreed = Proof(Symptom.CONNECTED, made, Agreement.YES)
    assert "a real attempt: connected, as predicted: “HTTP/1.0 200 OK”" in answer_text.render(
        weigh(reached, agreed), 110
    )
    doubted = Proof(Symptom.CONNECTED, Attempt(Symptom.TIMEOUT, doubt="the program may not know"), Agreement.UNSEEN)
    assert "the packet arrived, the program may not know" in answer_text.render(weigh(reached, doubted), 110)


def test_words_of_the_host_cannot_steer_the_terminal(reached: Verdict) -> None:
    evil = replace(DISAGREES, rows=(replace(ROWS[0], seen="\x1b[2Jgone"),))
    assert "\x1b" not in answer_text.render(weigh(reached, evil), 110)
