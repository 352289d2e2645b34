"""`portscope why` on a real Podman with netavark and without its API socket, with a real client as the judge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.model.container import Container
from engine.observe.collected.snapshot import loads
from engine.observe.recording.snapshot_file import dumps
from tests.engines.breaks import (
    CLIENT,
    HOST,
    LAN,
    LOCALHOST,
    LOOPBACK_HTTPD,
    SLEEP,
    Break,
    Vantage,
    docker,
    inside,
    nft_chain,
    run_again,
    sh,
)
from tests.engines.podman import PROGRAMS, WEB_ADDRESS, PodmanHost, podman_host
from tests.engines.test_secrets import SECRET, with_secrets
from tests.engines.test_why_docker import ask, judge, out_of_order, story
from tests.harness.needs import require
from tests.observe.collecting import collect

FORWARD = "type filter hook forward priority -10; policy accept"
IN_APPNET = "run -d --name web --network appnet -p 8080:80 bb /bin/httpd -f -p 80"
BREAKS = (
    Break("healthy", "connected"),
    Break("healthy-host", "connected", vantage=HOST),
    Break("healthy-localhost", "connected", vantage=LOCALHOST),
    Break("healthy-neighbour", "connected", vantage=CLIENT),
    Break("healthy-direct", "connected", vantage=Vantage("host", WEB_ADDRESS, 80)),
    Break("user-network", "connected", make=docker("network create appnet", "rm -f -t 0 web", IN_APPNET)),
    Break("published-on-uplink", "connected", options=("-p", "10.77.0.1:8080:80")),
    Break(
        "nft-drop",
        "timeout",
        "FW_RULE_DROP",
        "fw/c #0",
        nft_chain("inet", "fw", FORWARD, f"ip daddr {WEB_ADDRESS} tcp dport 80 drop"),
    ),
    Break(
        "nft-reject",
        "refused",
        "FW_RULE_REJECT",
        "fw/c #0",
        nft_chain("inet", "fw", FORWARD, f"ip daddr {WEB_ADDRESS} tcp dport 80 reject with tcp reset"),
    ),
    Break(
        "app-on-loopback",
        "refused",
        "DST_LISTEN_LOOPBACK_ONLY",
        "127.0.0.1:80",
        command=LOOPBACK_HTTPD,
        owner=run_again(),
    ),
    Break("nothing-listens", "refused", "DST_NO_LISTENER", command=SLEEP, owner=run_again()),
    Break(
        "no-forwarding", "timeout", "HOST_IP_FORWARD_OFF", "net.ipv4.ip_forward", sh("sysctl -qw net.ipv4.ip_forward=0")
    ),
    Break("no-default-route", "timeout", "RET_NO_ROUTE_BACK", make=inside("ip route del default")),
    Break("table-deleted", "accepted-then-silent", "NAT_RULES_WIPED", make=sh("nft delete table inet netavark")),
    Break("table-flushed", "accepted-then-silent", "NAT_RULES_WIPED", make=sh("nft flush table inet netavark")),
    Break(
        "table-deleted-localhost",
        "accepted-then-silent",
        "NAT_RULES_WIPED",
        make=sh("nft delete table inet netavark"),
        vantage=LOCALHOST,
    ),
    Break(
        "table-deleted-neighbour",
        "accepted-then-silent",
        "NAT_RULES_WIPED",
        make=sh("nft delete table inet netavark"),
        vantage=CLIENT,
    ),
    Break("paused", "accepted-then-silent", "DST_PAUSED", make=docker("pause web")),
    Break(
        "stopped", "refused", "DST_NOT_RUNNING", make=docker("run -d --name other bb /bin/sleep 1000", "stop -t 0 web")
    ),
)


@pytest.fixture(scope="module")
def engine() -> Iterator[PodmanHost]:
    require(*PROGRAMS, root=True)
    with podman_host() as host:
        yield host


@pytest.fixture
def podman(engine: PodmanHost) -> Iterator[PodmanHost]:
    yield engine
    engine.clear()


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_the_answer_is_what_a_client_sees_and_its_fix_mends_it(podman: PodmanHost, broken: Break) -> None:
    assert judge(podman, broken) == []


def test_containers_are_known_without_a_socket(podman: PodmanHost) -> None:
    web = podman.fresh("-p", "8080:80", "-p", "127.0.0.1:5000-5001:5000-5001/udp")
    podman.docker("run", "-d", "--name", "side", "--network", "container:web", "bb", "/bin/sleep", "1000")
    podman.docker("create", "--name", "later", "-p", "8081:81", "bb", "/bin/sleep", "1000")
    snapshot = podman.snapshot()
    known = {container.name: container for container in snapshot.containers}
    assert {name: (each.state, each.netns) for name, each in known.items()} == {
        "later": ("created", None),
        "side": ("running", "web"),
        "web": ("running", "web"),
    }
    assert (known["web"].engine, known["web"].id, known["web"].pid) == ("podman", web.id, web.pid)
    assert [str(place.address) for place in known["web"].attachments] == [WEB_ADDRESS]
    assert [(port.host_port, port.container_port, str(port.protocol)) for port in known["web"].published] == [
        (8080, 80, "tcp"),
        (5000, 5000, "udp"),
        (5001, 5001, "udp"),
    ]
    assert known["web"].command[:3] == ("nsenter", f"--net={podman.host.path}", "podman")
    (network,) = snapshot.networks
    assert (network.name, network.bridge, network.engine) == ("podman", "podman0", "podman")
    assert not [gap for gap in snapshot.gaps if "podman" in gap.source]


def test_no_secret_of_a_container_or_process_enters_a_snapshot(podman: PodmanHost) -> None:
    with with_secrets(podman):
        snapshot = podman.snapshot()
    assert [each.state for each in snapshot.containers if each.name == "web"] == ["running"]
    assert SECRET not in dumps(snapshot)


def test_the_healthy_path_is_told_through_netavarks_rules(podman: PodmanHost) -> None:
    podman.fresh()
    answer = ask(podman, LAN)
    assert [hop["netns"] for hop in answer["forward"]["hops"]] == [podman.lan.name, podman.host.name, "web"]

    def rule(chain: str, verdict: str) -> dict[str, str]:
        return {"kind": "rule", "backend": "nft", "table": "netavark", "chain": chain, "verdict": verdict}

    expected = [
        rule("PREROUTING", "jump NETAVARK-HOSTPORT-DNAT"),
        rule("NETAVARK-HOSTPORT-DNAT", "jump nv_"),
        rule("nv_", "dnat"),
        {"kind": "route", "text": "podman0"},
        rule("FORWARD", "jump NETAVARK-ISOLATION-1"),
        {"kind": "socket", "netns": "web", "text": "80"},
    ]
    assert out_of_order(story(answer["forward"]), expected) is None


def test_conmon_holds_the_port_and_never_accepts(podman: PodmanHost) -> None:
    podman.fresh()
    (held,) = (each for each in podman.snapshot().host_netns.listeners if each.port == 8080)
    assert held.process is not None
    assert held.process.relay is not None
    assert (held.process.name, held.process.relay.silent) == ("conmon", True)
    sh("nft delete table inet netavark")(podman, podman.inspect("web"))
    assert podman.probe(podman.lan, "10.77.0.1", 8080).symptom == "accepted-then-silent"
    podman.reload("web")
    assert podman.probe(podman.lan, "10.77.0.1", 8080).symptom == "connected"


def test_looking_changes_nothing_that_podman_keeps(podman: PodmanHost) -> None:
    podman.fresh()
    files = {path: path.stat() for path in (podman.folder / "root").glob("*") if path.is_file()}
    podman.snapshot()
    assert {path: (now.st_mtime_ns, now.st_size) for path in files for now in (path.stat(),)} == {
        path: (old.st_mtime_ns, old.st_size) for path, old in files.items()
    }
    assert {path for path in (podman.folder / "root").glob("*") if path.is_file()} == set(files)


def test_the_api_adds_nothing_to_what_the_store_tells(podman: PodmanHost) -> None:
    podman.fresh()
    before = podman.snapshot()
    with podman.api():
        after = podman.snapshot()
    assert after.containers == before.containers
    assert after.networks == before.networks


#: A shell for which the usual store is there, as it is on a host of Podman's.
WITH_STORE = """
mount -t tmpfs none /var/lib && mkdir -p /var/lib/containers/storage && : > /var/lib/containers/storage/db.sql
exec sh "$@"
"""


def test_the_script_tells_the_same_containers_networks_and_ports(podman: PodmanHost) -> None:
    podman.fresh("-p", "8080:80", "-p", "127.0.0.1:5000-5001:5000-5001/udp")
    podman.docker("network", "create", "appnet")
    label = ("--label", "com.docker.compose.project=shop")
    podman.docker("run", "-d", "--name", "app", "--network", "appnet", *label, "bb", "/bin/sleep", "1000")
    podman.docker("run", "-d", "--name", "side", "--network", "container:web", "bb", "/bin/sleep", "1000")
    podman.docker("create", "--name", "later", "-p", "8081:81", "bb", "/bin/sleep", "1000")
    seen = podman.snapshot()
    environment = {**podman.settings(), "PORTSCOPE_SECONDS": "0"}  # what is in the namespaces is not asked here
    told = loads(collect(podman.host, ("unshare", "--mount", "sh", "-c", WITH_STORE, "sh"), environment))
    assert list(map(but_its_client, told.containers)) == list(map(but_its_client, seen.containers))
    assert len(told.containers) == 4
    assert told.networks == seen.networks
    assert {each.command for each in told.containers} == {("podman",)}


def but_its_client(container: Container) -> Container:
    return replace(container, command=())
