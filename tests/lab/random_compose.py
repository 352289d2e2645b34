"""Compose files by chance, that go over one another: what networks are about, in all its forms."""

from __future__ import annotations

import json
from random import Random
from typing import Any

NETWORKS = {"a": "172.30.1", "b": "172.30.2"}
PORTS = ("80:80", "8080:90", "127.0.0.1:81:80", "53:53/udp", "${P:-85}:80", "${Q-86}:${R:+9}80")


def files(chance: Random) -> list[str]:
    """The texts of one to three files; JSON is YAML."""
    return [json.dumps(_document(chance, first=number == 0), indent=1) for number in range(chance.randint(1, 3))]


def _document(chance: Random, *, first: bool) -> dict[str, Any]:
    names = ["w", "v"] if first else chance.sample(["w", "v"], chance.randint(1, 2))
    found: dict[str, Any] = {"services": {name: _service(chance) for name in names}}
    if first or chance.random() < 0.3:
        found["networks"] = {name: _network(chance, start, first) for name, start in NETWORKS.items()}
    if first and chance.random() < 0.4:
        found["services"]["v"]["extends"] = chance.choice(["w", {"service": "w"}])
    return found


def _network(chance: Random, start: str, first: bool) -> dict[str, Any]:
    pool = {"subnet": f"{start}.0/24"}
    choices: list[dict[str, Any]] = [
        {"ipam": {"config": [pool]}},
        {"ipam": {"config": [{**pool, "gateway": f"{start}.99"}]}},
    ]
    return chance.choice(choices if first else [*choices, {"internal": True}, {}])


def _service(chance: Random) -> dict[str, Any]:
    made: dict[str, Any] = {
        "ports": [_port(chance) for _ in range(chance.randint(1, 3))],
        "networks": _places(chance),
        "dns": chance.choice(["192.0.2.1", ["192.0.2.2", "192.0.2.1"], ["192.0.2.3"]]),
        "dns_search": chance.choice(["a.test", ["b.test", "a.test"]]),
        "extra_hosts": _pairs(chance, ["h1", "h2"], ["192.0.2.7", "192.0.2.8"]),
        "sysctls": _pairs(chance, ["net.core.somaxconn", "net.ipv4.tcp_syncookies"], [1, 2]),
    }
    return {"image": "i", **{key: value for key, value in made.items() if chance.random() < 0.5}}


def _port(chance: Random) -> object:
    return chance.choice([*PORTS, {"target": 80, "published": chance.choice(["83", "84"])}])


def _places(chance: Random) -> object:
    names = chance.sample(list(NETWORKS), chance.randint(1, 2))
    if chance.random() < 0.5:
        return names
    address = chance.randint(5, 9)
    return {
        name: chance.choice(
            [None, {"aliases": chance.sample(["x", "y", "z"], 2)}, {"ipv4_address": f"{NETWORKS[name]}.{address}"}]
        )
        for name in names
    }


def _pairs(chance: Random, keys: list[str], values: list[Any]) -> object:
    found = {key: chance.choice(values) for key in chance.sample(keys, chance.randint(1, len(keys)))}
    return found if chance.random() < 0.5 else [f"{key}={value}" for key, value in found.items()]
