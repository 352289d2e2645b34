"""`portscope` on a real containerd with pods: what it knows of them, and what a client sees of their host ports."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from engine.model.container import Network, PublishedPort
from engine.model.packet import Protocol
from engine.observe.collected.snapshot import loads
from tests.engines.containerd import IMAGE, PROGRAMS, ContainerdHost, containerd_host
from tests.engines.docker import HOST_ADDRESS
from tests.harness.needs import require
from tests.harness.netns import Netns, run
from tests.observe.collecting import collect

WAITING = ("/bin/sleep", "1000")
PORTS = (
    {"containerPort": 80, "hostPort": 8080},
    {"containerPort": 81, "hostPort": 8081, "hostIP": HOST_ADDRESS},
    {"containerPort": 53, "hostPort": 5353, "protocol": "UDP"},
)


@pytest.fixture(scope="module")
def host() -> Iterator[ContainerdHost]:
    require(*PROGRAMS, root=True)
    with containerd_host() as made:
        yield made


@pytest.fixture(scope="module")
def web(host: ContainerdHost) -> tuple[str, Netns]:
    return host.pod("web-0", *PORTS)


@pytest.fixture(scope="module")
def db(host: ContainerdHost) -> Netns:
    return host.pod("db-0", command=WAITING)[1]


@pytest.fixture(scope="module")
def agent(host: ContainerdHost) -> Netns:
    return host.pod("agent-0", command=WAITING, in_host=True)[1]


def test_pods_are_known_with_their_networks_and_host_ports(
    host: ContainerdHost, web: tuple[str, Netns], db: Netns, agent: Netns
) -> None:
    key, netns = web
    snapshot = host.snapshot()
    known = {each.name: each for each in snapshot.containers}
    assert {name: (each.pod, each.netns, each.image) for name, each in known.items()} == {
        "web-0": ("web-0", "web-0", ""),
        "web-0-main": ("web-0", "web-0", IMAGE),
        "db-0": ("db-0", "db-0", ""),
        "db-0-main": ("db-0", "db-0", IMAGE),
        "agent-0": ("agent-0", snapshot.host, ""),
        "agent-0-main": ("agent-0", snapshot.host, IMAGE),
    }
    assert known["web-0-main"].network_mode == f"container:{known['web-0'].id}" == f"container:{key}"
    assert known["agent-0"].network_mode == "host"
    (place,) = known["web-0"].attachments
    (link,) = (each for each in netns.ip_json("address show") if each["ifname"] == "eth0")
    own = [entry["local"] for entry in link["addr_info"] if entry["family"] == "inet"]
    assert ([str(place.address)], place.mac, str(place.gateway)) == (own, link["address"], "10.22.0.1")
    assert known["web-0"].published == (
        PublishedPort(Protocol.TCP, None, 8080, 80),
        PublishedPort(Protocol.TCP, ip_address(HOST_ADDRESS), 8081, 81),
        PublishedPort(Protocol.UDP, None, 5353, 53),
    )
    assert known["db-0"].published == known["agent-0"].published == ()
    assert snapshot.networks == (Network("pods", "containerd", "bridge", "cni0", subnets=("10.22.0.0/16",)),)
    assert [gap for gap in snapshot.gaps if gap.source == "containerd"] == []


def test_the_script_gathers_them_as_a_look_does_and_keeps_no_secret(
    host: ContainerdHost, web: tuple[str, Netns], db: Netns, agent: Netns
) -> None:
    snapshot, text = host.snapshot(), collect(host.host)
    told = loads(text)
    assert told.containers == snapshot.containers
    assert told.networks == snapshot.networks
    assert [gap for gap in told.gaps if gap.source in ("containerd", "cni", "tasks")] == []
    assert "/bin/sleep" not in text
    assert "PATH=" not in text


@pytest.mark.parametrize(("source", "address"), [("lan", HOST_ADDRESS), ("host", "127.0.0.1"), ("db-0", HOST_ADDRESS)])
def test_the_answer_is_what_a_client_sees(
    host: ContainerdHost, web: tuple[str, Netns], db: Netns, source: str, address: str
) -> None:
    asker = {"lan": host.lan, "host": host.host, "db-0": db}[source]
    answer = host.why(f"{address}:8080", "--from", f"ns:{host.lan.name}" if source == "lan" else source)
    assert answer["symptom"] == host.probe(asker, address, 8080).symptom == "connected"
    (rewritten,) = {step["after"]["dst"] for step in _steps(answer) if step.get("after")}
    assert rewritten == "10.22.0.2"


def test_a_port_without_hostport_is_told_in_the_words_of_pods(host: ContainerdHost, web: tuple[str, Netns]) -> None:
    answer = host.why(f"{HOST_ADDRESS}:8082", "--from", f"ns:{host.lan.name}")
    assert (answer["symptom"], host.probe(host.lan, HOST_ADDRESS, 8082).symptom) == ("refused", "refused")
    (cause,) = answer["causes"]
    assert cause["code"] == "NAT_NOT_PUBLISHED"
    assert "make web-0 again with a port whose hostPort is 8082 and containerPort 80" in cause["fixes"][0]["title"]


def test_rules_that_went_are_told_and_mended(host: ContainerdHost, web: tuple[str, Netns]) -> None:
    host.host.run("iptables", "-t", "nat", "-F", "CNI-HOSTPORT-DNAT")
    answer = host.why(f"{HOST_ADDRESS}:8080", "--from", f"ns:{host.lan.name}")
    assert (answer["symptom"], host.probe(host.lan, HOST_ADDRESS, 8080).symptom) == ("refused", "refused")
    (cause,) = answer["causes"]
    assert (cause["code"], cause["owner"]) == ("NAT_RULES_WIPED", "containerd")
    for argv in cause["fixes"][0]["commands"]:
        run(argv)
    assert host.probe(host.lan, HOST_ADDRESS, 8080).symptom == "connected"
    assert host.why("127.0.0.1:8080")["causes"][0]["code"] == "NAT_RULES_WIPED"


def _steps(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (step for hop in answer["forward"]["hops"] for step in hop["steps"])
