"""A port that is published for IPv6 too: what is wiped or switched off for IPv6 alone is named, and mended there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address

import pytest

from engine.change import applied
from engine.explain import ask
from engine.explain.question import resolve
from engine.model.trace import Symptom
from engine.model.verdict import Reach
from tests.explain.faults import first_fixes
from tests.hosts.build import World
from tests.hosts.stock import docker_world

WEB6 = "fd00:d::2"
RULES = f"""*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A DOCKER -d {WEB6}/128 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
{{nat}}COMMIT
"""
NAT = f"-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination [{WEB6}]:80\n"


def dual_stack(change: Callable[[World], object] = lambda _: None, nat: str = NAT) -> World:
    """docker_world with IPv6 beside IPv4 everywhere, and 8080 published for both."""
    world = docker_world(proxy=False)
    host = world["host"].address("up0", "fd77::1/64").address("docker0", "fd00:d::1/64")
    host.iptables(RULES.format(nat=nat), family="ip6").sysctl("net.ipv6.conf.all.forwarding", 1)
    host.route("default via fd77::2 dev up0")
    world["lan"].address("eth0", "fd77::2/64")
    world["web"].address("eth0", f"{WEB6}/64").route("default via fd00:d::1 dev eth0").listen(80, WEB6)
    place = world.containers[0].attachments[0]
    place = replace(place, address6=ip_address(WEB6), gateway6=ip_address("fd00:d::1"))
    world.containers[0] = replace(world.containers[0], attachments=(place,))
    world.networks[0] = replace(world.networks[0], subnets=("172.17.0.0/16", "fd00:d::/64"))
    change(world)
    return world


def without_ipv6(space: str, device: str) -> Callable[[World], object]:
    """A device on which IPv6 is switched off has no addresses and routes of it."""

    def change(world: World) -> None:
        owner = world[space].sysctl(f"net.ipv6.conf.{device}.disable_ipv6", 1)
        index = owner.links[device].index
        owner.addresses[:] = [a for a in owner.addresses if a.link != index or a.address.version == 4]
        owner.routes[:] = [
            r for r in owner.routes if r.destination.version == 4 or all(hop.link != index for hop in r.nexthops)
        ]

    return change


def test_the_port_is_reached_by_both() -> None:
    snapshot = dual_stack().snapshot()
    for target in ("10.77.0.1:8080", "[fd77::1]:8080"):
        assert ask(snapshot, resolve(snapshot, target, "ns:lan")).reach is Reach.YES


@pytest.mark.parametrize(
    ("world", "codes", "commands"),
    [
        (dual_stack(nat=""), ["NAT_RULES_WIPED"], [f"--dport 8080 -j DNAT --to-destination [{WEB6}]:80"]),
        (
            dual_stack(without_ipv6("web", "eth0")),
            ["DST_NO_ADDRESS", "RET_NO_ROUTE_BACK"],
            [
                "sysctl -w net.ipv6.conf.eth0.disable_ipv6=0",
                f"ip addr add {WEB6}/64 dev eth0",
                "ip -6 route add default",
            ],
        ),
        (
            dual_stack(without_ipv6("host", "docker0")),
            ["LINK_BRIDGE_NO_ADDRESS"],
            ["sysctl -w net.ipv6.conf.docker0.disable_ipv6=0", "ip addr add fd00:d::1/64 dev docker0"],
        ),
    ],
    ids=["translation wiped", "off in the container", "off on the bridge"],
)
def test_what_is_missing_for_ipv6_alone_is_named_and_given_back(
    world: World, codes: list[str], commands: list[str]
) -> None:
    snapshot = world.snapshot()
    question = resolve(snapshot, "[fd77::1]:8080", "ns:lan")
    verdict = ask(snapshot, question)
    assert [cause.code for cause in verdict.causes] == codes
    told = [" ".join(argv) for cause in verdict.causes for argv in cause.fixes[0].commands]
    for part in commands:
        assert any(part in command for command in told), (part, told)
    assert ask(applied(snapshot, first_fixes(verdict)), question).symptom is Symptom.CONNECTED
    assert ask(snapshot, resolve(snapshot, "10.77.0.1:8080", "ns:lan")).reach is Reach.YES


def test_a_refusing_route_for_an_address_that_nobody_has_is_the_cause() -> None:
    world = dual_stack(lambda w: w["host"].route("unreachable fd00:d::99"))
    world["lan"].route("default via fd77::1 dev eth0")
    snapshot = world.snapshot()
    verdict = ask(snapshot, resolve(snapshot, "[fd00:d::99]:80", "ns:lan"))
    assert [cause.code for cause in verdict.causes][:1] == ["SRC_ROUTE_UNREACHABLE"]


def test_a_client_from_outside_has_an_address_of_one_version_and_is_not_sent_to_the_other() -> None:
    """8082 is translated for IPv6 alone; a client whose address is part of the question cannot ask there."""
    snapshot = dual_stack(nat=NAT + NAT.replace("8080", "8082")).snapshot()
    verdict = ask(snapshot, resolve(snapshot, "10.77.0.1:8082", "198.51.100.77"))
    assert verdict.symptom is Symptom.REFUSED
    asked = [fix.ask for cause in verdict.causes for fix in cause.fixes if fix.ask is not None]
    assert all(each.address.version == 4 for each in asked)
