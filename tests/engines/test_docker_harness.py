"""The test bed itself: an oracle that is wrong, or a host that keeps a break, would make every other test worthless."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.engines.breaks import DROP, HOST, LAN, LOCALHOST, sh
from tests.engines.docker import PROGRAMS, DockerHost, docker_host
from tests.harness.baseline import Baseline
from tests.harness.needs import require
from tests.harness.netns import CommandFailed
from tests.harness.processes import gone


def test_the_healthy_host_answers_from_everywhere(docker: DockerHost) -> None:
    docker.fresh()
    seen = {
        str(vantage): docker.probe(source, vantage.address, vantage.port).symptom
        for vantage, source in ((LAN, docker.lan), (HOST, docker.host), (LOCALHOST, docker.host))
    }
    assert set(seen.values()) == {"connected"}, seen


def test_fresh_undoes_what_a_test_did(docker: DockerHost) -> None:
    docker.empty()
    before = [Baseline.read(netns) for netns in (docker.host, docker.lan)]
    web = docker.fresh()
    sh(
        DROP,
        "iptables -t nat -F",
        "nft add table inet left",
        "iptables-legacy -P FORWARD DROP",
        "sysctl -qw net.ipv4.ip_forward=0",
        "ip address add 10.99.0.1/24 dev up0",
        "ip route add blackhole 10.77.0.2/32",
        "ip rule add from 172.17.0.0/16 unreachable priority 100",
        "ip link set docker0 down",
        "ip link add left0 type bridge",
    )(docker, web)
    docker.empty()
    assert [Baseline.read(netns) for netns in (docker.host, docker.lan)] == before
    docker.fresh()
    assert docker.probe(docker.lan, LAN.address, LAN.port).symptom == "connected"


def test_a_host_is_gone_afterwards_though_the_test_failed() -> None:
    require(*PROGRAMS, root=True)
    remains: list[Path] = []
    pids: list[int] = []

    def failing_test() -> None:
        with docker_host() as engine:
            engine.fresh()
            remains.extend((engine.folder, Path(engine.host.path), Path(engine.lan.path)))
            daemon = int((engine.folder / "docker.pid").read_text())
            pids.extend((daemon, *engine.containerd_pids(), *engine.proxies()))
            assert engine.proxies() == []

    with pytest.raises(AssertionError):
        failing_test()
    assert [str(path) for path in remains if path.exists()] == []
    assert [pid for pid in pids if not gone(pid)] == []
    assert str(remains[0]) not in Path("/proc/self/mountinfo").read_text()


def test_a_host_that_does_not_start_is_gone_too() -> None:
    require(*PROGRAMS, root=True)
    namespaces = set(os.listdir("/run/netns"))
    with pytest.raises(CommandFailed, match="dockerd did not start"), docker_host(no_such_option=True):
        pass
    assert set(os.listdir("/run/netns")) <= namespaces
