"""The table of endings in the documentation, against hosts that are built to end a packet in each of these ways."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.model.firewall import RejectKind
from engine.model.packet import Protocol
from engine.model.trace import Conversation, Outcome, Symptom
from tests.path.endings import FURTHER, HERE, Case, filtered, line

PAGE = (Path(__file__).parents[2] / "docs" / "endings.md").read_text(encoding="utf-8")
NOTHING = "–"
XT_NAMES = {
    "net-prohibited": "icmp-net-prohibited",
    "host-prohibited": "icmp-host-prohibited",
    "admin-prohibited": "icmp-admin-prohibited",
}
XT6_NAMES = {
    "net-unreachable": "icmp6-no-route",
    "host-unreachable": "icmp6-addr-unreachable",
    "admin-prohibited": "icmp6-adm-prohibited",
    "port-unreachable": "icmp6-port-unreachable",
}


def table(heading: str) -> dict[str, list[str]]:
    """The rows of the first table after a heading, by their first cell."""
    after = PAGE.partition(f"{heading}\n")[2]
    rows = re.search(r"(?:^\|.*\n)+", after, re.MULTILINE)
    assert rows is not None
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[0].strip().split("\n")[2:]]
    return {first: rest for first, *rest in cells}


ROWS = table("# How a packet can end")
REJECTS = table("## Reject")
SYMPTOMS = table("## Symptoms and their endings")


def seen(case: Case | None, outcome: Outcome) -> str:
    """The words of the table for a case: what TCP and UDP see. The packet must end as it says."""
    if case is None:
        return NOTHING
    words = []
    for protocol in (Protocol.TCP, Protocol.UDP):
        if protocol not in case.protocols:
            words.append(NOTHING)
            continue
        found = case.ask(protocol)
        assert outcome in endings(found), found.forward.last.text
        words.append(str(found.symptom))
    return ", ".join(words)


def endings(found: Conversation) -> list[Outcome]:
    return [trace.outcome for trace in (found.forward, found.reply) if trace is not None]


@pytest.mark.parametrize("outcome", Outcome, ids=str)
def test_ending(outcome: Outcome) -> None:
    condition, source, here, further, test = ROWS[outcome]
    assert condition.endswith(".")
    assert source
    assert (here, further) == (seen(HERE.get(outcome), outcome), seen(FURTHER.get(outcome), outcome))
    assert test == f"`test_endings.py::test_ending[{outcome}]`"


def test_the_page_has_every_ending_and_no_other() -> None:
    assert set(ROWS) == set(Outcome)


def test_an_ending_here_is_one_of_the_clients_own_namespace() -> None:
    for outcome, case in HERE.items():
        for protocol in case.protocols:
            assert case.ask(protocol).forward.local, outcome


def test_an_ending_further_on_is_not() -> None:
    for outcome, case in FURTHER.items():
        assert not case.ask(Protocol.TCP).forward.local, outcome


@pytest.mark.parametrize("kind", RejectKind, ids=str)
def test_what_a_reject_of_each_kind_gives(kind: RejectKind) -> None:
    tcp, udp, six = REJECTS[kind]
    words = XT_NAMES.get(kind, kind if kind is RejectKind.TCP_RESET else f"icmp-{kind}")
    rule = f"-d 10.2.0.2/32 -p tcp -j REJECT --reject-with {words}"
    case = line(lambda world: filtered(world["router"], "FORWARD", rule))
    assert case.ask(Protocol.TCP).symptom == tcp
    if udp != NOTHING:
        case = line(lambda world: filtered(world["router"], "FORWARD", rule.replace("-p tcp ", "")))
        assert case.ask(Protocol.UDP).symptom == udp
    if six != NOTHING:
        words6 = XT6_NAMES.get(kind, str(kind))
        text = f"*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p tcp -j REJECT --reject-with {words6}\nCOMMIT\n"
        case = line(lambda world: world["router"].iptables(text, family="ip6"))
        assert Case(case.snapshot, "fd02::2").ask(Protocol.TCP).symptom == six


def test_the_page_has_every_symptom_and_every_ending_that_leads_to_it() -> None:
    assert list(SYMPTOMS) == [str(symptom) for symptom in _order()]
    found: dict[str, set[str]] = {str(symptom): set() for symptom in Symptom}
    for outcome, (_condition, _source, here, further, _test) in ROWS.items():
        for symptom in f"{here}, {further}".split(", "):
            found.get(symptom, set()).add(outcome)
    for kinds in REJECTS.values():
        for symptom in kinds:
            found.get(symptom, set()).add("REJECTED")
    for name, (_errno, leads) in SYMPTOMS.items():
        if found[name]:
            assert leads.split(", ") == sorted(found[name]), name


def _order() -> list[Symptom]:
    last = [Symptom.ACCEPTED_THEN_CLOSED, Symptom.ACCEPTED_THEN_SILENT, Symptom.RESET]
    return [symptom for symptom in Symptom if symptom not in last] + last
