"""Proofs on a real Docker Engine: faults of the catalogue, each attempted for real with all evidence around it.

The attempt must get what the table says that a client gets, the model must agree with it, and no step may be
contradicted: rules of iptables-nft by the kernel's trace, devices by captures, routes by the kernel's answer.
"""

from __future__ import annotations

import pytest

from engine import explain
from engine.explain.question import resolve
from engine.model.packet import Protocol
from engine.model.proof import Agreement
from engine.model.trace import Symptom
from engine.prove.prove import Wishes, prove
from tests.engines.breaks import Break
from tests.engines.docker import DockerHost
from tests.engines.tables import PLAIN
from tests.engines.test_why_docker import prepare, source_words

#: Of every kind of fault some: rules of each backend and hook, NAT, routes, links, neighbours, containers, datagrams.
PROVEN = (
    *("docker-user-drop", "app-on-loopback", "nothing-listens", "no-forwarding", "no-default-route", "not-published"),
    *("stale-dnat", "drop-raw", "drop-in-container", "drop-reply", "nft-drop-before", "legacy-drop"),
    *("reject-icmp-host-prohibited", "unreachable-route", "rp-filter-strict", "bridge-down", "veth-down"),
    *("no-tracking", "host-service", "udp-healthy", "udp-drop", "wrong-container-port-by-proxy", "reject-tcp-reset"),
)
ROWS = {broken.name: broken for broken in PLAIN}
#: Seconds of silence, in which the first packet is sent again; and for an end that comes by itself, also when busy.
SILENCE, PATIENCE = 1.2, 5.0


@pytest.mark.parametrize("broken", [pytest.param(ROWS[name], id=name) for name in PROVEN])
def test_a_fault_is_proven_and_no_step_is_contradicted(docker: DockerHost, broken: Break) -> None:
    prepare(docker, broken, broken.vantage)
    asked, snapshot = broken.vantage, docker.snapshot()
    question = resolve(snapshot, f"{asked.address}:{asked.port}", source_words(docker, asked), Protocol(asked.protocol))
    verdict = explain.ask(snapshot, question)
    patience = SILENCE if broken.symptom in ("timeout", "accepted-then-silent") else PATIENCE
    shown = prove(snapshot, verdict, Wishes(patience, None)).proof
    assert shown.attempt is not None
    assert shown.attempt.symptom is Symptom(broken.symptom)
    assert [f"{row.netns} {row.leg}: {row.predicted} | {row.seen}" for row in shown.contradicted] == []
    assert shown.agrees is Agreement.YES
    assert [gap for gap in shown.gaps if gap.source != "drop reasons"] == []
