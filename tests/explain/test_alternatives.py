"""What the client meant: the mistake is named, and what to ask instead comes before a program that nobody needs."""

from __future__ import annotations

import pytest

from engine.change import applied
from engine.explain import ask
from engine.explain.question import resolve
from engine.model.container import PublishedPort
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.traffic import Process
from engine.model.verdict import Cause, FixKind, Verdict
from engine.observe.recording.snapshot_file import open_file
from engine.records import replace
from tests.explain.hosts import SHOP
from tests.hosts.stock import docker_world, one_bridge, three_in_line


def answer(snapshot: Snapshot, target: str, source: str) -> Verdict:
    return ask(snapshot, resolve(snapshot, target, source))


def first(target: str, source: str) -> Cause:
    """The first cause in the shop: web (8080:80), docs, api (127.0.0.1:8000:8000), db (5432:5432), cache."""
    return answer(open_file(SHOP), target, source).causes[0]


@pytest.mark.parametrize(
    ("target", "source", "instead", "because"),
    [
        ("web:8080", "api", "172.18.0.2:80", "8080 is web's published port on the host, inside the container it is 80"),
        (":80", "api", "192.168.30.1:8080", "80 is web's port inside the container, the host publishes it as 8080"),
        ("127.0.0.1:5432", "api", "172.19.0.3:5432", "127.0.0.1 is shop-api itself, db serves 5432"),
        ("127.0.0.1:8080", "docs", "172.18.0.1:8080", "127.0.0.1 is shop-docs itself, the host publishes web as 8080"),
        ("172.18.0.9:80", "docs", "172.18.0.2:80", "no interface has 172.18.0.9, web at 172.18.0.2 serves 80"),
        ("docs:8080", "web", "172.18.0.4:80", "it listens on 80"),
        ("cache:6380", "api", "172.19.0.4:6379", "it listens on 6379"),
        ("[::1]:8000", "host", "127.0.0.1:8000", "api is published on 127.0.0.1:8000 only"),
    ],
)
def test_what_was_meant_is_the_first_fix_and_the_cause_says_what_was_taken_for_it(
    target: str, source: str, instead: str, because: str
) -> None:
    cause = first(target, source)
    assert because in cause.sentence
    fix = cause.fixes[0]
    assert (fix.kind, fix.commands, fix.plan.changes) == (FixKind.ASK, (), ())
    assert fix.title.startswith(f"ask {instead} (")
    assert fix.ask is not None
    assert ask(open_file(SHOP), fix.ask).symptom == "connected"


def test_two_networks_meet_in_one_before_a_hole_is_made_and_before_the_published_port_is_asked() -> None:
    cause = first("db:5432", "web")
    joined, instead = cause.fixes[:2]
    assert (joined.title, joined.kind) == ("connect web to network back", FixKind.PUBLISH)
    assert joined.commands[0][-4:] == ("network", "connect", "back", "web")
    assert "permanent: list back under `networks:` of the service web" in joined.survives
    assert any("web (front) can now also reach" in each for each in joined.side_effects)
    assert instead.title == "ask 172.18.0.1:5432 (db)"


def test_a_network_that_was_joined_gives_an_address_and_a_route() -> None:
    shop = open_file(SHOP)
    (change,) = first("db:5432", "web").fixes[0].plan.changes
    after = applied(shop, [change])
    assert change.holds(after)
    assert not change.holds(shop)
    assert "172.19.0.5/16" in map(str, after.by_id["shop-web"].addresses)
    assert answer(after, "db:5432", "web").symptom == "connected"


def test_another_engine_s_container_and_network_of_the_same_names_are_left_alone() -> None:
    shop = open_file(SHOP)
    twins = [replace(each, id=f"other {each.id}", engine="podman", netns=None) for each in shop.containers]
    others = [replace(each, engine="podman", bridge="podman9") for each in shop.networks]
    crowded = replace(shop, containers=(*twins, *shop.containers), networks=(*others, *shop.networks))
    verdict = ask(crowded, resolve(crowded, "172.19.0.3:5432", "ns:shop-web"))
    joined = verdict.causes[0].fixes[0]
    assert joined.title == "connect web to network back"
    after = applied(crowded, joined.plan.changes)
    assert {each.id for each, was in zip(after.containers, crowded.containers, strict=True) if each != was} == {
        each.id for each in shop.containers if each.name == "web"
    }


def test_a_name_means_the_address_in_the_network_that_the_client_is_in() -> None:
    shop = open_file(SHOP)
    assert str(resolve(shop, "api:8000", "web").address) == "172.18.0.3"
    assert str(resolve(shop, "api:8000", "db").address) == "172.19.0.2"


def test_a_port_published_on_loopback_is_asked_at_the_host_by_others() -> None:
    cause = first(":8000", "ns:shop-lan")
    assert cause.code == "NAT_DNAT_HOSTIP_MISMATCH"
    assert "api is published on 127.0.0.1:8000 only, not on 192.168.30.1" in cause.sentence
    assert str(resolve(open_file(SHOP), ":8000").address) == "127.0.0.1"


def test_where_several_could_be_meant_they_come_after_the_program() -> None:
    world = docker_world()
    for port in (9000, 9090):
        world["web"].listen(port)
    cause = answer(world.snapshot(), "172.17.0.2:7777", "host").causes[0]
    kinds = [fix.kind for fix in cause.fixes]
    assert kinds == [FixKind.APPLICATION, FixKind.ASK, FixKind.ASK, FixKind.ASK]


def test_the_address_that_the_client_has_as_well_is_told() -> None:
    world = one_bridge()
    world["left"].address("eth0", "10.3.0.2/24")
    world["right"].address("eth0", "10.3.0.7/24")
    world["left"].listeners.clear()
    cause = answer(world.snapshot(), "10.3.0.2:80", "ns:left").causes[0]
    assert "10.3.0.2 is an address of left too, so the packet never leaves it" in cause.sentence
    assert cause.fixes[0].title == "ask 10.3.0.7:80 (right)"


def test_a_port_of_another_host_is_not_meant_where_the_asked_one_is_there() -> None:
    world = three_in_line()
    world["server"].listeners.clear()
    cause = answer(world.snapshot(), "10.2.0.2:80", "ns:client").causes[0]
    assert cause.sentence == "nothing listens on port 80/tcp in server"
    assert [fix.kind for fix in cause.fixes] == [FixKind.APPLICATION]


def test_a_drop_is_lifted_before_another_port_is_asked() -> None:
    world = docker_world(user=["-p tcp -m tcp --dport 80 -j DROP"])
    cause = answer(world.snapshot(), "10.77.0.1:8080", "ns:lan").causes[0]
    assert [fix.kind for fix in cause.fixes] == [FixKind.RULE] * len(cause.fixes)


def test_a_published_port_that_nothing_serves_offers_no_other_container() -> None:
    world = docker_world()
    world["web"].listeners.clear()
    world.container("web", "172.17.0.2", PublishedPort(Protocol.TCP, None, 8080, 80))
    cause = answer(world.snapshot(), "10.77.0.1:8080", "ns:lan").causes[0]
    assert FixKind.ASK not in {fix.kind for fix in cause.fixes}


@pytest.mark.parametrize(
    ("name", "port", "how"),
    [
        ("redis-server", 6379, "bind 0.0.0.0 in redis.conf"),
        ("python3.12", 5000, "flask run --host 0.0.0.0"),
        ("python", 8000, "uvicorn --host 0.0.0.0"),
        ("node", 5173, "vite --host 0.0.0.0"),
        ("node", 9999, "listen(9999, '0.0.0.0')"),
        ("postgres", 5432, "listen_addresses = '*'"),
    ],
)
def test_a_program_on_loopback_is_told_how_to_listen_elsewhere(name: str, port: int, how: str) -> None:
    world = docker_world()
    world["db"].listeners.clear()
    world["db"].listen(port, "127.0.0.1", process=Process(7, name))
    cause = answer(world.snapshot(), f"172.17.0.3:{port}", "host").causes[0]
    assert cause.code == "DST_LISTEN_LOOPBACK_ONLY"
    assert how in cause.fixes[0].title


def test_a_container_s_own_address_is_published_before_a_route_to_it_is_made() -> None:
    world = docker_world()
    cause = answer(world.snapshot(), "172.17.0.3:5432", "ns:lan").causes[0]
    assert cause.sentence.startswith("172.17.0.3 is db's own address, and port 5432 is not published: ")
    fix = cause.fixes[0]
    assert fix.title == "run db again with -p 5432:5432, then ask 10.77.0.1:5432"
    assert (fix.kind, fix.commands) == (FixKind.PUBLISH, ())
    assert cause.change is not fix
    assert fix.ask is not None
    assert ask(applied(world.snapshot(), fix.plan.changes), fix.ask).symptom == "connected"


def test_a_translation_for_packets_from_outside_is_named_where_the_host_asks() -> None:
    world = three_in_line()
    world["router"].listeners.clear()
    rule = "-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.2.0.2:80"
    world["router"].iptables(f"*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{rule}\nCOMMIT\n")
    snapshot = world.snapshot("router")
    cause = answer(snapshot, "10.1.0.1:8080", "host").causes[0]
    assert cause.code == "NAT_PREROUTING_ONLY"
    assert cause.fixes[0].title == "translate 10.1.0.1:8080 for router's own packets in nat/OUTPUT too"
    assert cause.fixes[1].title == "ask 10.2.0.2:80 (server)"
    assert (
        ask(applied(snapshot, cause.fixes[0].plan.changes), resolve(snapshot, "10.1.0.1:8080")).symptom == "connected"
    )
