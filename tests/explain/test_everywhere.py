"""Vantage points: which there are, and what a broken host answers to each of them (recorded from a real engine)."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.explain.survey.everywhere import vantages
from engine.model.host import Netns, Snapshot
from engine.model.link import Peer
from engine.model.trace import Symptom
from tests.fidelity.record import read_host


def named(host: str, target: str = "10.77.0.1:8080") -> dict[str, str]:
    """Vantage point → target, as asked there."""
    snapshot = read_host(host)
    found = vantages(snapshot, resolve(snapshot, target))
    return {each.name: f"{each.question.address}:{each.question.port}" for each in found}


def test_a_published_port_is_asked_from_outside_the_host_loopback_neighbours_and_itself() -> None:
    assert named("healthy") == {
        "lan (via up0)": "10.77.0.1:8080",
        "host": "10.77.0.1:8080",
        "host, at 127.0.0.1": "127.0.0.1:8080",
        "host, at ::1": "::1:8080",
        "client (bridge)": "10.77.0.1:8080",
        "far (farnet)": "10.77.0.1:8080",
        "web itself": "10.77.0.1:8080",
    }


def test_a_containers_own_address_has_no_loopback_vantage() -> None:
    assert not [name for name in named("healthy", "web:80") if "at " in name]


def test_a_loopback_target_is_asked_from_outside_at_the_hosts_address() -> None:
    assert named("healthy", "127.0.0.1:8080")["lan (via up0)"] == "10.77.0.1:8080"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("healthy", {}),
        ("docker-user-drop", {"lan (via up0)": Symptom.TIMEOUT}),
        ("proxy-killed", {"host, at 127.0.0.1": Symptom.REFUSED, "host, at ::1": Symptom.REFUSED}),
    ],
)
def test_each_vantage_point_has_its_own_answer(host: str, expected: dict[str, Symptom]) -> None:
    snapshot = read_host(host)
    answers = {v.name: ask(snapshot, v.question) for v in vantages(snapshot, resolve(snapshot, "10.77.0.1:8080"))}
    broken = {name: answer.symptom for name, answer in answers.items() if answer.symptom is not Symptom.CONNECTED}
    assert expected.items() <= broken.items()
    assert all(answer.causes for name, answer in answers.items() if name in broken)
    if not expected:
        assert broken == {}


def test_an_uplink_whose_far_end_is_not_seen_has_a_client_in_its_subnet() -> None:
    snapshot = read_host("healthy")
    hidden = [netns for netns in snapshot.namespaces if netns.id != "lan"]
    found = vantages(_without_peer(snapshot, hidden), resolve(snapshot, "10.77.0.1:8080"))
    outside = next(each for each in found if each.question.source.outside)
    assert outside.name == "outside, via up0"
    assert outside.question.source.address == ip_address("10.77.0.2")


def _without_peer(snapshot: Snapshot, namespaces: list[Netns]) -> Snapshot:
    """The host when the LAN's namespace can't be seen."""
    host = next(netns for netns in namespaces if netns.id == snapshot.host)
    links = tuple(replace(link, peer=Peer(None, 2)) if link.name == "up0" else link for link in host.links)
    rest = [replace(host, links=links) if netns is host else netns for netns in namespaces]
    return replace(snapshot, namespaces=tuple(rest))
