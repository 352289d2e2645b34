"""A lab beside the original: the same Compose file built as a lab and with a real engine gives the same host.

The rules are the same but for names, in the same order, and so are the answers from every vantage point, the
addresses, and the settings of the bridges. What is known to differ: docker-proxy is one process a port and a lab's
relay is one for all; a container of a user-defined network has Docker's resolver at 127.0.0.11, and a lab's has none.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.apply.namespaces import run_in
from engine.explain import ask
from engine.explain.question import resolve
from engine.explain.survey.everywhere import vantages
from engine.lab import description, lifecycle
from engine.lab.lifecycle import Draft
from engine.model.firewall import Firewall
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.observe.look.snapshot import take
from tests.engines.docker import HOST_ADDRESS, DockerHost
from tests.engines.podman import PROGRAMS as PODMAN_PROGRAMS
from tests.engines.podman import podman_host
from tests.harness.needs import require

FILE = """\
services:
  web:
    ports: ["8080:80", "127.0.0.1:9000-9001:90-91", "5353:53/udp"]
    networks: [front]
  db:
    ports: ["5432:80"]
    networks: [back]
  app:
    networks: [front, back]
  inside:
    expose: ["80"]
    networks: [inner]
networks:
  front: {ipam: {config: [{subnet: 172.30.1.0/24}]}}
  back:
    ipam: {config: [{subnet: 172.30.2.0/24}]}
    driver_opts:
      com.docker.network.bridge.enable_icc: "false"
      com.docker.network.bridge.host_binding_ipv4: 10.77.0.1
  inner: {internal: true, ipam: {config: [{subnet: 172.30.3.0/24}]}}
x-lab:
  userland-proxy: PROXY
  layout: LAYOUT
  outside: {lan: {subnet: 10.77.0.0/24, link: up0}}
"""
SUBNETS = {"front": "172.30.1.0/24", "back": "172.30.2.0/24", "inner": "172.30.3.0/24"}
OPTIONS = {
    "back": ("bridge.enable_icc=false", "bridge.host_binding_ipv4=10.77.0.1"),
}
ADDRESSES = {"web": "172.30.1.2", "db": "172.30.2.2", "app": "172.30.2.3", "inside": "172.30.3.2"}
QUESTIONS = (("10.77.0.1", 8080), ("10.77.0.1", 5432), ("127.0.0.1", 9000), ("172.30.1.2", 80), ("172.30.3.2", 80))


@pytest.fixture
def name(tmp_path: Path) -> Iterator[str]:
    found = f"lb{secrets.token_hex(3)}"
    yield found
    assert lifecycle.down(found, tmp_path) == ()


def build_lab(name: str, directory: Path, text: str) -> tuple[Draft, Snapshot]:
    draft = lifecycle.draft(text, "lab.yaml", name)
    lifecycle.up(draft, directory)
    return draft, description.dress(run_in(lifecycle.host_path(name), take), draft.lab)


def build_original(host: DockerHost, *, docker: bool) -> Snapshot:
    """What the file says, by the engine's own client and in the file's order; programs listen as the lab's do."""
    host.lan.route(f"default via {HOST_ADDRESS}")
    for network, subnet in SUBNETS.items():
        options = ["--internal"] if network == "inner" else []
        if docker:
            options += ["-o", f"com.docker.network.bridge.name=br-{network}"]
            options += [word for each in OPTIONS.get(network, ()) for word in ("-o", f"com.docker.network.{each}")]
        host.docker("network", "create", "--subnet", subnet, *options, network)
    sleep = ("/bin/sleep", "1000")
    publish = ("-p", "8080:80", "-p", "127.0.0.1:9000-9001:90-91", "-p", "5353:53/udp")
    web = host.container("web", "--network", "front", "--ip", ADDRESSES["web"], *publish, command=sleep)
    database = host.container("db", "--network", "back", "--ip", ADDRESSES["db"], "-p", "5432:80", command=sleep)
    if docker:
        host.container("app", "--network", "back", "--ip", ADDRESSES["app"], command=sleep)
        host.docker("network", "connect", "front", "app")
    else:
        host.container("app", "--network", f"back:ip={ADDRESSES['app']}", "--network", "front", command=sleep)
    inside = host.container("inside", "--network", "inner", "--ip", ADDRESSES["inside"], command=sleep)
    host.serve(inside.netns, "inside", "tcp/::/80")
    host.serve(web.netns, "web", "tcp/::/80", "tcp/::/90", "tcp/::/91", "udp/::/53")
    host.serve(database.netns, "db", "tcp/::/80")
    return host.snapshot()


def rules(snapshot: Snapshot) -> dict[str, list[str]]:
    """The host's rules by chain, without counters, in words that both hosts have."""
    firewall: Firewall = snapshot.host_netns.firewall
    found: dict[str, list[str]] = {}
    for table in firewall.tables:
        for chain in table.chains:
            key = plain(f"{table.backend} {table.family} {table.name} {chain.name}")
            base = f"{chain.base.hook} {chain.base.priority} {chain.base.policy}" if chain.base else ""
            lines = [plain(rule.text) for rule in chain.rules]
            # Podman goes over its ports by address and protocol in the order of a Go map, which is another each time.
            found[key] = [base, *(sorted(lines) if key.lower().endswith("dnat") else lines)]
    return {key: lines for key, lines in found.items() if len(lines) > 1 or "ACCEPT" not in lines[0].upper()}


def plain(text: str) -> str:
    text = re.sub(r"^\[\d+:\d+\] |counter packets \d+ bytes \d+ ?", "", text)
    return re.sub(r"nv_[0-9a-f]{8}", "nv_", text)


def answers(snapshot: Snapshot) -> dict[tuple[str, str, int], tuple[str, str]]:
    """Symptom and first cause for each question from each vantage point that both hosts have."""
    found = {}
    for address, port in QUESTIONS:
        question = resolve(snapshot, f"{address}:{port}", "host", Protocol.TCP)
        for vantage in vantages(snapshot, question):
            verdict = ask(snapshot, vantage.question)
            code = verdict.causes[0].code if verdict.causes else ""
            found[place(vantage.name), address, port] = (str(verdict.symptom), code)
    return found


def place(name: str) -> str:
    """A vantage point by a name that both hosts have: a container is not told by its networks' order."""
    return re.sub(r"pst[0-9a-f]{6}-|lb[0-9a-f]{6}-", "", name).partition(" (")[0]


SETTINGS = ("forwarding", "rp_filter", "route_localnet", "arp_ignore", "accept_local")


def settings(snapshot: Snapshot) -> dict[str, int]:
    host = snapshot.host_netns
    links = [link.name for link in host.links if link.kind == "bridge"]
    wanted = [f"net.ipv4.conf.{link}.{setting}" for link in links for setting in SETTINGS]
    return {name: host.sysctls[name] for name in wanted if name in host.sysctls}


def same(lab: Snapshot, original: Snapshot) -> None:
    assert rules(lab) == rules(original)
    assert settings(lab) == settings(original)
    ours, theirs = answers(lab), answers(original)
    common = ours.keys() & theirs.keys()
    assert {place for place, _, _ in common} >= {"web", "db", "app", "inside"}
    assert len(common) >= 5 * len(QUESTIONS)
    assert {key: ours[key] for key in common} == {key: theirs[key] for key in common}


def test_a_lab_is_what_docker_builds(docker: DockerHost, tmp_path: Path, name: str) -> None:
    docker.empty()
    original = build_original(docker, docker=True)
    _, lab = build_lab(name, tmp_path, FILE.replace("PROXY", "true").replace("LAYOUT", "docker-26"))
    same(lab, original)


def test_a_lab_without_a_proxy_is_what_docker_builds_without_one(
    docker_without_proxy: DockerHost, tmp_path: Path, name: str
) -> None:
    docker_without_proxy.empty()
    original = build_original(docker_without_proxy, docker=True)
    _, lab = build_lab(name, tmp_path, FILE.replace("PROXY", "false").replace("LAYOUT", "docker-26"))
    same(lab, original)
    hairpins = [
        sorted(link.port.hairpin for link in snapshot.host_netns.links if link.port is not None)
        for snapshot in (lab, original)
    ]
    assert hairpins[0] == hairpins[1]


def test_a_lab_is_what_podman_builds(tmp_path: Path, name: str) -> None:
    require(*PODMAN_PROGRAMS, root=True)
    text = re.sub(r"\n    driver_opts:\n.*\n.*", "", FILE).replace("PROXY", "true").replace("LAYOUT", "podman")
    with podman_host() as host:
        original = build_original(host, docker=False)
        _, lab = build_lab(name, tmp_path, text)
        same(lab, original)
