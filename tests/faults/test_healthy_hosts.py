"""Docker beside other tools that write rules: what works there has no cause and no finding, from anywhere.

The rules of `healthy/` are laid out as each tool lays out its own, with drops of other things: `*.iptables` are what
iptables-save would add to Docker's, `*.nft` are tables of their own. Each is asked on a host of values (where iptables
wrote it), all of them together on real hosts, where a client tries every vantage point.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.explain import ask as explain
from engine.explain.question import resolve
from engine.model.firewall import Backend, Chain, Table
from engine.model.host import Snapshot
from engine.model.trace import Symptom
from engine.observe.firewall.xt.save_text import parse_xt_save
from tests.faults.catalogue import Judged, questions
from tests.faults.stage import Stage
from tests.fidelity.question import ask
from tests.harness.needs import require
from tests.harness.netns import World
from tests.hosts.stock import docker_world

FOLDER = Path(__file__).parent / "healthy"
IPTABLES = sorted(FOLDER.glob("*.iptables"))
ASKED = (
    ("10.77.0.1:8080", "ns:lan"),
    ("10.77.0.1:8080", "192.0.2.7@up0"),
    ("10.77.0.1:8080", "host"),
    ("127.0.0.1:8080", "host"),
    ("172.17.0.2:80", "host"),
    ("10.77.0.1:8080", "db"),
    ("10.77.0.1:8080", "web"),
    ("172.17.0.2:80", "db"),
)


def beside(path: Path) -> Snapshot:
    """The Docker host of values with the rules of a file appended to its own."""
    world = docker_world()
    host = world["host"]
    host.bridge("br-other").address("br-other", "172.18.0.1/16")
    parsed = parse_xt_save(declared(path.read_text()), Backend.XT_NFT, "ip")
    mine = {table.name: table for table in host.tables}
    for table in parsed:
        mine[table.name] = merged(mine[table.name], table) if table.name in mine else table
    host.tables[:] = mine.values()
    return world.snapshot()


def declared(text: str) -> str:
    """The text with the built-in chains that it adds to, as a whole dump has them."""
    parts = []
    for table in text.split("*")[1:]:
        name, _, rules = table.partition("\n")
        used = {line.split()[1] for line in rules.splitlines() if line.startswith("-A ")}
        new = sorted(chain for chain in used if f":{chain} " not in rules)
        parts.append("\n".join([f"*{name}", *(f":{chain} ACCEPT [0:0]" for chain in new), rules]))
    return "".join(parts)


def merged(old: Table, new: Table) -> Table:
    """A table with the chains of another one, the rules of which come last in those that both have."""
    chains = {chain.name: chain for chain in old.chains}
    for chain in new.chains:
        before = chains.get(chain.name)
        rules = (*(before.rules if before else ()), *chain.rules)
        numbered = tuple(replace(rule, index=index) for index, rule in enumerate(rules))
        chains[chain.name] = Chain(chain.name, numbered, (before or chain).base)
    return replace(old, chains=tuple(chains.values()))


@pytest.mark.parametrize("path", IPTABLES, ids=lambda path: path.stem)
def test_docker_beside_one_tool_has_no_cause_and_no_finding(path: Path) -> None:
    snapshot = beside(path)
    for target, source in ASKED:
        verdict = explain(snapshot, resolve(snapshot, target, source))
        assert (verdict.symptom, verdict.told) == (Symptom.CONNECTED, ()), f"{source} to {target}"
        assert verdict.branches == ()


@pytest.mark.parametrize("kind", ["iptables", "nft"])
def test_docker_beside_all_of_them_works_on_a_real_host_as_it_is_said(kind: str) -> None:
    require("ip", "nsenter", "nft", "iptables-nft", root=True)
    with World() as world:
        stage = Stage(world, Judged())
        host = stage.scene.netns["host"]
        for path in sorted(FOLDER.glob(f"*.{kind}")):
            load = ("iptables-nft-restore", "-n") if kind == "iptables" else ("nft", "-f", "-")
            host.run(*load, stdin=path.read_text())
        asked = questions(stage.judged)
        snapshot = stage.scene.look()
        answers = {name: ask(stage.scene, snapshot, question) for name, question in asked.items()}
        told = {name: [each.code for each in answer.told] for name, answer in answers.items() if answer.told}
        assert told == {}
        assert {str(answer.symptom) for answer in answers.values()} == {"connected"}
        assert set(stage.clients(asked).values()) == {"connected"}
