"""Twins on the real kernel: the same facts and answers, nothing outside their namespaces, and nothing left behind."""

from __future__ import annotations

import gzip
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from itertools import count
from pathlib import Path

import pytest

from engine.apply.run import sweep
from engine.lab import lifecycle
from engine.lab.errors import LabError
from engine.lab.twin.rebuild import TwinOptions
from engine.lab.twin.routes import automatic_routes
from engine.model.firewall import Backend, BaseChain, Chain, Firewall, Rule, Table, VerdictKind
from engine.model.host import Netns, Snapshot
from engine.model.link import Address, Link, Neighbour
from engine.model.packet import Protocol
from engine.model.route import NextHop, Route
from engine.model.trace import Symptom
from engine.model.verdict import Question, Source
from engine.observe.recording.redact import Redacted
from engine.observe.recording.snapshot_file import dumps, loads, open_file
from engine.programs import environment
from engine.records import replace
from tests.engines.tables import PLAIN
from tests.fidelity.record import FOLDER, read_host, read_truth
from tests.harness.needs import require
from tests.harness.netns import NETNS_FOLDER
from workbench.session import twins
from workbench.session.twins import Twin

require("ip", "nft", "iptables-nft", "iptables-legacy", "ipset", "conntrack", root=True)

#: Recorded hosts with rules of every backend, relays, and devices that are down.
HOSTS = ("docker-user-drop", "legacy-drop", "nft-set-drop", "uplink-down", "paused", "app-on-loopback-by-proxy")


@pytest.fixture
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    found = f"tw{secrets.token_hex(3)}"
    yield found
    assert lifecycle.down(found) == ()
    assert not list(NETNS_FOLDER.glob(f"{found}-*"))


def raised(snapshot: Snapshot, name: str, options: TwinOptions | None = None) -> tuple[Twin, tuple[str, ...]]:
    """The twin, up, and what the kernel refused."""
    twin = twins.draft(snapshot, "x.json", name, options or twins.options(snapshot, ()))
    return twin, lifecycle.up(twin.draft)


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


def portscope(*words: str) -> Done:
    argv = [sys.executable, "-P", "-m", "workbench.start", "lab", "twin", *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, env=environment())
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("host", HOSTS)
def test_a_twin_is_its_snapshot_and_real_clients_see_in_it_what_they_saw_of_the_host(host: str, name: str) -> None:
    snapshot = read_host(host)
    twin, notes = raised(snapshot, name)
    seen = twin.look()
    assert (notes, twin.differences(seen)) == ((), ())
    truth = [
        (Question(Source(row.source), ip_address(row.address), row.port, Protocol(row.protocol)), Symptom(row.symptom))
        for row in read_truth()[host]
    ]
    assert [each for each in twins.compare(twin, seen, truth) if not each.agrees] == []


def test_the_lab_that_a_twin_is_can_be_shown_broken_and_mended(name: str, tmp_path: Path) -> None:
    assert portscope(str(FOLDER / "healthy.json.gz"), "--name", name).code == 0
    draft = lifecycle.stands(name)
    assert draft.lab.origin is not None
    assert json.loads(draft.twin) == {"lacks": {}, "clients": []}

    def lab(*words: str) -> str:
        argv = [sys.executable, "-P", "-m", "workbench.start", "lab", *words]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True, env=environment())
        return done.stdout

    nodes = json.loads(lab("show", name, "--json"))["nodes"]
    assert {node["name"]: node["origin"] for node in nodes if "origin" in node} == {
        "host": "host",
        "lan": "lan",
        "web": "web",
        "client": "client",
        "far": "far",
    }
    assert "172.17.0.2" in lab("exec", f"{name}/web", "--", "ip", "-br", "address")
    question = Question(Source(f"{name}-lan"), ip_address("10.77.0.1"), 8080)
    twin = twins.draft(open_file(FOLDER / "healthy.json.gz"), "x", name, TwinOptions())
    assert twins.ask(twin.look(), question).symptom is Symptom.CONNECTED
    lab("break", name, "no-forwarding")
    assert twins.ask(twin.look(), question).symptom is not Symptom.CONNECTED
    lab("mend", name)
    assert twins.ask(twin.look(), question).symptom is Symptom.CONNECTED
    assert loads(lab("save", name)) == open_file(FOLDER / "healthy.json.gz")
    with pytest.raises(LabError, match="is the twin of a snapshot"):
        lifecycle.difference(draft, draft, twin.look())
    script = lab("script", name)
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0


def test_a_fix_is_tried_in_a_twin(name: str) -> None:
    done = portscope(
        str(FOLDER / "docker-user-drop.json.gz"), "--name", name, "--try", "10.77.0.1:8080", "--from", "ns:lan"
    )
    assert done.code == 0, done.err
    assert done.out.startswith("the file says    10.77.0.1:8080/tcp from lan: timeout: rule 1 of filter/DOCKER-USER")
    assert [line.split()[-1] for line in done.out.splitlines() if line.startswith("a real client")] == [
        "timeout",
        "connected",
    ]
    assert not lifecycle.known(name)


@pytest.mark.parametrize("host", ["app-on-loopback-by-proxy", "wrong-container-port-by-proxy"])
def test_what_a_programs_owner_has_to_do_is_done_to_the_twins_server(host: str, name: str) -> None:
    (broken,) = (each for each in PLAIN if each.name == host)
    target = f"{broken.vantage.address}:{broken.vantage.port}"
    done = portscope(str(FOLDER / f"{host}.json.gz"), "--name", name, "--try", target, "--from", "host", "--json")
    assert done.code == 0, done.err
    trial = json.loads(done.out)["try"]
    assert (trial["predicted"], trial["seen"], trial["then"]) == (broken.symptom, broken.symptom, "connected")


def test_a_fix_of_an_engine_is_said_not_to_be_tried_and_no_engine_is_spoken_to(name: str) -> None:
    done = portscope(str(FOLDER / "stopped.json.gz"), "--name", name, "--try", ":8080", "--from", "ns:lan")
    assert done.code == 1
    assert "fix              start web\n" in done.out
    assert "not tried        a container's engine" in done.out


def test_every_prediction_is_checked_by_a_real_client(name: str) -> None:
    done = portscope(str(FOLDER / "healthy.json.gz"), "--name", name, "--verify", "--json")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert len(document["cells"]) > 8
    assert all(cell["seen"] == cell["predicted"] for cell in document["cells"])
    assert (document["refused"], document["differs"]) == ([], [])


def test_a_client_that_the_file_only_assumes_asks_from_the_node_beyond_the_device(name: str) -> None:
    uplink = Link(2, "eth0", "", mac="02:00:00:00:00:01")
    address = Address(2, ip_address("192.168.1.2"), 24, broadcast=ip_address("192.168.1.255"))
    gateway = Neighbour(2, ip_address("192.168.1.254"), "02:00:00:00:00:fe", "reachable")
    drop = Rule(0, (), "-A INPUT -p tcp -m tcp --dport 22 -j REJECT --reject-with icmp-port-unreachable")
    base = BaseChain("filter", "input", 0, VerdictKind.ACCEPT)
    table = Table(Backend.XT_NFT, "ip", "filter", (Chain("INPUT", (drop,), base),))
    links = (Link(1, "lo", "loopback"), uplink)
    host = Netns("host", links=links, addresses=(address,), neighbours=(gateway,), firewall=Firewall((table,)))
    ways = automatic_routes(host, {link.index: link for link in links})
    host = replace(host, routes=(*ways, Route(ip_network("0.0.0.0/0"), nexthops=(NextHop(2, gateway.address),))))
    snapshot = Snapshot("host", (host,))
    client = Source("host", ip_address("192.168.1.77"), "eth0")
    asked = Question(client, ip_address("192.168.1.2"), 22)
    twin, notes = raised(snapshot, name, twins.options(snapshot, [asked]))
    assert notes == ()
    question = twin.question(asked)
    assert question is not None
    assert question.source.netns == f"{name}-beyond-eth0"
    assert twins.ask(twin.look(), question).symptom is Symptom.REFUSED


def test_a_hostile_snapshot_changes_nothing_outside_of_its_namespaces(name: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    run = tmp_path / "run.sh"
    run.write_text(f"#!/bin/sh\ntouch {mark}\n")
    run.chmod(0o755)
    rules = (
        Rule(0, (), f"-A INPUT -M {run} -m nosuchmatch -j ACCEPT"),
        Rule(1, (), f"-A INPUT -m comment --comment 'a -M {run} -m nosuchmatch' -j ACCEPT"),
        Rule(2, (), "-A INPUT -j DROP"),
    )
    scripts = (Rule(0, (), f'include "{run}"'), Rule(1, (), "accept }; flush ruleset"))
    base = BaseChain("filter", "input", 0, VerdictKind.ACCEPT)
    tables = (
        Table(Backend.XT_LEGACY, "ip", "filter", (Chain("INPUT", rules, base),)),
        Table(Backend.NFT, "inet", "t", (Chain("c", scripts, base),)),
    )
    links = (Link(1, "lo", "loopback"), Link(2, f"x;touch {mark}", "dummy"), Link(3, "y", f"$(touch {mark})"))
    sysctls = {"kernel.core_pattern": 1, "net.ipv4.conf.../../../../vm.x": 1, "net.ipv4.ip_forward": 1}
    spaces = (
        Netns("host", links=links, sysctls=sysctls, firewall=Firewall(tables)),
        Netns("../../../tmp/evil"),
        Netns(f"`touch {mark}`"),
    )
    before = sorted(os.listdir(NETNS_FOLDER)), Path("/proc/sys/kernel/core_pattern").read_text()
    file = tmp_path / "evil.json"
    file.write_text(dumps(Snapshot("host", spaces)))
    done = portscope(str(file), "--name", name)
    assert done.code == 0, done.err
    here = {each for each in os.listdir(NETNS_FOLDER) if not each.startswith(f"{name}-")}
    assert (sorted(here), Path("/proc/sys/kernel/core_pattern").read_text()) == before
    assert not mark.exists()
    for said in ("-M", "include", "kernel.core_pattern", "no such device is built", "is called"):
        assert said in done.err
    seen = twins.draft(loads(file.read_text()), "x", name, TwinOptions()).look()
    (chain,) = (c for t in seen.host_netns.firewall.tables if t.name == "filter" for c in t.chains if c.name == "INPUT")
    assert [rule.text for rule in chain.rules] == ["-A INPUT -j DROP"]


def test_a_builder_that_is_killed_at_any_step_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed each time a little later, until it comes to its end."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    file = tmp_path / "host.json"
    file.write_bytes(gzip.decompress((FOLDER / "healthy.json.gz").read_bytes()))
    name = f"tw{secrets.token_hex(3)}"
    program = (
        "import os, signal, sys\n"
        "from engine.apply import step, run\n"
        "left = int(sys.argv.pop())\n"
        "real = run._make\n"
        "def made(*words):\n"
        "    global left\n"
        "    left -= 1\n"
        "    if left == 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    real(*words)\n"
        "run._make = made\n"
        "from workbench.cli import main\n"
        f"sys.exit(main(['lab', 'twin', {str(file)!r}, '--name', {name!r}]))\n"
    )
    killed = 0
    for after in count(1, 4):
        done = subprocess.run(
            [sys.executable, "-P", "-c", program, str(after)], check=False, capture_output=True, env=environment()
        )
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        killed += 1
        assert sweep() == ()
        assert not list(NETNS_FOLDER.glob(f"{name}-*"))
    assert killed > 5
    assert lifecycle.down(name) == ()


def test_a_snapshot_of_a_case_a_redacted_one_and_one_in_part_are_rebuilt(name: str, tmp_path: Path) -> None:
    snapshot = Redacted(read_host("docker-user-drop")).snapshot
    twin, notes = raised(snapshot, name)
    assert (notes, twin.differences(twin.look())) == ((), ())
    assert lifecycle.down(name) == ()
    only = frozenset({"host", "lan", "web"})
    part, notes = raised(twins.part_of(read_host("docker-user-drop"), only), name)
    assert {node.origin for node in part.rebuilt.nodes} == only
    assert (notes, part.differences(part.look())) == ((), ())
    asked = part.question(Question(Source("lan"), ip_address("10.77.0.1"), 8080))
    assert asked is not None
    assert twins.ask(part.look(), asked, 1.4).symptom is Symptom.TIMEOUT


def test_a_name_that_is_taken_is_said(name: str) -> None:
    file = str(FOLDER / "healthy.json.gz")
    assert portscope(file, "--name", name).code == 0
    again = portscope(file, "--name", name)
    assert (again.code, again.out) == (2, "")
    assert f"a lab named {name} is up already" in again.err
    assert portscope("/nowhere.json").code == 2
    assert portscope(file, "--name", "../x").code == 2


def test_what_is_shown_of_a_plan_touches_nothing(name: str) -> None:
    done = portscope(str(FOLDER / "healthy.json.gz"), "--name", name, "--dry-run")
    assert done.code == 0
    assert f"ip netns add {name}-web\n" in done.out
    assert not list(NETNS_FOLDER.glob(f"{name}-*"))


def test_replacing_a_part_of_a_snapshot_is_not_missed_by_the_comparison(name: str) -> None:
    """The comparison is no formality: each kind of thing that is taken away from the snapshot is found."""
    snapshot = read_host("docker-user-drop")
    twin, _ = raised(snapshot, name)
    seen = twin.look()
    host = snapshot.host_netns
    poorer = (
        replace(host, routes=host.routes[1:]),
        replace(host, addresses=host.addresses[1:]),
        replace(host, listeners=()),
        replace(host, sysctls={**host.sysctls, "net.ipv4.ip_forward": 0}),
        replace(host, firewall=Firewall()),
        replace(host, links=tuple(replace(link, mtu=1400) for link in host.links)),
    )
    for each in poorer:
        other = Twin(twin.draft, replace(twin.rebuilt, snapshot=snapshot.with_netns(each)))
        assert other.differences(seen) != ()
