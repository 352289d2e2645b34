"""Labs on the real kernel: each layout carries a published port, and a lab that is down leaves nothing."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.lab import lifecycle
from engine.lab.script import script as script_of
from engine.programs import environment
from tests.harness.needs import require
from tests.harness.netns import NETNS_FOLDER, run
from tests.harness.probe import probe

require("ip", "nft", "tc", "iptables-nft", "iptables-legacy", root=True)

FILE = """\
services:
  web:
    ports: ["8080:80", "53:53/udp"]
    networks: [front]
  db:
    expose: ["5432"]
    networks: [back]
  six:
    ports: ["8086:80"]
    networks: [six]
networks:
  front:
  back: {internal: true}
  six: {enable_ipv6: true, ipam: {config: [{subnet: "fd00:7::/64"}]}}
"""
LAYOUTS = (
    ("docker-26", "iptables-nft", True),
    ("docker-26", "iptables-legacy", False),
    ("docker-28", "iptables-nft", True),
    ("docker-28", "iptables-legacy", True),
    ("docker-29", "nft", True),
    ("docker-29", "nft", False),
    ("podman", "nft", True),
)


@pytest.fixture
def name(tmp_path: Path) -> Iterator[str]:
    found = f"lb{secrets.token_hex(3)}"
    yield found
    assert lifecycle.down(found, tmp_path) == ()
    assert not list(NETNS_FOLDER.glob(f"{found}-*"))
    assert not (tmp_path / found).exists()


def ask(name: str, node: str, address: str, port: int, protocol: str = "tcp") -> str:
    return str(probe(str(NETNS_FOLDER / f"{name}-{node}"), address, port, protocol).symptom)


@pytest.mark.parametrize(("layout", "firewall", "proxy"), LAYOUTS)
def test_a_lab_of_every_layout_carries_what_it_publishes_and_nothing_else(
    tmp_path: Path, name: str, layout: str, firewall: str, proxy: bool
) -> None:
    extra = f"x-lab: {{layout: {layout}, firewall: {firewall}, userland-proxy: {proxy}}}\n"
    assert lifecycle.up(lifecycle.draft(FILE + extra, "lab.yaml", name), tmp_path) == ()
    web = next(node for node in lifecycle.stands(name, tmp_path).lab.nodes if node.name == "web").ends[0].address.ip
    assert ask(name, "lan", "192.168.30.1", 8080) == "connected"
    assert ask(name, "host", "127.0.0.1", 8080) == "connected"
    assert ask(name, "host", "192.168.30.1", 8080) == "connected"
    assert ask(name, "lan", "192.168.30.1", 53, "udp") == "connected"
    assert ask(name, "db", str(web), 80) in ("net-unreachable", "timeout")
    assert ask(name, "lan", "192.168.30.1", 81) == "refused"
    if layout != "docker-26":
        assert ask(name, "lan", "fd00:30::1", 8086) == "connected"


def test_what_the_machine_lacks_is_noted_and_left_out(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "iptc.py").write_text("raise ImportError")
    monkeypatch.syspath_prepend(str(tmp_path))
    extra = "x-lab: {firewall: iptables-legacy, impairments: [{node: web, rate: 1mbit, delay: 20ms, loss: 1%}]}\n"
    shaped = lifecycle.draft(FILE + extra, "lab.yaml", name)
    notes = list(lifecycle.up(shaped, tmp_path))
    unwritten = "python-iptables is not installed: the rules of {0}-host are written by iptables-legacy-restore"
    assert unwritten.format(name) in notes
    kinds = json.loads(run(["ip", "netns", "exec", f"{name}-web", "tc", "-j", "qdisc", "show", "dev", "eth0"]))
    without = f"this kernel has no netem: delay and loss of {name}-web eth0 are left out"
    assert kinds[0]["kind"] == ("tbf" if without in notes else "netem")
    assert (without in notes) != has_netem(f"{name}-lan")
    assert ask(name, "lan", "192.168.30.1", 8080) == "connected"


def has_netem(netns: str) -> bool:
    argv = ["ip", "netns", "exec", netns, "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def lab(directory: Path, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "workbench.start", "lab", *words]
    variables = {**environment(), "XDG_STATE_HOME": str(directory)}
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=60, check=False, env=variables)


def test_a_user_builds_looks_into_and_removes_a_lab(tmp_path: Path) -> None:
    name = f"lb{secrets.token_hex(3)}"
    file = tmp_path / "shop.yaml"
    file.write_text(f"name: {name}\n{FILE}")
    dry = lab(tmp_path, "up", str(file), "--dry-run")
    assert f"ip netns add {name}-host" in dry.stdout.splitlines()
    assert not list(NETNS_FOLDER.glob(f"{name}-*"))
    up = lab(tmp_path, "up", str(file))
    try:
        assert (up.returncode, up.stdout) == (0, "")
        file.unlink()
        assert lab(tmp_path, "list").stdout.startswith(f"{name}  3 services  docker-26")
        (listed,) = json.loads(lab(tmp_path, "list", "--json").stdout)["labs"]
        assert (listed["name"], listed["services"], listed["broken"]) == (name, 3, [])
        document = json.loads(lab(tmp_path, "show", name, "--json").stdout)
        assert (document["name"], document["broken"]) == (name, [])
        (web,) = (node for node in document["nodes"] if node["name"] == "web")
        assert web == {
            "name": "web",
            "netns": f"{name}-web",
            "addresses": ["172.18.0.2"],
            "listens": ["0.0.0.0:80/tcp", "0.0.0.0:53/udp"],
        }
        assert lab(tmp_path, "port", name, "six").stdout == "80/tcp -> 0.0.0.0:8086\n80/tcp -> [::]:8086\n"
        assert "192.168.30.2/24" in lab(tmp_path, "exec", f"{name}-lan", "--", "ip", "-br", "address").stdout
    finally:
        down = lab(tmp_path, "down", name)
    assert (down.returncode, down.stdout, down.stderr) == (0, "", "")
    assert not list(NETNS_FOLDER.glob(f"{name}-*"))
    gone = lab(tmp_path, "show", name)
    assert (gone.returncode, gone.stderr) == (2, f"portscope: no lab {name} is up; up are: none\n")


def test_a_wrong_file_is_a_line_and_builds_nothing(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("name: lbbad\nservices:\n  web: {prots: [80]}\n")
    done = lab(tmp_path, "up", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"portscope: {file}:3: services.web.prots ")
    assert not list(NETNS_FOLDER.glob("lbbad-*"))


def test_a_script_builds_the_lab_without_portscope_and_removes_it(tmp_path: Path, name: str) -> None:
    file = tmp_path / "lab.yaml"
    file.write_text(f"name: {name}\n{FILE}")
    draft = lifecycle.draft(file.read_text(), str(file))
    text = script_of(draft.plan)
    script = tmp_path / "build.sh"
    script.write_text(text)
    assert "engine" not in text
    try:
        done = subprocess.run(["sh", str(script)], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert lifecycle.names(tmp_path) == ()
        assert probe(str(NETNS_FOLDER / f"{name}-lan"), "192.168.30.1", 81).symptom == "refused"
    finally:
        down = subprocess.run(["sh", str(script), "down"], capture_output=True, text=True, timeout=60, check=False)
    assert (down.returncode, down.stderr) == (0, "")
