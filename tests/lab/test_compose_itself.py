"""Labs have the networks and ports that Docker Compose makes of the same files."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import pytest

from engine.lab.reading.compose import read_lab
from engine.lab.spec import LabSpec
from tests.harness.needs import require
from tests.lab import random_compose
from workbench.labs import project

require("docker-compose")


def compose(folder: Path, files: list[str]) -> dict[str, Any]:
    """What Compose makes of them."""
    words = ["docker-compose", *(word for file in files for word in ("-f", file)), "config", "--format", "json"]
    done = subprocess.run(
        words, cwd=folder, env={"HOME": str(folder), "PATH": "/usr/bin:/bin"}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return dict(json.loads(done.stdout))


def theirs(document: dict[str, Any]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, service in document["services"].items():
        ports = [(p.get("host_ip", ""), p["published"], p["target"], p["protocol"]) for p in service.get("ports", ())]
        places = {
            network: ((each or {}).get("ipv4_address", ""), sorted((each or {}).get("aliases", ())))
            for network, each in service["networks"].items()
        }
        found[name] = (
            sorted(ports),
            places,
            service.get("dns", []),
            service.get("dns_search", []),
            sorted(service.get("extra_hosts", [])),
            {key: int(value) for key, value in service.get("sysctls", {}).items()},
        )
    for name, network in document.get("networks", {}).items():
        pools = (network.get("ipam") or {}).get("config") or []
        found[f"network {name}"] = (
            [(pool["subnet"], pool.get("gateway", "")) for pool in pools],
            bool(network.get("internal")),
        )
    return found


def ours(spec: LabSpec) -> dict[str, object]:
    found: dict[str, object] = {}
    for service in spec.services:
        ports = [
            (str(p.host_address or ""), str(p.host_port), p.container_port, str(p.protocol)) for p in service.ports
        ]
        places = {each.network: (str(each.address or ""), sorted(each.aliases)) for each in service.memberships}
        found[service.name] = (
            sorted(ports),
            places or {"default": ("", [])},
            [str(address) for address in service.dns],
            list(service.search),
            sorted(f"{name}={address}" for name, address in service.hosts),
            dict(service.sysctls),
        )
    for network in spec.networks:
        pools = [(str(network.subnet), str(network.gateway or ""))] if network.subnet else []
        found[f"network {network.name}"] = (pools, network.internal)
    return found


def check(seed: int, folder: Path) -> None:
    names = []
    for number, text in enumerate(random_compose.files(Random(seed))):
        names.append(f"{number}.yaml")
        (folder / names[-1]).write_text(text)
    expected = theirs(compose(folder, names))
    found = ours(read_lab(project.named([str(folder / name) for name in names]))[0])
    expected.pop("network default", None)
    assert {key: found.get(key) for key in expected} == expected, f"seed {seed}"


@pytest.mark.parametrize("seed", range(10))
def test_files_over_files_are_what_compose_makes_of_them(seed: int, tmp_path: Path):
    check(seed, tmp_path)


def test_files_of_a_fresh_seed(tmp_path: Path):
    for _ in range(15):
        check(SystemRandom().randrange(1 << 32), tmp_path)
