"""What is said of devices and VLANs that are kept apart, of a proxy that nothing leads to, and of ignored echoes."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from engine.explain import ask
from engine.model.packet import Protocol
from engine.model.verdict import Question, Source, Verdict
from tests.hosts.build import World
from tests.path.test_echo import line
from tests.path.test_proxies import FAR, proxied
from tests.path.test_stacked import TEN, TWENTY, filtering, stacked


def why(world: World, source: str, address: str, port: int = 80, protocol: Protocol = Protocol.TCP) -> Verdict:
    return ask(world.snapshot(source), Question(Source(source), ip_address(address), port, protocol))


def codes(verdict: Verdict) -> list[str]:
    return [cause.code for cause in verdict.causes]


@pytest.mark.parametrize(("source", "address"), [("one", "10.3.0.254"), ("host", "10.3.0.11")])
def test_a_macvlan_and_its_own_host(source: str, address: str) -> None:
    found = why(stacked("macvlan", mode="bridge"), source, address)
    assert codes(found) == ["LINK_MACVLAN_HOST_ISOLATION"]
    assert not found.causes[0].fixes


def test_ports_in_different_vlans() -> None:
    found = why(filtering((TEN,), (TWENTY,)), "left", "10.3.0.2")
    assert codes(found) == ["LINK_VLAN_MISMATCH"]
    assert found.causes[0].at.name == "br0"
    assert found.causes[0].evidence == ("port left0 is in 10 (PVID)", "port right0 is in 20 (PVID)")


def test_a_bridge_that_filters_is_not_blamed_for_an_address_that_nobody_has() -> None:
    assert codes(why(filtering((TEN,), (TEN,)), "left", "10.3.0.77")) == ["SRC_NEIGH_FAILED"]


def test_a_known_neighbour_in_another_vlan() -> None:
    world = filtering((TEN,), (TWENTY,))
    world["left"].neighbour("eth0", "10.3.0.2", world["right"].links["eth0"].mac)
    assert codes(why(world, "left", "10.3.0.2")) == ["LINK_VLAN_MISMATCH"]


def test_a_transparent_proxy_that_no_policy_rule_leads_to() -> None:
    world = proxied(routed=False)
    world["router"].route("203.0.113.0/24 via 10.2.0.2 dev right")
    assert codes(why(world, "client", FAR)) == ["HOST_TPROXY_NOT_ROUTED"]


def test_an_ignored_echo_has_a_switch() -> None:
    world = line(lambda made: made["server"].sysctl("net.ipv4.icmp_echo_ignore_all", 1))
    found = why(world, "client", "10.2.0.2", 0, Protocol.ICMP)
    assert codes(found) == ["DST_ECHO_IGNORED"]
    assert found.causes[0].fixes[0].commands[0][-1] == "net.ipv4.icmp_echo_ignore_all=0"
