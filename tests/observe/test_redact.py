"""Other addresses, and the same answers."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_network

import pytest

from engine import explain
from engine.model.packet import Protocol
from engine.model.verdict import Question, Source
from engine.observe.recording.redact import Redaction
from engine.observe.recording.snapshot_file import dumps, loads
from tests.fidelity.record import read_host, read_truth

TRUTH = read_truth()


@pytest.mark.parametrize("name", sorted(TRUTH)[::12])
def test_a_redacted_host_gives_the_same_answer(name: str) -> None:
    snapshot, redaction, row = read_host(name), Redaction(), TRUTH[name][0]
    redacted = loads(json.dumps(redaction.value(json.loads(dumps(snapshot)))))
    source, protocol = Source(row.source), Protocol(row.protocol)
    answer = explain.ask(snapshot, Question(source, ip_address(row.address), row.port, protocol))
    other = explain.ask(redacted, Question(source, ip_address(redaction.text(row.address)), row.port, protocol))
    assert (answer.symptom, [cause.code for cause in answer.causes]) == (
        other.symptom,
        [cause.code for cause in other.causes],
    )


def test_networks_stay_networks_and_members_stay_members() -> None:
    redaction = Redaction()
    for network, member in (("10.1.2.0/24", "10.1.2.9"), ("172.16.0.0/12", "172.31.9.1"), ("fd00:1::/64", "fd00:1::9")):
        assert ip_address(redaction.text(member)) in ip_network(redaction.text(network))
        assert redaction.text(member) == redaction.text(f"x {member} y").split()[1]


@pytest.mark.parametrize(
    "text",
    ["127.0.0.1", "0.0.0.0/0", "169.254.1.1", "224.0.0.1", "::1", "::/0", "fe80::1", "ff02::1", "ff:ff:ff:ff:ff:ff"],
)
def test_what_has_a_meaning_of_its_own_stays(text: str) -> None:
    assert Redaction().text(text) == text


def test_ranges_of_a_rule_move_with_their_addresses() -> None:
    redaction = Redaction()
    low = int(ip_address("10.1.2.0"))
    match = {"fields": [{"name": "ip daddr"}], "elements": [[{"is": "Interval", "low": low, "high": low + 255}]]}
    moved = redaction.value(match)["elements"][0][0]
    assert ip_address(moved["low"]) == ip_network(redaction.text("10.1.2.0/24"))[0]
    port = {"fields": [{"name": "tcp dport"}], "elements": [[{"is": "Interval", "low": 80, "high": 80}]]}
    assert redaction.value(port) == port
