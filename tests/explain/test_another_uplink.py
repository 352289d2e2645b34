"""A reply to an outside client leaves by another device than its packets come in by: a VPN's, or another uplink's."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from engine.change import applied
from engine.explain import ask
from engine.explain.question import resolve
from engine.model.container import PublishedPort
from engine.model.packet import Protocol
from engine.model.trace import Symptom
from engine.model.verdict import Verdict
from tests.hosts.build import World
from tests.hosts.stock import DOCKER_RULES, PUBLISH, WEB

#: The client, and where `web` (8080) and a program of the host (9090) are asked for.
CLIENT, FIRST, SECOND = "192.0.2.9", "203.0.113.2", "198.51.100.2"
CONTAINERS = "172.17.0.0/16"


def one_uplink() -> World:
    """A host at a provider, with a published container and a program of its own."""
    world = World()
    host, inside = world.space("host"), world.space("web")
    host.link("eth0")
    host.address("eth0", f"{FIRST}/24").forwarding().route("default via 203.0.113.1 dev eth0").listen(9090)
    host.bridge("docker0").address("docker0", "172.17.0.1/16")
    host.iptables(DOCKER_RULES.format(user="", filter="", nat=PUBLISH))
    world.cable("host:veth0", "web:eth0")
    host.plug("veth0", "docker0")
    inside.address("eth0", f"{WEB}/16").route("default via 172.17.0.1 dev eth0").listen(80)
    return world.container("web", WEB, PublishedPort(Protocol.TCP, None, 8080, 80))


def openvpn(world: World) -> None:
    """Two routes, of half of all addresses each."""
    host = world["host"]
    host.link("tun0", "tun")
    host.address("tun0", "10.8.0.6/24")
    host.route("0.0.0.0/1 via 10.8.0.1 dev tun0").route("128.0.0.0/1 via 10.8.0.1 dev tun0")


def wg_quick(world: World) -> None:
    """A table of its own, which all is routed by that it has not sent itself."""
    host = world["host"]
    host.link("wg0", "wireguard")
    host.address("wg0", "10.8.0.5/32").route("default dev wg0 table 51820")
    host.policy(32764, "main", suppress_prefixlength=0).policy(32765, 51820, fwmark=51820, invert=True)


def second_card(world: World) -> None:
    """Another uplink, whose router nothing tells of."""
    world["host"].link("eth1")
    world["host"].address("eth1", f"{SECOND}/24")


def second_uplink(world: World) -> None:
    """Another uplink, by which the host's own replies leave."""
    second_card(world)
    host = world["host"].route("default via 198.51.100.1 dev eth1 table 100")
    host.policy(100, 100, source=ip_network(f"{SECOND}/32"))


def asked(world: World, address: str, port: int, device: str) -> Verdict:
    snapshot = world.snapshot("host")
    return ask(snapshot, resolve(snapshot, f"{address}:{port}", f"{CLIENT}@{device}"))


MAIN, NEAR = "lookup main", "from all lookup main suppress_prefixlength"
TABLE = "ip route add default via 203.0.113.1 dev eth0 table 100"


@pytest.mark.parametrize(
    ("change", "port", "commands"),
    [
        (openvpn, 8080, [TABLE, f"pref 32764 {NEAR} 1", f"pref 32765 from {CONTAINERS} lookup 100"]),
        (openvpn, 9090, [TABLE, f"pref 32764 {NEAR} 1", f"pref 32765 from {FIRST}/32 lookup 100"]),
        (wg_quick, 8080, [f"pref 32764 from {CONTAINERS} {MAIN}"]),
        (wg_quick, 9090, [f"pref 32764 from 203.0.113.0/24 {MAIN}"]),
        (second_uplink, 8080, [f"pref 32764 {NEAR} 0", f"pref 32765 from {CONTAINERS} lookup 100"]),
        (second_card, 8080, []),
        (second_card, 9090, []),
    ],
)
def test_where_it_leaves_elsewhere_it_is_routed_back_as_it_came(change: object, port: int, commands: list[str]) -> None:
    world = one_uplink()
    assert callable(change)
    change(world)
    first = change in (openvpn, wg_quick)
    address, device = (FIRST, "eth0") if first else (SECOND, "eth1")
    verdict = asked(world, address, port, device)
    assert (str(verdict.reach), verdict.causes[0].code) == ("depends", "RET_ASYMMETRIC_GATEWAY")
    assert verdict.causes[0].sentence.endswith(f"the wrong way: the client came in by {device}")
    fix = verdict.causes[0].fixes[0]
    said = [" ".join(argv) for argv in fix.commands]
    assert len(said) == len(commands)
    assert all(line.endswith(wanted) for line, wanted in zip(said, commands, strict=True)), said
    after = ask(applied(world.snapshot("host"), fix.plan.changes), verdict.question)
    assert after.symptom is Symptom.CONNECTED
    assert not any("no longer" in effect for effect in fix.side_effects if change is not wg_quick)


def test_who_has_a_way_of_its_own_is_answered() -> None:
    world = one_uplink()
    second_uplink(world)
    assert asked(world, SECOND, 9090, "eth1").symptom is Symptom.CONNECTED
    assert asked(world, FIRST, 8080, "eth0").symptom is Symptom.CONNECTED


def test_two_cards_in_one_network_answer_for_each_other() -> None:
    world = one_uplink()
    world["host"].link("wlan0")
    world["host"].address("wlan0", "203.0.113.3/24")
    assert asked(world, "203.0.113.3", 9090, "wlan0").symptom is Symptom.CONNECTED
