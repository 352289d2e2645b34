"""The catalogue of faults as values: what goes wrong in practice, and where each is judged.

`catalogue/*.toml` has the faults, a table each. A fault is judged by hosts of its own (`hosts`: a healthy host of
`hosts/`, what is done to it, what clients see from every vantage point, which cause is named), by rows of the tables of
breaks on a real engine (`docker`, `podman`), by scenarios (`scenarios`) or other tests (`tests`); or it has a `reason`
why it cannot be, and `instead` says what portscope tells of it. A file is never half understood: an unknown key raises
`CatalogueError` with the fault and the key. Standard library only.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tests.scenarios.scenario import Question, Scenario, read

FOLDER = Path(__file__).resolve().parent
COMMONNESS = ("very common", "common", "rare")

#: The places that a published port is tried from on a host of `hosts/`: namespace and target.
VANTAGES = {
    "lan": ("lan", "10.77.0.1:8080"),
    "far": ("far", "10.77.0.1:8080"),
    "host": ("host", "10.77.0.1:8080"),
    "localhost": ("host", "127.0.0.1:8080"),
    "localhost6": ("host", "[::1]:8080"),
    "direct": ("host", "172.17.0.2:80"),
    "peer": ("peer", "10.77.0.1:8080"),
    "peer-direct": ("peer", "172.17.0.2:80"),
    "other": ("other", "10.77.0.1:8080"),
    "itself": ("web", "10.77.0.1:8080"),
    "egress": ("web", "10.77.0.2:9000"),
}


class CatalogueError(ValueError):
    """A table of the catalogue that can't be used; the message names the fault and the key."""


@dataclass(frozen=True)
class Ask:
    """A question beside the vantage points: from a namespace to a target, and the symptom that a client sees."""

    source: str
    target: str
    symptom: str
    protocol: str = "tcp"


@dataclass(frozen=True)
class Judged:
    """A host with the fault.

    `host` is the healthy one; `listeners` and `relays` take the place of its own, by namespace. `do` are commands,
    each after the namespace that it is run in ("web: ip route del default"); `seen` has the symptoms of the vantage
    points that differ from `elsewhere`, `unasked` those that are not asked. `asked` is the vantage point whose first
    cause has to be `code`, at a place that contains `at`; `first` is in the title of its first fix, which is the
    expert's (`Fault.expert`). Where the remedy is a program's owner's, `owner` does it;
    `fix` is "none" where nothing on the host tells how to mend it. `traced` is false where the order of rules of one
    priority cannot be known.
    """

    host: str = "docker"
    do: tuple[str, ...] = ()
    listeners: tuple[tuple[str, tuple[str, ...]], ...] = ()
    relays: tuple[tuple[str, tuple[str, ...]], ...] = ()
    elsewhere: str = "connected"
    seen: tuple[tuple[str, str], ...] = ()
    unasked: tuple[str, ...] = ()
    further: tuple[Ask, ...] = ()
    asked: str = "lan"
    code: str = ""
    first: str = ""
    at: str = ""
    owner: tuple[str, ...] = ()
    fix: str = "connects"
    traced: bool = True


@dataclass(frozen=True)
class Fault:
    """One root cause, and where it is judged. `expert` is what who knows does about it first, in our words, `thread`
    where that was said."""

    id: str
    title: str
    common: str
    expert: str = ""
    thread: str = ""
    hosts: tuple[Judged, ...] = ()
    docker: tuple[str, ...] = ()
    podman: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    reason: str = ""
    instead: str = ""

    def __str__(self) -> str:
        return self.id

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """The tests that judge it beside hosts of its own, in words."""
        kinds = (("Docker", self.docker), ("Podman", self.podman), ("scenario", self.scenarios), ("test", self.tests))
        return tuple(f"{kind} {name}" for kind, names in kinds for name in names)

    @property
    def places(self) -> tuple[str, ...]:
        """Where it is judged, in words."""
        own = f"{len(self.hosts)} host{'s' * (len(self.hosts) > 1)} of its own"
        return (own, *self.elsewhere) if self.hosts else self.elsewhere


def read_catalogue(folder: Path = FOLDER / "catalogue") -> tuple[Fault, ...]:
    """All faults, in the order of the files. Raises `CatalogueError`."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        found += [_fault(name, table) for name, table in tomllib.loads(path.read_text()).items()]
    return tuple(found)


def read_host(name: str) -> Scenario:
    """A healthy host."""
    return read(FOLDER / "hosts" / f"{name}.toml")


def questions(judged: Judged) -> dict[str, Question]:
    """What is asked of a host, by vantage point; the symptom is the expected one."""
    symptoms = dict(judged.seen)
    found = {
        name: Question(source, target, symptoms=(symptoms.get(name, judged.elsewhere),))
        for name, (source, target) in VANTAGES.items()
        if name not in judged.unasked
    }
    for each in judged.further:
        name = f"{each.source} to {each.target}/{each.protocol}"
        found[name] = Question(each.source, each.target, each.protocol, (each.symptom,))
    return found


def _fault(name: str, table: dict[str, Any]) -> Fault:
    own = {**table, "id": name, "hosts": tuple(_judged(name, each) for each in table.get("hosts", []))}
    fault: Fault = _make(Fault, name, own)
    if fault.common not in COMMONNESS:
        raise CatalogueError(f"{name}: common: must be one of {', '.join(COMMONNESS)}")
    if not (fault.places or (fault.reason and fault.instead)):
        raise CatalogueError(f"{name}: it is judged nowhere, and has no reason and instead")
    return fault


def _judged(name: str, table: dict[str, Any]) -> Judged:
    own = dict(table)
    for key in ("listeners", "relays"):
        own[key] = tuple((netns, tuple(words)) for netns, words in table.get(key, {}).items())
    own["seen"] = tuple(table.get("seen", {}).items())
    own["further"] = tuple(Ask(*row) for row in table.get("further", []))
    judged: Judged = _make(Judged, name, own)
    strange = {vantage for vantage, _ in judged.seen} | set(judged.unasked)
    if strange - set(VANTAGES):
        raise CatalogueError(f"{name}: no such vantage point: {', '.join(sorted(strange - set(VANTAGES)))}")
    return judged


def _make(kind: Any, name: str, table: dict[str, Any]) -> Any:
    known = {field.name for field in fields(kind)}
    if set(table) - known:
        raise CatalogueError(f"{name}: no such key: {', '.join(sorted(set(table) - known))}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in table.items()})
