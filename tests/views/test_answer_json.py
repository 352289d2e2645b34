import json

import pytest

from tests.harness.answer_shape import ANSWER, wrong_in
from tests.views.golden import same_as_golden
from tests.views.verdicts import ALL, DROPPED, REACHED, UNDECIDED
from views.reports import answer_json


@pytest.mark.parametrize("name", ALL)
def test_the_document_is_as_it_was_read(name):
    same_as_golden(f"answer-{name}.json", answer_json.dumps(ALL[name]))


@pytest.mark.parametrize("name", ALL)
def test_the_document_has_the_promised_shape(name):
    assert wrong_in(json.loads(answer_json.dumps(ALL[name]))) == []


@pytest.mark.parametrize("key", [*ANSWER, "question.from", "forward.hops", "causes.0.fixes", "causes.0.at"])
def test_the_shape_check_notices_a_missing_key(key):
    document = json.loads(answer_json.dumps(DROPPED))
    *parents, last = key.split(".")
    holder = document
    for parent in parents:
        holder = holder[int(parent) if parent.isdigit() else parent]
    del holder[last]
    assert any(last in complaint for complaint in wrong_in(document))


def test_the_shape_check_notices_a_wrong_type_word_and_rule():
    document = json.loads(answer_json.dumps(DROPPED))
    document["symptom"] = "nope"
    document["question"]["to"]["port"] = "8080"
    assert [complaint.split(":")[0] for complaint in wrong_in(document)] == ["$.question.to.port", "$.symptom"]
    document = json.loads(answer_json.dumps(DROPPED))
    document["forward"]["hops"][1]["steps"][2]["index"] = None
    assert wrong_in(document) == ["$.forward.hops[1].steps[2].index: None is not int"]


def test_keys_come_in_the_promised_order():
    promised = [key for key in answer_json.document(DROPPED) if key in ANSWER]
    assert promised == list(ANSWER)


def test_a_rule_step_tells_where_the_rule_is():
    step = answer_json.document(DROPPED)["forward"]["hops"][1]["steps"][2]
    assert step | {"ref": None} == {
        "kind": "rule",
        "hook": "forward",
        "backend": "xt-nft",
        "family": "ip",
        "table": "filter",
        "chain": "DOCKER-USER",
        "index": 0,
        "handle": 12,
        "text": "-A DOCKER-USER -p tcp -m tcp --dport 80 -j DROP",
        "verdict": "drop",
        "ref": None,
    }


def test_a_client_in_a_namespace_has_the_address_that_routing_chose():
    assert answer_json.document(REACHED)["question"]["from"] == {"netns": "lan", "address": "192.0.2.7"}


def test_a_client_outside_is_told_with_its_device():
    client = answer_json.document(UNDECIDED)["question"]["from"]
    assert client == {"netns": "host", "address": "192.0.2.7", "device": "eth0"}


def test_an_undecided_answer_lists_each_ending():
    assert [each["symptom"] for each in answer_json.document(UNDECIDED)["branches"]] == ["timeout", "connected"]


def test_the_text_is_one_ascii_document_and_nothing_else():
    text = answer_json.dumps(DROPPED)
    assert text.isascii()
    assert json.loads(text) == answer_json.document(DROPPED)


def test_where_branches_differ_there_is_no_single_symptom():
    document = answer_json.document(UNDECIDED)
    assert (document["reach"], document["symptom"]) == ("depends", None)
    assert document["symptoms"] == ["timeout", "connected"]
    assert "symptoms" not in answer_json.document(DROPPED)
