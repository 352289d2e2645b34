"""The ends of a question: relays, frozen programs, full queues, and clients out of view."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from engine.model.packet import Protocol
from engine.model.trace import Conversation, Outcome, Symptom
from engine.model.traffic import Process, Relay
from engine.model.verdict import Source
from engine.path.exchange.conversation import MOST_RELAYS
from tests.hosts.build import World
from tests.hosts.stock import WEB, docker_world, three_in_line, two_uplinks
from tests.path.endings import filtered
from tests.path.talks import UDP, ask, asked, places


def behind_a_relay(kind: str = "docker-proxy", target: str | None = WEB, port: int = 80, **options: object) -> World:
    """A host whose port 8080 is held by a relay, without a rule that translates it."""
    world = docker_world(nat="", proxy=False, **options)  # type: ignore[arg-type]
    relay = Relay(kind, ip_address(target) if target else None, port)
    world["host"].listen(8080, process=Process(790, kind, relay=relay))
    return world


def relayed(world: World, source: str = "lan") -> Conversation:
    return ask(world, "10.77.0.1", 8080, source=source)


def test_a_relay_opens_a_second_connection() -> None:
    found = relayed(behind_a_relay())
    assert found.symptom is Symptom.CONNECTED
    assert found.relayed is not None
    assert places(found.relayed) == ["host", "web"]
    assert str(found.relayed.forward.last.packet.src) == "172.17.0.1"


def test_a_relay_whose_own_connection_is_refused_closes() -> None:
    assert relayed(behind_a_relay(port=81)).symptom is Symptom.ACCEPTED_THEN_CLOSED


def test_a_relay_whose_own_connection_hangs_is_silent() -> None:
    world = behind_a_relay()
    filtered(world["web"], "INPUT", "-p tcp -j DROP")
    assert relayed(world).symptom is Symptom.ACCEPTED_THEN_SILENT


def test_a_relay_that_passes_nothing_on_is_silent() -> None:
    assert relayed(behind_a_relay("dockerd", None)).symptom is Symptom.ACCEPTED_THEN_SILENT


def test_relays_that_lead_to_relays_end() -> None:
    world = behind_a_relay(target="172.17.0.1", port=8080)
    found, depth = relayed(world), 0
    while found.relayed is not None:
        found, depth = found.relayed, depth + 1
    assert depth == MOST_RELAYS


def test_a_relay_of_datagrams_has_no_connection_to_close() -> None:
    world = behind_a_relay()
    relay = Relay("docker-proxy", ip_address(WEB), 81)
    world["host"].listen(8080, protocol=UDP, process=Process(791, "docker-proxy", relay=relay))
    assert ask(world, "10.77.0.1", 8080, UDP, "lan").symptom is Symptom.TIMEOUT


def paused() -> World:
    world = docker_world()
    world.containers[:] = [replace(c, state="paused") if c.name == "web" else c for c in world.containers]
    return world


def test_a_paused_container_accepts_and_is_silent() -> None:
    assert relayed(paused()).symptom is Symptom.ACCEPTED_THEN_SILENT
    assert ask(paused(), WEB, 80, UDP, "host").symptom is Symptom.TIMEOUT


def test_of_containers_that_share_a_namespace_all_must_be_paused() -> None:
    world = paused()
    world.containers.append(replace(world.containers[0], id="side", name="side", state="running"))
    assert relayed(world).symptom is Symptom.CONNECTED


@pytest.mark.parametrize(("state", "symptom"), [("T", Symptom.ACCEPTED_THEN_SILENT), ("S", Symptom.CONNECTED)])
def test_a_stopped_program_accepts_and_is_silent(state: str, symptom: Symptom) -> None:
    world = three_in_line()
    world["server"].listeners.clear()
    world["server"].listen(80, process=Process(9, "app", state))
    assert ask(world).symptom is symptom


@pytest.mark.parametrize(("queued", "symptom"), [(5, Symptom.CONNECTED), (6, Symptom.TIMEOUT)])
def test_a_full_queue_is_one_more_than_the_backlog(queued: int, symptom: Symptom) -> None:
    world = three_in_line()
    world["server"].listeners.clear()
    world["server"].listen(80, backlog=5, queued=queued)
    assert ask(world).symptom is symptom


def outside(address: str = "192.0.2.9", device: str = "isp1") -> Source:
    return Source("host", ip_address(address), device)


def test_an_outside_client_is_answered_by_the_device_that_it_came_in_by() -> None:
    (found,) = asked(two_uplinks().snapshot(), "198.51.100.2", 443, source=outside())
    assert found.symptom is Symptom.CONNECTED
    assert "ASSUME_OUTSIDE_PATH" in [about.code for about in found.assumptions]


def test_a_policy_rule_may_lead_the_answer_out_by_the_right_card() -> None:
    (found,) = asked(two_uplinks().snapshot(), "203.0.113.2", 443, source=outside(device="isp2"))
    assert found.reply is not None
    assert found.symptom is Symptom.CONNECTED
    assert found.reply.hops[-1].steps[-1].text == "leaves the snapshot via isp2"


def test_a_strict_filter_drops_what_comes_in_by_the_other_card() -> None:
    world = two_uplinks()
    world["host"].sysctl("net.ipv4.conf.all.rp_filter", 1)
    (by_rule,) = asked(world.snapshot(), "203.0.113.2", 443, source=outside(device="isp2"))
    (astray,) = asked(world.snapshot(), "198.51.100.2", 443, source=outside(device="isp2"))
    assert (by_rule.symptom, astray.forward.outcome) == (Symptom.CONNECTED, Outcome.RP_FILTER)


def test_an_outside_client_announces_segments_of_the_mtu_that_it_comes_in_by() -> None:
    world = two_uplinks()
    world["host"].change("isp2", mtu=1300)
    rule = "-A INPUT -p tcp -m conntrack --ctstate NEW -m tcpmss ! --mss 1300:1460 -j DROP"
    world["host"].iptables(f"*filter\n:INPUT ACCEPT [0:0]\n{rule}\nCOMMIT\n")
    (wide,) = asked(world.snapshot(), "198.51.100.2", 443, source=outside())
    (narrow,) = asked(world.snapshot(), "203.0.113.2", 443, source=outside(device="isp2"))
    assert (wide.symptom, narrow.symptom) == (Symptom.CONNECTED, Symptom.TIMEOUT)
    assert "ASSUME_SEGMENT_SIZE" in [about.code for about in wide.assumptions]


def test_an_outside_client_may_come_in_by_a_bridge() -> None:
    world = World()
    host = world.space("host")
    host.link("eno1")
    host.bridge("br0", "eno1").address("br0", "10.0.0.1/24").serve(80)
    for device in ("br0", "eno1"):
        (found,) = asked(world.snapshot(), "10.0.0.1", 80, source=outside("10.0.0.9", device))
        assert found.symptom is Symptom.CONNECTED, device


def test_an_outside_client_does_not_take_an_answer_that_was_not_translated_back() -> None:
    world = two_uplinks()
    world["host"].iptables(
        "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
        "*raw\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
    )
    world["host"].address("isp1", "198.51.100.9/24", flags=frozenset({"secondary"}))
    (found,) = asked(world.snapshot(), "198.51.100.9", 443, UDP, outside())
    assert found.symptom is Symptom.TIMEOUT
    assert found.reply is not None
    assert found.reply.outcome is Outcome.REPLY_MISMATCH


def test_an_outside_client_of_a_closed_port_is_refused() -> None:
    for protocol in (Protocol.TCP, UDP):
        (found,) = asked(two_uplinks().snapshot(), "198.51.100.2", 81, protocol, outside())
        assert found.symptom is Symptom.REFUSED
