"""Addresses that nobody has: those of kube-proxy's services, which rules translate or don't, and a host's lost ones."""

from __future__ import annotations

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.trace import Symptom
from engine.model.verdict import Verdict
from tests.hosts.build import World
from tests.hosts.stock import docker_world

KUBE = """*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
-A FORWARD -m conntrack --ctstate NEW -j KUBE-SERVICES
-A FORWARD -i docker0 -j ACCEPT
-A FORWARD -o docker0 -j ACCEPT
-A OUTPUT -m conntrack --ctstate NEW -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.77/32 -p tcp -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-WEB - [0:0]
-A PREROUTING -j KUBE-SERVICES
-A OUTPUT -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-WEB
-A KUBE-SVC-WEB -p tcp -m tcp -j DNAT --to-destination 172.17.0.2:80
COMMIT
"""


def node(*, route: bool = True) -> World:
    world = docker_world()
    host = world["host"]
    host.tables.clear()
    host.iptables(KUBE)
    if not route:
        host.routes[:] = [each for each in host.routes if each.destination.prefixlen]
    return world


def answer(world: World, target: str, source: str) -> Verdict:
    snapshot = world.snapshot()
    return ask(snapshot, resolve(snapshot, target, source))


@pytest.mark.parametrize("source", ["host", "db"])
@pytest.mark.parametrize(
    ("target", "code", "title"),
    [
        ("10.96.0.77:80", "FW_RULE_REJECT", "give the service on port 80 a ready endpoint"),
        ("10.96.0.10:81", "NAT_NOT_PUBLISHED", "give the service on 10.96.0.10:81"),
        ("10.96.0.55:80", "NAT_NOT_PUBLISHED", "give the service on 10.96.0.55:80"),
    ],
)
def test_a_service_that_is_not_there_is_one_cause_which_no_command_mends(
    source: str, target: str, code: str, title: str
) -> None:
    (cause,) = answer(node(), target, source).causes
    assert (cause.code, cause.owner) == (code, "kube-proxy")
    assert [fix.commands for fix in cause.fixes] == [()]
    assert cause.fixes[0].title.startswith(title)
    assert cause.fixes[0].then is Symptom.CONNECTED


def test_the_port_that_the_service_has_is_a_near_miss() -> None:
    (cause,) = answer(node(), "10.96.0.10:81", "db").causes
    assert "--dport 80" in cause.near_misses[0].text


def test_the_node_s_own_packet_needs_any_route_before_it_is_translated_and_others_none() -> None:
    assert answer(node(route=False), "10.96.0.10:80", "10.77.0.7@up0").symptom is Symptom.CONNECTED
    verdict = answer(node(route=False), "10.96.0.10:80", "host")
    (cause,) = verdict.causes
    assert (verdict.symptom, cause.code) == (Symptom.NET_UNREACHABLE, "SRC_NO_ROUTE")
    assert [fix.commands[0][-5:] for fix in cause.fixes] == [
        ("10.96.0.10/32", "dev", device, "scope", "link") for device in ("up0", "docker0")
    ]


def test_an_address_of_the_internet_is_none_of_a_service() -> None:
    world = node()
    world["host"].iptables("*filter\n:FORWARD DROP [0:0]\nCOMMIT\n")
    assert {cause.code for cause in answer(world, "192.0.2.80:80", "db").causes}.isdisjoint({"NAT_NOT_PUBLISHED"})


@pytest.mark.parametrize("target", ["10.77.0.99", "192.0.2.99"])
@pytest.mark.parametrize("source", ["ns:lan", "10.77.0.7@up0"])
def test_an_address_that_the_host_would_send_back_is_missing_there(source: str, target: str) -> None:
    world = docker_world()
    world["lan"].route(f"{target}/32 via 10.77.0.1 dev eth0")
    verdict = answer(world, f"{target}:8080", source)
    (cause,) = verdict.causes
    assert (cause.code, cause.at.netns, cause.at.name) == ("DST_NO_ADDRESS", "host", target)
    assigned, *others = [fix for fix in cause.fixes if fix.commands]
    assert assigned.commands[0][-5:] == ("addr", "add", f"{target}/32", "dev", "up0")
    assert assigned.then is Symptom.CONNECTED
    assert not others
    asked = [fix.title for fix in cause.fixes if fix.ask is not None]
    assert asked == (["ask 10.77.0.1:8080 (web)"] if target == "10.77.0.99" else [])


def test_an_address_beside_the_host_s_own_is_a_slip_and_one_with_a_route_of_its_own_is_meant() -> None:
    world = docker_world()
    slip = answer(world, "10.77.0.99:8080", "ns:lan").causes[0]
    assert (slip.code, slip.fixes[0].title) == ("SRC_NEIGH_FAILED", "ask 10.77.0.1:8080 (web)")
    assert "the host at 10.77.0.1 publishes web as 8080" in slip.sentence
    world["lan"].route("10.77.0.99/32 via 10.77.0.1 dev eth0")
    meant = answer(world, "10.77.0.99:8080", "ns:lan").causes[0]
    assert (meant.code, meant.fixes[0].title) == ("DST_NO_ADDRESS", "assign 10.77.0.99 to up0 in host")


def test_an_address_that_another_host_has_is_not_missing_here() -> None:
    world = docker_world()
    world["lan"].address("eth0", "10.77.0.99/24")
    codes = [cause.code for cause in answer(world, "10.77.0.99:81", "db").causes]
    assert codes == ["DST_NO_LISTENER"]


def test_an_address_that_no_container_has_is_missing_among_them_and_not_on_their_bridge() -> None:
    world = docker_world()
    world["web"].route("172.17.0.9/32 via 172.17.0.1 dev eth0")
    (cause,) = answer(world, "172.17.0.9:80", "web").causes
    assert (cause.code, cause.fixes) == ("SRC_NEIGH_FAILED", ())
