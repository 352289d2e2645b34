"""Look-ups as each C library makes them: search lists, servers in turn, hosts files, the order of addresses."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from engine.model.application.naming import (
    HostsLine,
    Libc,
    NameConfig,
    NamedBy,
    NameLookup,
    NameRecord,
    NameSymptom,
    Resolver,
    Zone,
)
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.trace import Symptom
from engine.model.traffic import Process
from engine.model.verdict import Question, Source
from engine.path.exchange.conversation import conversations
from engine.path.naming.candidates import candidates
from engine.path.proxies.passing import UNSPECIFIED
from engine.path.world import World as Walked
from tests.hosts.named import named
from tests.hosts.stock import three_in_line

DNSMASQ = Process(800, "dnsmasq")
SERVER, DEAD = "10.2.0.2", "10.2.0.77"
KNOWN = Zone(records=(NameRecord("web.corp.test", (ip_address(SERVER),)), NameRecord(".corp.test"), NameRecord("")))


def host(**config: object) -> Snapshot:
    """Client, router and server; on the server a resolver that knows web.corp.test, and nothing else of that domain."""
    world = three_in_line()
    world["server"].listen(53, None, Protocol.UDP, process=DNSMASQ)
    snapshot = world.snapshot("client")
    found = replace(NameConfig("client", servers=(ip_address(SERVER),)), **config)  # type: ignore[arg-type]
    resolver = Resolver("server", DNSMASQ.pid, "dnsmasq", (KNOWN,))
    return replace(snapshot, name_configs=(found,), resolvers=(resolver,))


def look_up(snapshot: Snapshot, name: str, source: str = "client") -> tuple[NameLookup, Symptom]:
    asked = Question(Source(source), UNSPECIFIED, 80, name=name)
    runs, _ = conversations(Walked(snapshot), asked)
    assert runs[0].result.name is not None
    return runs[0].result.name, runs[0].result.symptom


@pytest.mark.parametrize(
    ("libc", "ndots", "name", "asked"),
    [
        (Libc.GLIBC, 1, "web", ["web.a.test", "web.b.test", "web"]),
        (Libc.GLIBC, 1, "web.x", ["web.x", "web.x.a.test", "web.x.b.test"]),
        (Libc.GLIBC, 5, "web.x", ["web.x.a.test", "web.x.b.test", "web.x"]),
        (Libc.GLIBC, 0, "web", ["web", "web.a.test", "web.b.test"]),
        (Libc.GLIBC, 1, "web.", ["web"]),
        (Libc.MUSL, 1, "web", ["web.a.test", "web.b.test", "web"]),
        (Libc.MUSL, 1, "web.x", ["web.x"]),
        (Libc.MUSL, 0, "web", ["web"]),
    ],
)
def test_a_search_list(libc: Libc, ndots: int, name: str, asked: list[str]) -> None:
    config = NameConfig("x", search=("a.test", "b.test"), ndots=ndots, libc=libc)
    assert list(candidates(config, name)) == asked


def test_a_name_is_found_by_the_search_list() -> None:
    found, symptom = look_up(host(search=("other.corp.test", "corp.test")), "web")
    assert [(step.name, step.symptom) for step in found.order] == [
        ("web.other.corp.test", NameSymptom.NO_NAME),
        ("web.corp.test", NameSymptom.FOUND),
    ]
    assert (found.used, symptom) == (ip_address(SERVER), Symptom.CONNECTED)


def test_the_hosts_file_comes_first_where_the_order_says_so() -> None:
    line = HostsLine(ip_address("10.1.0.1"), ("web.corp.test",), 3)
    found, _ = look_up(host(hosts=(line,)), "WEB.corp.test")
    assert found.addresses == (ip_address("10.1.0.1"),)
    assert found.order[0].by is NamedBy.HOSTS
    assert found.order[0].at is not None
    assert found.order[0].at.name == "/etc/hosts:3"
    turned, _ = look_up(host(hosts=(line,), sources=("dns", "files")), "web.corp.test")
    assert turned.addresses == (ip_address(SERVER),)
    musl, _ = look_up(host(hosts=(line,), sources=("dns", "files"), libc=Libc.MUSL), "web.corp.test")
    assert musl.addresses == (ip_address("10.1.0.1"),)


def test_an_action_ends_the_look_up() -> None:
    stopped, symptom = look_up(host(sources=("files", "[notfound=return]", "dns")), "web.corp.test")
    assert (stopped.order, symptom) == ((), Symptom.NAME_NOT_FOUND)
    found, _ = look_up(host(sources=("files", "[!notfound=return]", "dns")), "web.corp.test")
    assert found.found


def test_a_server_that_does_not_answer_costs_time_and_the_next_one_is_asked() -> None:
    servers = (ip_address(DEAD), ip_address(SERVER))
    found, symptom = look_up(host(servers=servers), "web.corp.test")
    assert (found.addresses, symptom) == ((ip_address(SERVER),), Symptom.CONNECTED)
    assert found.seconds == 3  # the router asks for the neighbour three times, and says so
    lost, symptom = look_up(host(servers=(ip_address(DEAD),), attempts=3), "web.corp.test")
    assert (lost.found, lost.seconds, symptom) == (False, 9, Symptom.NAME_NOT_FOUND)


def test_musl_does_not_hear_of_the_error_and_waits() -> None:
    lost, symptom = look_up(host(servers=(ip_address(DEAD),), libc=Libc.MUSL), "web.corp.test")
    assert (lost.seconds, symptom) == (10, Symptom.NAME_TIMEOUT)


def test_nothing_listens_at_the_server() -> None:
    lost, symptom = look_up(host(servers=(ip_address("10.1.0.1"),)), "web.corp.test")
    assert (lost.order[0].symptom, lost.seconds, symptom) == (NameSymptom.REFUSED, 0, Symptom.NAME_NOT_FOUND)


def test_a_resolver_asks_in_turn_and_a_circle_ends() -> None:
    snapshot = host()
    resolver = replace(snapshot.resolvers[0], zones=(), servers=(ip_address(SERVER),))
    found, symptom = look_up(replace(snapshot, resolvers=(resolver,)), "web.corp.test")
    assert found.unknown
    assert symptom is Symptom.NAME_NOT_FOUND
    assert len(found.order) < 10


def test_a_resolver_that_is_not_understood_may_say_anything() -> None:
    snapshot = host()
    resolver = replace(snapshot.resolvers[0], known=False)
    found, _ = look_up(replace(snapshot, resolvers=(resolver,)), "web.corp.test")
    assert found.unknown


def test_a_name_of_two_families_is_tried_in_order_and_the_one_that_connects_is_used() -> None:
    snapshot = host()
    both = NameRecord("web.corp.test", (ip_address(SERVER), ip_address("fd02::2")))
    resolver = replace(snapshot.resolvers[0], zones=(Zone(records=(both,)),))
    found, symptom = look_up(replace(snapshot, resolvers=(resolver,)), "web.corp.test")
    own = {address.address.version for address in snapshot.host_netns.addresses if not address.address.is_loopback}
    assert found.addresses == ((ip_address("fd02::2"), ip_address(SERVER)) if 6 in own else (ip_address(SERVER),))
    assert symptom is Symptom.CONNECTED


def test_dockers_resolver_knows_the_networks_that_are_shared() -> None:
    snapshot = named()
    found, symptom = look_up(snapshot, "web")
    assert (found.order[0].by, found.order[0].network, symptom) == (NamedBy.DOCKER, "front", Symptom.CONNECTED)
    dotted, _ = look_up(snapshot, "web.front")
    assert dotted.addresses == found.addresses
    assert not look_up(snapshot, "db")[0].found
