"""A few mutations on a fresh seed, and what earlier ones showed. `make mutations` runs many more."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest

from engine.documents.yaml_value import LONGEST, parse
from engine.lab.errors import COMPOSE, LabFileError
from engine.model.host import Snapshot
from engine.observe.recording.snapshot_file import RecordingError, dumps, loads
from tests.mutations import compose, snapshots
from tests.mutations.__main__ import KINDS, tried
from tests.views.hosts import docker_host


@pytest.mark.parametrize(("kind", "cases"), [("snapshots", 50), ("compose", 300)])
def test_whatever_the_file_it_is_answered_or_refused_in_a_line(kind: str, cases: int) -> None:
    check, first = KINDS[kind](), secrets.randbelow(1 << 30)
    found = {seed: defects for seed in range(first, first + cases) if (defects := tried(check, seed))}
    assert not found


def test_a_mutation_follows_from_its_seed() -> None:
    known = snapshots.recordings()
    assert snapshots.case(7, known)[0] == snapshots.case(7, known)[0]
    laid_out = compose.documents()
    assert compose.case(7, laid_out) == compose.case(7, laid_out)


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dumps(docker_host()))
    return found


def read(changed: dict[str, Any]) -> Snapshot:
    return loads(json.dumps(changed))


def test_a_recording_reads_back_as_it_was() -> None:
    assert read(document()) == docker_host()


def test_a_container_whose_namespace_is_not_in_the_file_is_a_gap() -> None:
    changed = document()
    lost = next(one for one in changed["containers"] if one.get("netns"))
    lost["netns"] = "elsewhere"
    found = read(changed)
    assert next(one for one in found.containers if one.name == lost["name"]).netns is None
    (gap,) = set(found.gaps) - set(docker_host().gaps)
    assert gap.reason == f"container {lost['name']} is in namespace elsewhere, which is not in the file"


def test_the_far_end_of_a_link_that_is_not_in_the_file_is_out_of_sight_and_a_gap() -> None:
    changed = document()
    gone = next(each["id"] for each in changed["namespaces"] if each["id"] != changed["host"])
    changed["namespaces"] = [each for each in changed["namespaces"] if each["id"] != gone]
    found = read(changed)
    peers = [link.peer.netns for netns in found.namespaces for link in netns.links if link.peer]
    assert gone not in peers
    assert any(gone in gap.reason for gap in found.gaps)


def test_a_master_that_is_not_in_the_file_is_none_and_a_gap() -> None:
    changed = document()
    ported = next(link for netns in changed["namespaces"] for link in netns["links"] if link.get("master"))
    ported["master"] = 9999
    found = read(changed)
    assert all(link.master != 9999 for netns in found.namespaces for link in netns.links)
    assert any("device 9999" in gap.reason for gap in found.gaps)


def test_an_address_whose_prefix_is_longer_than_it_is_refused() -> None:
    changed = document()
    changed["namespaces"][0]["addresses"][0]["prefixlen"] = 99
    with pytest.raises(RecordingError, match="prefix of 99 bits"):
        read(changed)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (compose.LAUGHS, "its aliases refer to too much"),
        ("x: &a {<<: *a}\n", "its aliases refer to too much, or to themselves"),
        ("x: &a [*a]\n", "its aliases refer to too much, or to themselves"),
        ("[" * 200_000, "it is nested too deep"),
        ("".join(f"{' ' * level}a:\n" for level in range(500)), "it is nested too deep"),
        ("? [a]\n: b\n", "a key is no word"),
        ("a" * (LONGEST + 1), "it has more than 1 MiB"),
    ],
    ids=["laughs", "itself", "itself in a list", "flow", "blocks", "key", "size"],
)
def test_a_document_that_would_take_for_ever_is_refused(text: str, problem: str) -> None:
    with pytest.raises(LabFileError, match=problem):
        parse(text, "compose.yaml", COMPOSE)
