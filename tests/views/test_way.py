from dataclasses import replace
from ipaddress import ip_address

from engine.model.packet import Packet, Protocol
from engine.model.trace import Context, Hop, Outcome, Step, StepKind, Trace
from tests.views.hosts import connected_verdict, docker_host, dropped_verdict
from views.topology.scene import scene
from views.topology.way import Way, focus, way

HOST = docker_host()
SCENE = scene(HOST)
UPLINK, DOCKER0, WEB_PORT, DB_PORT = "dh/2", "dh/3", "dh/5", "dh/7"


def of(trace: Trace) -> Way:
    return way(HOST, SCENE, trace)


def step(number: int, hop: int = 1, dropped: bool = True) -> tuple[Hop, Step]:
    verdict = dropped_verdict() if dropped else connected_verdict()
    found = verdict.conversation.forward.hops[hop]
    return found, found.steps[number]


def test_a_dropped_packet_used_the_uplink_and_stops_at_the_host() -> None:
    found = of(dropped_verdict().conversation.forward)
    assert found.links == {UPLINK}
    assert found.stop == SCENE.host.id
    assert found.words == "ends in dh: filter/DOCKER-USER 1 drop"
    assert found.wanted is not None
    assert SCENE.nodes[found.wanted].label == "web"


def test_where_nobody_has_the_address_or_the_packet_came_to_it_nothing_is_wanted() -> None:
    forward = dropped_verdict().conversation.forward
    last = forward.hops[-1]
    gone = replace(last.steps[-1], packet=replace(last.steps[-1].packet, dst=ip_address("172.17.0.99")))
    assert of(replace(forward, hops=(*forward.hops[:-1], replace(last, steps=(*last.steps[:-1], gone))))).wanted is None
    there = replace(last, netns="web")
    assert of(replace(forward, hops=(*forward.hops, there))).wanted is None


def test_a_delivered_packet_used_every_link_to_its_container_and_stops_nowhere() -> None:
    found = of(connected_verdict().conversation.forward)
    assert found.links == {UPLINK, DOCKER0, WEB_PORT}
    assert (found.stop, found.words) == (None, "")


def test_the_reply_uses_the_same_links_backwards() -> None:
    reply = connected_verdict().conversation.reply
    assert reply is not None
    assert of(reply).links == {UPLINK, DOCKER0, WEB_PORT}


def test_a_packet_that_is_only_bridged_does_not_use_the_bridge_device() -> None:
    web, db = (HOST.by_id[name].addresses[0].address for name in ("web", "db"))
    packet = Packet(web, db, Protocol.TCP, 40000, 5432)
    hops = (
        Hop("web", packet, (Step(StepKind.ROUTE, "on the link", packet, Context(oif="eth0")),)),
        Hop("dh", packet, (Step(StepKind.BRIDGE, "to veth41f2a80", packet, Context(iif="vethc06dc9f")),)),
        Hop("db", packet, (Step(StepKind.SOCKET, "postgres", packet, Context(iif="eth0")),)),
    )
    assert of(Trace(Outcome.DELIVERED, hops)).links == {WEB_PORT, DB_PORT}


def test_a_client_outside_arrives_by_the_uplink() -> None:
    forward = dropped_verdict().conversation.forward
    assert of(replace(forward, hops=forward.hops[1:])).links == {UPLINK}


def test_a_packet_that_leaves_the_view_uses_the_link_by_which_it_leaves() -> None:
    client = dropped_verdict().conversation.forward.hops[:1]
    found = of(Trace(Outcome.LEAVES_VIEW, client))
    assert found.links == {UPLINK}
    assert found.stop is None


def test_a_step_about_a_link_lights_that_link() -> None:
    assert focus(HOST, SCENE, *step(0)) == UPLINK


def test_a_route_lights_the_device_it_leads_to() -> None:
    assert focus(HOST, SCENE, *step(3)) == DOCKER0


def test_a_rule_that_names_a_device_lights_it_and_any_other_lights_its_namespace() -> None:
    assert focus(HOST, SCENE, *step(5, dropped=False)) == DOCKER0
    assert focus(HOST, SCENE, *step(5)) == SCENE.host.id


def test_a_socket_lights_its_container() -> None:
    assert focus(HOST, SCENE, *step(1, hop=2, dropped=False)) == SCENE.of_netns("web")


def test_a_bridge_step_lights_the_port_that_the_frame_leaves_by() -> None:
    assert focus(HOST, SCENE, *step(6, dropped=False)) == WEB_PORT
