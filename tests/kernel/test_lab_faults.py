"""Every fault of the break menu on the real kernel: it does what its table says, and mending leaves no trace of it."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.apply.namespaces import run_in
from engine.explain import ask
from engine.explain.question import resolve
from engine.lab import breaking, description, faults, lifecycle
from engine.lab.errors import LabError
from engine.lab.faults.table_names import BY_NAME
from engine.lab.lifecycle import Draft
from engine.observe.look.snapshot import take
from tests.harness.needs import require
from tests.harness.netns import NETNS_FOLDER, run
from tests.harness.probe import probe

require("ip", "nft", "iptables-nft", "iptables-legacy", "curl", root=True)

FILE = """\
services:
  web: {ports: ["8080:80"], networks: [front]}
  near: {networks: [front]}
networks: {front: {}}
"""
#: Faults that a client on the LAN does not notice: they keep neighbours or nobody away.
HARMLESS = {fault.name for fault in faults.FAULTS.values() if not fault.cause}
#: How long a client waits that is expected to wait in vain.
SECONDS = 0.3


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Draft]:
    draft = lifecycle.draft(FILE, "lab.yaml", f"lb{secrets.token_hex(3)}")
    lifecycle.up(draft, tmp_path)
    try:
        yield draft
    finally:
        assert lifecycle.down(draft.lab.name, tmp_path) == ()


def symptom(lab: Draft, seconds: float = 5.0) -> str:
    path = str(NETNS_FOLDER / f"{lab.lab.name}-lan")
    return str(probe(path, "192.168.30.1", 8080, seconds=seconds).symptom)


@pytest.mark.parametrize("name", [fault.name for fault in faults.FAULTS.values() if not fault.asks])
def test_a_fault_does_what_its_row_says_and_is_fixed_without_a_trace(name: str, lab: Draft, tmp_path: Path) -> None:
    harmless = name in HARMLESS
    breaking.break_lab(lab, faults.find(name), tmp_path)
    assert breaking.broken(lab.lab.name, tmp_path) == (name,)
    assert (symptom(lab, 5.0 if harmless else SECONDS) == "connected") == harmless
    assert breaking.mend(lab, tmp_path) == (name,)
    assert breaking.broken(lab.lab.name, tmp_path) == ()
    assert symptom(lab) == "connected"


@pytest.mark.parametrize("name", [each.name for each in faults.FAULTS.values() if each.asks.startswith("near")])
def test_a_fault_of_a_name_is_what_a_client_meets_and_what_is_answered(name: str, lab: Draft, tmp_path: Path) -> None:
    fault = faults.find(name)
    client, target = faults.question(lab.lab, fault)
    by_name = fault.asks == BY_NAME
    assert fetched(lab, client, target) == by_name
    breaking.break_lab(lab, fault, tmp_path)
    snapshot = description.dress(run_in(lifecycle.host_path(lab.lab.name), take), lab.lab)
    verdict = ask(snapshot, resolve(snapshot, target, f"ns:{lab.lab.netns_by_node[client]}"))
    assert [each.code for each in verdict.causes][:1] == [fault.cause]
    assert not fetched(lab, client, target)
    assert breaking.mend(lab, tmp_path) == (name,)
    assert fetched(lab, client, target) == by_name


def fetched(lab: Draft, node: str, url: str) -> bool:
    """Whether a client there gets an answer, as `ip netns exec` runs it."""
    argv = ["ip", "netns", "exec", lab.lab.netns_by_node[node], "curl", "-s", "-m", "2", "-o", "/dev/null", url]
    return subprocess.run(argv, check=False).returncode == 0


def test_several_faults_are_taken_back_in_reverse_and_one_is_made_once(lab: Draft, tmp_path: Path) -> None:
    names = ("no-default-route", "app-on-loopback", "docker-user-drop", "vpn-inside")
    before = routes(lab)
    for name in names:
        breaking.break_lab(lab, faults.find(name), tmp_path)
    with pytest.raises(LabError, match="has the fault vpn-inside already"):
        breaking.break_lab(lab, faults.find("vpn-inside"), tmp_path)
    assert breaking.mend(lab, tmp_path) == names
    assert routes(lab) == before
    assert symptom(lab) == "connected"


def routes(lab: Draft) -> str:
    return run(["ip", "-n", f"{lab.lab.name}-web", "route", "show", "table", "all"])
