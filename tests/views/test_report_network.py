"""The graph that every exported picture is written from."""

import pytest

from tests.hosts.stock import docker_world, one_bridge, three_in_line, two_uplinks
from tests.views.report_hosts import answer, docker_host
from views.topology.network import Place, graph

WORLDS = {"docker": docker_world, "bridge": one_bridge, "line": three_in_line, "uplinks": two_uplinks}


@pytest.mark.parametrize("name", WORLDS)
def test_every_end_of_an_edge_is_a_node_and_no_node_is_there_twice(name):
    drawn = graph(WORLDS[name]().snapshot())
    ids = [spot.id for spot in drawn.spots]
    assert len(ids) == len(set(ids))
    assert {end for wire in drawn.wires for end in (wire.one, wire.other)} <= set(ids)


@pytest.mark.parametrize("name", WORLDS)
def test_every_namespace_is_in_the_picture(name):
    snapshot = WORLDS[name]().snapshot()
    drawn = graph(snapshot)
    host = [spot for spot in drawn.spots if spot.place is Place.HOST]
    others = {spot.id for spot in drawn.spots if spot.place is Place.NAMESPACE}
    assert len(host) == 1
    assert others == {f"netns:{netns.id}" for netns in snapshot.namespaces if netns.id != snapshot.host}


def test_a_container_in_two_networks_is_one_node_with_two_edges():
    world = docker_world()
    host = world["host"]
    host.bridge("br-b").address("br-b", "172.18.0.1/16")
    world.cable("host:vethb", "web:eth1")
    host.plug("vethb", "br-b")
    world["web"].address("eth1", "172.18.0.2/16")
    drawn = graph(world.snapshot())
    web = next(spot for spot in drawn.spots if spot.label == "web")
    assert [wire.label for wire in drawn.wires if wire.other == web.id] == ["vethweb", "vethb"]
    assert sum(spot.label == "web" for spot in drawn.spots) == 1


def test_the_way_of_a_packet_is_on_the_graph_and_so_is_where_it_stops():
    snapshot = docker_world(user=("-p tcp -m tcp --dport 80 -j DROP",)).snapshot()
    verdict = answer(snapshot, ":8080", "ns:lan")
    drawn = graph(snapshot, verdict.conversation.forward)
    stops = {spot.label: spot.stop for spot in drawn.spots if spot.stop}
    assert stops == {"host": "ends in host: filter/DOCKER-USER 1 drop"}
    assert [wire.label for wire in drawn.wires if wire.traced] == ["up0 10.77.0.1/24"]


def test_a_link_that_is_down_is_an_edge_that_is_down():
    world = docker_world()
    world["host"].change("vethdb", up=False)
    assert [wire.label for wire in graph(world.snapshot()).wires if not wire.up] == ["vethdb"]


def test_nodes_tell_address_and_services():
    web = next(spot for spot in graph(docker_host()).spots if spot.label == "web")
    assert web.lines[0] == "172.17.0.2"
    assert any(":8080→80" in line for line in web.lines)
