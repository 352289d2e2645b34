"""Scenario files are understood whole or refused with the file and the key."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.scenario import FOLDER, End, Firewall, Question, Scenario, ScenarioError, parse, read, read_all
from tests.scenarios.written import written

SMALL = """
title = "A pair"
story = "A client and a server."
host = "client"
wires = [["client:eth0 10.1.0.1/24", "server:eth0 mac=02:00:00:00:00:22 10.1.0.2/24 10.6.0.1/24"]]
[namespaces.client]
[namespaces.server]
[[questions]]
from = "client"
to = "10.1.0.2:80"
"""


def small(**changes: Any) -> dict[str, Any]:
    return {**tomllib.loads(SMALL), **changes}


def test_a_file_becomes_values() -> None:
    scenario = parse("pair", small())
    server = End("server", "eth0", ("10.1.0.2/24", "10.6.0.1/24"), "02:00:00:00:00:22")
    assert scenario.wires == ((End("client", "eth0", ("10.1.0.1/24",)), server),)
    assert scenario.questions == (Question("client", "10.1.0.2:80"),)


def test_firewall_text_keeps_its_order_and_backend() -> None:
    firewall = [{"nft": "table ip t {}"}, {"iptables-legacy": "*filter\nCOMMIT"}]
    scenario = parse("pair", small(namespaces={"client": {"firewall": firewall}, "server": {}}))
    expected = (Firewall("nft", "table ip t {}\n"), Firewall("iptables-legacy", "*filter\nCOMMIT\n"))
    assert scenario.namespaces[0].firewall == expected


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"colour": "red"}, "pair: colour: no such key"),
    "unknown key of a namespace": (
        {"namespaces": {"client": {"route": []}, "server": {}}},
        "pair: namespaces.client: route: no such key",
    ),
    "no title": ({"title": 7}, "pair: title: must be a string"),
    "host that is not there": ({"host": "router"}, "pair: host: there is no namespace 'router'"),
    "wire with one end": ({"wires": [["client:eth0"]]}, "pair: wires: a wire has two ends"),
    "wire to nowhere": (
        {"wires": [["client:eth0", "moon:eth0"]]},
        "pair: wires: 'moon:eth0' must start with NETNS:LINK",
    ),
    "no question": ({"questions": []}, "pair: questions: at least one is needed"),
    "sysctl that is no number": (
        {"namespaces": {"client": {"sysctls": {"net.ipv4.ip_forward": "1"}}, "server": {}}},
        "pair: namespaces.client: sysctls: must be a table of numbers",
    ),
    "two backends in one firewall": (
        {"namespaces": {"client": {"firewall": [{"nft": "a", "iptables-nft": "b"}]}, "server": {}}},
        "firewall: needs exactly one of iptables-nft, iptables-legacy, ip6tables-nft, ip6tables-legacy, nft",
    ),
    "failure without an ending": (
        {"questions": [{"from": "client", "to": "10.1.0.2:80", "symptom": "timeout"}]},
        r"pair: questions\[0\]: ending: must be a string",
    ),
    "asker that is not there": (
        {"questions": [{"from": "moon", "to": "10.1.0.2:80"}]},
        r"pair: questions\[0\]: from: there is no namespace 'moon'",
    ),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_is_refused_with_its_key(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        parse("pair", small(**changes))


def test_what_is_not_toml_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("title = ")
    with pytest.raises(ScenarioError, match=r"broken\.toml: not TOML"):
        read(path)


def test_the_format_is_documented_by_a_scenario_that_is_there() -> None:
    text = (FOLDER / "README.md").read_text()
    example = tomllib.loads(text.partition("```toml\n")[2].partition("```")[0])
    documented = parse("drop-in-forward", example)
    found = next(scenario for scenario in read_all() if scenario.name == documented.name)
    assert (documented.title, documented.story) == (found.title, found.story)
    assert [question.code for question in documented.questions] == [question.code for question in found.questions]


def test_every_scenario_has_a_title_of_its_own() -> None:
    titles = [scenario.title for scenario in read_all()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("scenario", read_all(), ids=lambda scenario: scenario.name)
def test_a_scenario_is_written_as_it_was_read(scenario: Scenario) -> None:
    assert parse(scenario.name, tomllib.loads(written(scenario))) == scenario
