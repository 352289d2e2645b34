"""Targets and sources as people type them, and one clear line for each that cannot be understood."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address

import pytest

from engine.explain.question import QuestionError, find_container, resolve
from engine.model.container import PublishedPort
from engine.model.packet import Protocol
from engine.observe.recording.snapshot_file import open_file
from tests.explain.hosts import SHOP
from tests.hosts.build import World
from tests.hosts.stock import docker_world, three_in_line, two_uplinks


def world() -> World:
    made = docker_world()
    made["host"].link("wan")
    made.containers[0] = replace(made.containers[0], service="frontend")
    return made


SNAPSHOT = world().snapshot()


@pytest.mark.parametrize(
    ("target", "address", "port"),
    [
        ("10.77.0.1:8080", "10.77.0.1", 8080),
        ("[fd00::1]:443", "fd00::1", 443),
        ("[10.77.0.1]:80", "10.77.0.1", 80),
        ("web:80", "172.17.0.2", 80),
        ("web0123:80", "172.17.0.2", 80),
        ("frontend:80", "172.17.0.2", 80),
        (":8080", "10.77.0.1", 8080),
        (":1", "10.77.0.1", 1),
        ("10.77.0.1:65535", "10.77.0.1", 65535),
        ("127.0.0.1:080", "127.0.0.1", 80),
    ],
)
def test_target(target: str, address: str, port: int) -> None:
    question = resolve(SNAPSHOT, target)
    assert (question.address, question.port, question.target) == (ip_address(address), port, target)


@pytest.mark.parametrize(
    ("url", "asked", "what"),
    [
        ("http://10.77.0.1:8080/", "10.77.0.1:8080", "http://10.77.0.1:8080/"),
        ("https://10.77.0.1/path?a=b:1", "10.77.0.1:443", "https://10.77.0.1/path?a=b:1"),
        ("HTTP://[fd00::1]", "[fd00::1]:80", "http://[fd00::1]/"),
        ("http://me:word@[fd00::1]:81#top", "[fd00::1]:81", "http://[fd00::1]:81/"),
        ("http://localhost:8080", "localhost:8080", "http://localhost:8080/"),
        ("http://web:8080?a=b", "web:8080", "http://web:8080/?a=b"),
        ("postgres://me:word@web/shop", "web:5432", ""),
        ("postgresql+asyncpg://web/shop", "web:5432", ""),
        ("redis://web", "web:6379", ""),
        ("ftp://10.77.0.1", "10.77.0.1:21", ""),
    ],
)
def test_what_a_program_was_given_is_a_target(url: str, asked: str, what: str) -> None:
    found, plain = resolve(SNAPSHOT, url), resolve(SNAPSHOT, asked)
    assert replace(found, url=None, target=plain.target) == plain
    assert str(found.url or "") == what


def test_the_host_and_tcp_are_meant_where_nothing_is_said() -> None:
    question = resolve(SNAPSHOT, "web:80")
    assert (question.source.netns, question.source.address, question.protocol) == ("host", None, Protocol.TCP)
    assert resolve(SNAPSHOT, "web:80", "", Protocol.UDP).protocol is Protocol.UDP


def test_a_port_that_is_published_on_one_address_is_asked_there() -> None:
    made = world()
    published = (PublishedPort(Protocol.TCP, ip_address("127.0.0.1"), 9000, 80),)
    made.containers[0] = replace(made.containers[0], published=published)
    assert str(resolve(made.snapshot(), ":9000").address) == "127.0.0.1"


@pytest.mark.parametrize(
    ("engine", "protocol", "address"),
    [
        ("docker", Protocol.UDP, "10.77.0.1"),
        ("docker unix:///run/inner/docker.sock", Protocol.TCP, "10.77.0.1"),
    ],
)
def test_a_port_that_another_protocol_or_an_engine_elsewhere_publishes_is_not_meant(
    engine: str, protocol: Protocol, address: str
) -> None:
    made = world()
    published = (PublishedPort(Protocol.TCP, ip_address("192.168.99.1"), 9000, 80),)
    made.containers[0] = replace(made.containers[0], engine=engine, published=published)
    assert str(resolve(made.snapshot(), ":9000", "host", protocol).address) == address


def test_a_published_port_without_an_address_is_asked_at_an_uplink_and_not_at_a_bridge() -> None:
    made = World()
    host = made.space("host")
    host.bridge("docker0").address("docker0", "172.17.0.1/16")
    host.link("eth0")
    host.address("eth0", "10.0.0.9/24")
    assert str(resolve(made.snapshot(), ":80").address) == "10.0.0.9"


@pytest.mark.parametrize(
    ("source", "netns", "address", "device"),
    [
        ("host", "host", None, None),
        ("ns:lan", "lan", None, None),
        ("db", "db", None, None),
        ("db0123", "db", None, None),
        ("10.77.0.55", "host", "10.77.0.55", "up0"),
        ("192.0.2.1", "host", "192.0.2.1", "up0"),
        ("192.0.2.1@wan", "host", "192.0.2.1", "wan"),
        ("10.77.0.1@wan", "host", "10.77.0.1", "wan"),
        ("ns:lan/10.77.0.2", "lan", "10.77.0.2", None),
        ("host/172.17.0.1", "host", "172.17.0.1", None),
    ],
)
def test_source(source: str, netns: str, address: str | None, device: str | None) -> None:
    found = resolve(SNAPSHOT, "web:80", source).source
    assert (found.netns, found.device) == (netns, device)
    assert found.address == (ip_address(address) if address else None)
    assert found.outside is (device is not None)


def test_an_outside_client_arrives_by_the_device_that_routes_back_to_it() -> None:
    snapshot = two_uplinks().snapshot()
    assert resolve(snapshot, ":443", "203.0.113.77").source.device == "isp2"
    assert resolve(snapshot, ":443", "192.0.2.1").source.device == "isp1"


@pytest.mark.parametrize(
    ("target", "source", "words"),
    [
        ("web", "host", "write ADDRESS:PORT"),
        ("", "host", "write ADDRESS:PORT"),
        ("::1:80", "host", "write ADDRESS:PORT"),
        ("[::1:80", "host", "write ADDRESS:PORT"),
        ("web:http", "host", "'http' is not a port number"),
        ("web:", "host", "'' is not a port number"),
        ("web:-1", "host", "'-1' is not a port number"),
        ("web:0", "host", "port 0 is not between 1 and 65535"),
        ("web:65536", "host", "port 65536 is not between 1 and 65535"),
        ("web:²", "host", "'²' is not a port number"),
        ("wbe:80", "host", "did you mean web?"),
        ("zzz:80", "host", "there are: db, web"),
        ("example.org:80", "host", "how names are looked up is not in the snapshot: write the address"),
        ("http://zzz/", "host", "no container 'zzz'"),
        ("gopher://10.77.0.1", "host", "the port of gopher is not known"),
        ("postgres://", "host", "no host in the URL"),
        ("web:80", "ns:lam", "did you mean lan?"),
        ("web:80", "ns:", "no network namespace ''"),
        ("web:80", "wbe", "did you mean web?"),
        ("web:80", "192.0.2.1@wam", "did you mean wan?"),
        ("web:80", "fd00::1", "different IP versions"),
        ("web:80", "10.77.0.1", "write --from host"),
    ],
)
def test_what_cannot_be_asked_says_so_in_one_line(target: str, source: str, words: str) -> None:
    with pytest.raises(QuestionError) as caught:
        resolve(SNAPSHOT, target, source)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_port_of_absurd_length_is_no_port() -> None:
    with pytest.raises(QuestionError):
        resolve(SNAPSHOT, f"web:{'9' * 5000}")


def test_a_container_that_does_not_run_is_to_be_started() -> None:
    made = world()
    made.containers[0] = replace(made.containers[0], state="exited", netns=None)
    with pytest.raises(QuestionError, match=r"is not running \(exited\): start it with `docker start web`"):
        resolve(made.snapshot(), "web:80")


def test_a_container_whose_namespace_cannot_be_seen_says_who_could() -> None:
    made = world()
    made.containers[0] = replace(made.containers[0], netns=None)
    with pytest.raises(QuestionError, match="run as root"):
        resolve(made.snapshot(), "web:80")


def test_a_container_without_an_address_is_asked_for_by_address() -> None:
    made = world()
    made["web"].addresses[:] = made["web"].addresses[:2]
    made.containers[0] = replace(made.containers[0], attachments=(), network_mode="none")
    with pytest.raises(QuestionError, match="network mode none"):
        resolve(made.snapshot(), "web:80")


def test_a_container_that_lost_its_address_is_asked_for_at_the_one_that_it_should_have() -> None:
    made = world()
    made["web"].addresses[:] = made["web"].addresses[:2]
    assert str(resolve(made.snapshot(), "web:80").address) == "172.17.0.2"


def test_a_host_without_an_address_has_no_published_ports() -> None:
    made = World()
    made.space("host")
    with pytest.raises(QuestionError, match=r"write 127\.0\.0\.1:80"):
        resolve(made.snapshot(), ":80")


def test_two_containers_of_one_name_are_told_apart_by_id() -> None:
    made = world()
    made.containers.append(replace(made.containers[0], id="feedbeef1234"))
    with pytest.raises(QuestionError, match=r"matches 2 containers: .*feedbeef1234.* write an id"):
        find_container(made.snapshot(), "web")
    assert find_container(made.snapshot(), "feedbeef").id == "feedbeef1234"


def test_of_two_engines_the_hosts_own_is_meant() -> None:
    made = world()
    made.containers.append(replace(made.containers[0], id="feedbeef1234", engine="docker (/run/other.sock)"))
    assert find_container(made.snapshot(), "web").engine == "docker"


def test_an_outside_client_that_no_route_leads_to_needs_a_device() -> None:
    snapshot = three_in_line().snapshot("router")
    with pytest.raises(QuestionError, match=r"write 192\.0\.2\.1@DEVICE"):
        resolve(snapshot, "10.2.0.2:80", "192.0.2.1")
    assert resolve(snapshot, "10.2.0.2:80", "192.0.2.1@left").source.device == "left"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("ns:lan/10.9.9.9", "lan has no address 10.9.9.9 to bind"),
        ("ns:lan/eth0", "'eth0' is not an address: write SOURCE/ADDRESS"),
        ("10.77.0.55/10.77.0.55", "has no address 10.77.0.55 to bind"),
    ],
)
def test_an_address_that_a_client_cannot_bind_is_refused(source: str, words: str) -> None:
    with pytest.raises(QuestionError, match=re.escape(words)):
        resolve(SNAPSHOT, "172.17.0.2:80", source)


def test_a_client_outside_is_where_its_subnet_is_whatever_the_route_back_says() -> None:
    made = World()
    host = made.space("host")
    for name in ("eth0", "tun0"):
        host.link(name)
    host.address("eth0", "192.0.2.1/24").address("tun0", "10.8.0.2/24").neighbour(
        "eth0", "198.51.100.9", "02:00:00:00:00:09"
    )
    host.route("192.0.2.0/25 dev tun0").route("default via 10.8.0.1 dev tun0").serve(22)
    snapshot = made.snapshot()
    assert resolve(snapshot, "192.0.2.1:22", "192.0.2.77").source.device == "eth0"
    assert resolve(snapshot, "192.0.2.1:22", "198.51.100.9").source.device == "eth0"
    assert resolve(snapshot, "192.0.2.1:22", "203.0.113.9").source.device == "tun0"


@pytest.mark.parametrize(
    ("target", "protocol", "meant"),
    [
        ("172.18.0.4:80/tcp", Protocol.TCP, (80, Protocol.TCP)),
        ("docs:53/udp", Protocol.TCP, (53, Protocol.UDP)),
        ("docs:53/UDP", Protocol.UDP, (53, Protocol.UDP)),
        (":8080/tcp", Protocol.TCP, (8080, Protocol.TCP)),
        ("http://docs/index.html", Protocol.TCP, (80, Protocol.TCP)),
    ],
)
def test_a_target_may_end_in_its_protocol(target: str, protocol: Protocol, meant: tuple[int, Protocol]) -> None:
    question = resolve(open_file(SHOP), target, "web", protocol)
    assert (question.port, question.protocol) == meant


@pytest.mark.parametrize(
    ("target", "protocol", "words"),
    [
        ("docs:80/quic", Protocol.TCP, "the protocol is one of tcp, udp, sctp"),
        ("docs:80/sctp", Protocol.UDP, "sctp and --udp contradict each other"),
    ],
)
def test_a_protocol_that_cannot_be_is_refused(target: str, protocol: Protocol, words: str) -> None:
    with pytest.raises(QuestionError, match=words):
        resolve(open_file(SHOP), target, "web", protocol)
