"""The matrix: which ports are rows, which places ask, and that a cell is what `ask` answers."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from engine.explain import ask
from engine.explain.survey.everywhere import vantages
from engine.explain.survey.matrix import FEW, answer, matrix, ports, questions
from engine.model.container import Attachment, Network, PublishedPort
from engine.model.host import Snapshot
from engine.model.matrix import Matrix, PortOwner
from engine.model.packet import Protocol
from engine.model.verdict import Reach
from engine.path.world import World
from tests.hosts.stock import docker_world


def filled(snapshot: Snapshot, **options: bool) -> Matrix:
    rows = ports(snapshot)
    asked = list(questions(snapshot, rows, **options))
    return matrix(snapshot, rows, asked, (answer(World(snapshot), question) for _, _, question in asked))


def many_containers(count: int) -> Snapshot:
    world = docker_world()
    for number in range(count):
        name = f"more{number}"
        world.space(name)
        world.cable(f"host:veth{number}", f"{name}:eth0")
        world["host"].plug(f"veth{number}", "docker0")
        world[name].address("eth0", f"172.17.1.{number + 1}/16").route("default via 172.17.0.1 dev eth0").listen(9000)
        world.container(name, f"172.17.1.{number + 1}")
    return world.snapshot()


def test_rows_are_published_ports_and_what_listens_each_once():
    rows = [(str(port.service), port.owner, str(port.question.address), port.question.port) for port in ports(host())]
    assert ("published", "web", "10.77.0.1", 8080) in rows
    assert ("container", "web", "172.17.0.2", 80) in rows
    assert ("container", "db", "172.17.0.3", 5432) in rows
    assert len(rows) == len(set(rows)) + 1  # web's 80 is asked for by TCP and by UDP


def host() -> Snapshot:
    return docker_world().snapshot()


def test_a_proxy_is_no_row_of_its_own():
    assert [port.owner for port in ports(host()) if port.service is PortOwner.HOST] == []


def test_a_cell_says_what_the_whole_answer_says():
    snapshot = docker_world(user=("-p tcp -m tcp --dport 80 -j DROP",)).snapshot()
    for row in filled(snapshot).rows:
        for _, cell in row.cells:
            whole = ask(snapshot, cell.question)
            assert (cell.reach, cell.symptom) == (whole.reach, whole.symptom)


def test_a_blocked_cell_names_where_it_ends():
    snapshot = docker_world(user=("-p tcp -m tcp --dport 80 -j DROP",), proxy=False).snapshot()
    row = next(row for row in filled(snapshot).rows if row.port.service is PortOwner.PUBLISHED)
    outside = next(cell for name, cell in row.cells if name.startswith("lan"))
    assert (outside.reach, outside.ends) == (Reach.NO, "RULE_DROP in host: filter/DOCKER-USER 1")


def test_with_few_containers_each_of_them_asks():
    snapshot = host()
    rows = ports(snapshot)
    for number, port in enumerate(rows):
        asked = {question for row, _, question in questions(snapshot, rows) if row == number}
        assert asked == {vantage.question for vantage in vantages(snapshot, port.question)}


def test_with_many_containers_one_asks_for_each_network_and_the_rest_is_counted():
    snapshot = many_containers(FEW)
    made = filled(snapshot)
    assert "network bridge" in made.vantages
    assert made.left_out == FEW + 1
    assert not any(name.startswith("more") for name in made.vantages)
    everyone = filled(snapshot, everyone=True)
    assert everyone.left_out == 0
    assert len(everyone.vantages) > len(made.vantages)


@pytest.mark.parametrize("address", ["127.0.0.1", None])
def test_a_port_published_to_loopback_is_a_row_at_loopback(address):

    world = docker_world()
    at = ip_address(address) if address else None
    world.container("db", "172.17.0.3", PublishedPort(Protocol.TCP, at, 5432, 5432))
    row = next(port for port in ports(world.snapshot()) if port.owner == "db" and port.service is PortOwner.PUBLISHED)
    assert str(row.question.address) == (address or "10.77.0.1")
    assert row.loopback_only == bool(address)


def test_a_healthy_host_has_no_warning_but_for_services_that_trust_their_network():
    assert filled(host()).exposures == ()
    world = docker_world(nat=PUBLISHED_DB, filters=(ACCEPT_DB,))
    world.container("db", "172.17.0.3", PublishedPort(Protocol.TCP, None, 15432, 5432))
    found = filled(world.snapshot()).exposures
    assert [(one.code, one.port.question.port) for one in found] == [("EXPOSED_PRIVATE_SERVICE", 15432)]


PUBLISHED_DB = "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 15432 -j DNAT --to-destination 172.17.0.3:5432\n"
ACCEPT_DB = "-A FORWARD -d 172.17.0.3/32 -j ACCEPT"


def test_a_container_reached_at_its_own_address_from_outside_is_warned_of():
    world = docker_world(filters=("-A FORWARD -i up0 -j ACCEPT",))
    world["lan"].route("172.17.0.0/16 via 10.77.0.1 dev eth0")
    found = {(one.code, one.port.owner): one for one in filled(world.snapshot()).exposures}
    assert set(found) >= {("EXPOSED_UNPUBLISHED_PORT", "db"), ("EXPOSED_UNPUBLISHED_PORT", "web")}
    assert all(name.startswith("lan") for name in found["EXPOSED_UNPUBLISHED_PORT", "db"].vantages)


def test_an_internal_network_reached_from_outside_is_warned_of():
    world = docker_world(filters=("-A FORWARD -i up0 -j ACCEPT",))
    world["lan"].route("172.17.0.0/16 via 10.77.0.1 dev eth0")
    snapshot = world.snapshot()

    networks = (Network("bridge", "docker", "bridge", "docker0", internal=True),)
    assert snapshot.containers[0].attachments[0] == Attachment(
        "bridge", snapshot.containers[0].attachments[0].address, None
    )
    found = filled(replace(snapshot, networks=networks)).exposures
    assert "EXPOSED_INTERNAL_NETWORK" in {one.code for one in found}


def test_a_loopback_port_reached_from_outside_is_warned_of():

    snapshot = host()
    rows = ports(snapshot)
    asked = list(questions(snapshot, rows))
    meant = tuple(replace(port, loopback_only=port.service is PortOwner.PUBLISHED) for port in rows)
    cells = [answer(World(snapshot), question) for _, _, question in asked]
    found = matrix(snapshot, meant, asked, cells).exposures
    assert [(one.code, one.vantages) for one in found] == [("EXPOSED_LOOPBACK_PORT", ("lan (via up0)",))]
