"""A connection that works, and is not the one that the engine was asked for."""

from __future__ import annotations

import pytest

from engine.change import applied
from engine.explain import ask
from engine.explain.question import resolve
from engine.model.host import Snapshot
from engine.model.trace import Symptom
from engine.model.verdict import Cause, Verdict
from tests.explain.faults import PORT, docker
from tests.explain.table_more import taken
from tests.hosts.build import World
from tests.hosts.stock import PUBLISH, WEB

TO_DB = PUBLISH.replace("172.17.0.2:80", "172.17.0.3:5432")
ACCEPT_DB = ["-d 172.17.0.3/32 -o docker0 -p tcp -m tcp --dport 5432 -j ACCEPT"]


def asked(snapshot: Snapshot, source: str = "ns:lan", target: str = PORT) -> Verdict:
    return ask(snapshot, resolve(snapshot, target, source))


def the_finding(snapshot: Snapshot, source: str = "ns:lan") -> Cause:
    verdict = asked(snapshot, source)
    assert (verdict.symptom, verdict.causes) == (Symptom.CONNECTED, ())
    (finding,) = verdict.findings
    return finding


def unknown(world: World) -> None:
    """No engine tells of the containers; its proxy still leads to web."""
    world.containers.clear()


@pytest.mark.parametrize("change", [None, unknown])
def test_a_port_that_leads_to_another_container_is_found_and_mended(change: None) -> None:
    snapshot = docker(change, nat=TO_DB, user=ACCEPT_DB)
    finding = the_finding(snapshot)
    assert (finding.code, finding.at.name, finding.owner) == ("NAT_DNAT_STALE_TARGET", "nat/DOCKER 2", "docker")
    assert "db answers instead of web" in finding.sentence
    after = asked(applied(snapshot, finding.fixes[0].plan.changes))
    assert (after.conversation.forward.hops[-1].netns, after.findings) == ("web", ())
    assert WEB in " ".join(finding.fixes[0].commands[0])


@pytest.mark.parametrize("source", ["ns:lan", "host"])
def test_a_port_that_only_the_proxy_serves_is_found_and_mended(source: str) -> None:
    snapshot = docker(nat="")
    finding = the_finding(snapshot, source)
    assert (finding.code, finding.owner) == ("NAT_PROXY_ONLY", "docker")
    assert "it sees 172.17.0.1 for every client" in finding.sentence
    (fix,) = finding.fixes
    assert len(fix.commands) == 1, "what is accepted already is not accepted again"
    after = asked(applied(snapshot, fix.plan.changes), source)
    assert (after.symptom, after.conversation.relayed, after.findings) == (Symptom.CONNECTED, None, ())


def test_what_is_left_to_the_proxy_is_no_finding() -> None:
    """Loopback, and the container's own bridge."""
    snapshot = docker(nat="")
    ways = (("host", "127.0.0.1:8080"), ("db", PORT), ("web", PORT))
    assert [asked(snapshot, *way).findings for way in ways] == [(), (), ()]


@pytest.mark.parametrize(("state", "found"), [("created", ["DST_PORT_CONFLICT"]), ("exited", [])])
def test_a_program_in_the_place_of_a_container_that_could_not_start_is_found(state: str, found: list[str]) -> None:
    verdict = asked(docker(lambda world: taken(world, state)), "ns:lan", "10.77.0.1:9090")
    assert [each.code for each in verdict.findings] == found
    assert all("nginx" in each.sentence and each.fixes == () for each in verdict.findings)
