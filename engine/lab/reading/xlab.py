"""The `x-lab` part of a lab's file: what Compose has no word for. Pure.

x-lab:
  title: …            story: …
  layout: docker-26   firewall: iptables-nft      userland-proxy: true
  outside:            {lan: {subnet: 192.168.30.0/24, listens: ["9000"]}, inet: {behind: lan}}
  listens:            {web: ["80", "127.0.0.1:90", "53/udp"], host: ["22"]}
  commands:           {web: ["python3", "-m", "http.server", "80"]}
  rules:              ["iptables -I DOCKER-USER -s 10.0.0.0/8 -j DROP", {in: web, run: "iptables -A …"}]
  routes:             ["10.9.0.0/16 via 192.168.30.2", {in: web, add: "default via 172.30.0.9"}]
  sysctls:            {host: {net.ipv4.conf.all.rp_filter: 1}}
  impairments:        [{node: web, rate: 1mbit, delay: 20ms, loss: 1%}]
  dns:                {lan: {blog.example.test: 192.168.30.2, .apps.test: [192.168.30.3]}}      # false: no names at all
  files:              {proxy: {nginx/nginx.conf: "events {} …"}}
  faults:             [docker-user-drop]
  checks:             [{from: lan, to: ":8080", expect: timeout, cause: FW_RULE_DROP}]
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from engine.change.words import sysctl_path
from engine.documents.yaml_value import YamlValue
from engine.lab.layouts.names import BACKENDS, LAYOUTS
from engine.lab.reading import namewords, portwords
from engine.lab.reading.portwords import place_of
from engine.lab.spec import Check, ExtraRoute, ExtraRule, Impairment, LabSpec, ListenSpec, OutsideSpec
from engine.model.address import IPNetwork
from engine.model.packet import Protocol
from engine.model.trace import Symptom
from engine.records import replace

OUTSIDE_KEYS = ("subnet", "subnet6", "link", "behind", "default", "routes", "listens", "mtu")
RULE_PROGRAMS = ("iptables", "ip6tables", "iptables-nft", "ip6tables-nft", "iptables-legacy", "ip6tables-legacy", "nft")
RATES = {"bit": 1, "kbit": 10**3, "mbit": 10**6, "gbit": 10**9}
NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z%]*)")
EXPECTED = tuple(str(symptom) for symptom in Symptom)


def read(value: YamlValue, spec: LabSpec) -> LabSpec:
    """The spec with what `x-lab` adds. Raises LabFileError."""
    chosen: dict[str, Any] = {}
    rows = value.entries((*READERS, "dns"))
    if "dns" in rows:
        answered = rows.pop("dns")
        chosen |= {"names": answered.flag()} if answered.shape == "scalar" else {"dns": namewords.dns(answered)}
    for key, child in rows.items():
        field, reader = READERS[key]
        chosen[field] = reader(child)
    return replace(spec, **chosen)


def _text(value: YamlValue) -> str:
    return " ".join(value.text().split())


def _outside(value: YamlValue) -> tuple[OutsideSpec, ...]:
    found = []
    for name, child in value.entries().items():
        rows = child.entries(OUTSIDE_KEYS)
        found.append(
            OutsideSpec(
                name,
                place_of(child),
                _subnet(rows["subnet"], 4) if "subnet" in rows else None,
                _subnet(rows["subnet6"], 6) if "subnet6" in rows else None,
                rows["link"].text() if "link" in rows else "",
                rows["behind"].text() if "behind" in rows else "",
                rows["default"].flag() if "default" in rows else None,
                tuple(_network(item, item.text()) for item in rows["routes"].items()) if "routes" in rows else (),
                _listens(rows["listens"]) if "listens" in rows else (),
                rows["mtu"].number(1280, 65535) if "mtu" in rows else None,
            )
        )
    return tuple(found)


def _listens(value: YamlValue) -> tuple[ListenSpec, ...]:
    return tuple(listen for item in value.texts() for listen in portwords.listens(item))


def _all_listens(value: YamlValue) -> tuple[tuple[str, tuple[ListenSpec, ...]], ...]:
    return tuple((name, _listens(child)) for name, child in value.entries().items())


def _commands(value: YamlValue) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((name, _argv(child)) for name, child in value.entries().items())


def _argv(value: YamlValue) -> tuple[str, ...]:
    if value.shape == "sequence":
        return tuple(item.text() for item in value.items())
    try:
        return tuple(shlex.split(value.text()))
    except ValueError as error:
        raise value.wrong(f"cannot be split into words: {error}", "close every quote") from None


def _rules(value: YamlValue) -> tuple[ExtraRule, ...]:
    found = []
    for item in value.items():
        node, line = _where(item, "run", "iptables -I DOCKER-USER -j DROP")
        argv = _argv(line)
        if not argv or argv[0] not in RULE_PROGRAMS:
            problem = f"runs {argv[0]!r}" if argv else "runs nothing"
            raise line.wrong(problem, f"a rule is a line of {', '.join(RULE_PROGRAMS)}")
        found.append(ExtraRule(place_of(item), node, argv))
    return tuple(found)


def _where(item: YamlValue, key: str, example: str) -> tuple[str, YamlValue]:
    """`TEXT` for the host, or `{in: NODE, KEY: TEXT}`."""
    if item.shape == "scalar":
        return "host", item
    rows = item.entries(("in", key))
    if key not in rows:
        raise item.wrong(f"has no {key}", f"write {{in: NODE, {key}: {example!r}}}")
    return rows["in"].text() if "in" in rows else "host", rows[key]


def _routes(value: YamlValue) -> tuple[ExtraRoute, ...]:
    found = []
    for item in value.items():
        node, line = _where(item, "add", "10.9.0.0/16 via 192.168.30.2")
        words = line.text().split()
        kind = words.pop(0) if words and words[0] in ("blackhole", "unreachable", "prohibit") else "unicast"
        target = words.pop(0) if words else ""
        options = dict(zip(words[::2], words[1::2], strict=False))
        known = set(options) <= {"via", "dev"} and len(words) % 2 == 0
        if not target or not known or bool(options) == (kind != "unicast"):
            raise line.wrong(f"is {line.text()!r}", "write NETWORK via ADDRESS, NETWORK dev LINK, or blackhole NETWORK")
        gateway = options.get("via")
        try:
            via = ip_address(gateway) if gateway else None
        except ValueError:
            raise line.wrong(f"has the gateway {gateway!r}", "write an IP address after via") from None
        network = _network(
            line, {"default": "0.0.0.0/0" if via is None or via.version == 4 else "::/0"}.get(target, target)
        )
        found.append(ExtraRoute(place_of(item), node, network, via, options.get("dev", ""), kind))
    return tuple(found)


def _sysctls(value: YamlValue) -> tuple[tuple[str, str, int], ...]:
    found = []
    for node, child in value.entries().items():
        for key, setting in child.entries().items():
            check_sysctl(key, setting)
            found.append((node, key, setting.number(0, 2**31 - 1)))
    return tuple(found)


def check_sysctl(key: str, value: YamlValue) -> None:
    """Refuses a setting that is not one of a network namespace. Raises LabFileError."""
    try:
        sysctl_path(key)
    except ValueError:
        raise value.wrong(f"sets {key!r}", "only net.… belongs to a network namespace") from None


def _impairments(value: YamlValue) -> tuple[Impairment, ...]:
    found = []
    for item in value.items():
        rows = item.entries(("node", "link", "rate", "delay", "loss"))
        if "node" not in rows or len(rows) < 2:
            raise item.wrong("names no node or nothing to do", "write {node: web, rate: 1mbit}")
        found.append(
            Impairment(
                place_of(item),
                rows["node"].text(),
                rows["link"].text() if "link" in rows else "eth0",
                int(_number(rows["rate"], RATES, "1mbit")) if "rate" in rows else None,
                _number(rows["delay"], {"ms": 1, "s": 1000}, "20ms") if "delay" in rows else 0.0,
                _number(rows["loss"], {"%": 1}, "1%") if "loss" in rows else 0.0,
            )
        )
    return tuple(found)


def _number(value: YamlValue, units: Mapping[str, int], example: str) -> float:
    found = NUMBER.fullmatch(value.text().lower())
    if found is None or found[2] not in units:
        raise value.wrong(f"is {value.text()!r}", f"write it like {example}")
    return float(found[1]) * units[found[2]]


def _checks(value: YamlValue) -> tuple[Check, ...]:
    found = []
    for item in value.items():
        rows = item.entries(("from", "to", "udp", "expect", "cause"))
        for key in ("from", "to", "expect"):
            if key not in rows:
                raise item.wrong(f"has no {key}", 'write {from: lan, to: ":8080", expect: connected}')
        protocol = Protocol.UDP if "udp" in rows and rows["udp"].flag() else Protocol.TCP
        cause = rows["cause"].text() if "cause" in rows else ""
        expect = rows["expect"].choice(EXPECTED)
        found.append(Check(place_of(item), rows["from"].text(), rows["to"].text(), protocol, expect, cause))
    return tuple(found)


def _subnet(value: YamlValue, version: int) -> IPNetwork:
    found = _network(value, value.text())
    if found.version != version:
        raise value.wrong(f"is {found}", f"write an IPv{version} network")
    return found


def _network(value: YamlValue, text: str) -> IPNetwork:
    try:
        return ip_network(text)
    except ValueError as error:
        raise value.wrong(f"has {text!r}: {error}", "write one like 10.9.0.0/16") from None


READERS: Mapping[str, tuple[str, Callable[[YamlValue], Any]]] = {
    "title": ("title", _text),
    "story": ("story", _text),
    "layout": ("layout", lambda value: value.choice(LAYOUTS)),
    "firewall": ("backend", lambda value: value.choice(BACKENDS)),
    "userland-proxy": ("proxy", lambda value: value.flag()),
    "outside": ("outside", _outside),
    "listens": ("listens", _all_listens),
    "commands": ("commands", _commands),
    "rules": ("rules", _rules),
    "routes": ("routes", _routes),
    "sysctls": ("sysctls", _sysctls),
    "impairments": ("impairments", _impairments),
    "files": ("files", namewords.files),
    "faults": ("faults", lambda value: tuple(item.text() for item in value.texts())),
    "checks": ("checks", _checks),
}
