"""A scenario file as a value: namespaces, what is in them, and questions with their answers.

A file is read once, checked as it is read, and never half understood: an unknown key, a wrong type or a name that is
not there raises `ScenarioError` with the file and the key. `README.md` documents the format. Standard library only.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
BACKENDS = (
    "iptables-nft",
    "iptables-legacy",
    "ip6tables-nft",
    "ip6tables-legacy",
    "nft",
    "ebtables-nft",
    "ipset",
    "arptables-legacy",
)
REACHES = ("yes", "no", "depends")
FIXES = ("connects", "none", "unasked")


class ScenarioError(ValueError):
    """A scenario file that can't be used; the message names the file and the key."""


@dataclass(frozen=True)
class End:
    """One end of a wire: `NETNS:LINK [mac=MAC] [ADDRESS/LENGTH…]`."""

    netns: str
    link: str
    addresses: tuple[str, ...] = ()
    mac: str = ""


@dataclass(frozen=True)
class Bridge:
    """A bridge. A port is its name, followed by options as bridge(8) takes them ("hairpin on")."""

    name: str
    addresses: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()


@dataclass(frozen=True)
class Firewall:
    """Rules to load: for nft a script, for arptables-legacy its arguments line by line, for the others a saved text."""

    backend: str
    text: str


@dataclass(frozen=True)
class Namespace:
    """A namespace. Addresses, nexthops, routes, rules and neighbours are words of ip(8) after its `add` (`replace`); so
    are further `links`, which may be made for another namespace (`netns NAME`). `settings` has words after `ip link
    set`, `vlans` after `bridge vlan`, `fdb` after `bridge fdb append`, `flows` after `conntrack -I`: flows that are
    tracked before each question; `ipsec` after `ip xfrm`.

    `listeners` are specifications of tests.harness.servers, `relays` options of tests.harness.relay; `down` names
    links that are set down in the end.
    """

    name: str
    addresses: tuple[str, ...] = ()
    bridges: tuple[Bridge, ...] = ()
    links: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    vlans: tuple[str, ...] = ()
    fdb: tuple[str, ...] = ()
    sysctls: tuple[tuple[str, int], ...] = ()
    nexthops: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    ipsec: tuple[str, ...] = ()
    firewall: tuple[Firewall, ...] = ()
    flows: tuple[str, ...] = ()
    listeners: tuple[str, ...] = ()
    relays: tuple[str, ...] = ()
    down: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """Who asks for what, and the answer that kernel and model agree on.

    `symptoms` has one word, or all that are possible where the answer is "depends". `ending` is the outcome of the
    packet that failed, after the leg it belongs to where that is not the first packet ("reply RULE_DROP"); `code` and
    `at` are the first cause's ("router filter/FORWARD #0"). `fix` is "connects" when the commands of the answer mend
    it, "none" when commands alone cannot mend it, "unasked" when nothing is wrong or another question asks the same.
    `port` is the client's own, 0 for a new one.
    """

    source: str
    target: str
    protocol: str = "tcp"
    symptoms: tuple[str, ...] = ("connected",)
    reach: str = "yes"
    ending: str = "DELIVERED"
    code: str = ""
    at: str = ""
    fix: str = "unasked"
    port: int = 0

    def __str__(self) -> str:
        return f"{self.source}{f':{self.port}' if self.port else ''} → {self.target}/{self.protocol}"


@dataclass(frozen=True)
class Scenario:
    """One file. `host` is the namespace that portscope runs in; `disagrees` says why the model is known to be wrong,
    mostly empty."""

    name: str
    title: str
    story: str
    host: str
    namespaces: tuple[Namespace, ...]
    wires: tuple[tuple[End, End], ...]
    questions: tuple[Question, ...]
    disagrees: str = ""


def read_all(folder: Path = FOLDER) -> tuple[Scenario, ...]:
    """Every scenario of a folder, by name."""
    return tuple(read(path) for path in sorted(folder.glob("*.toml")))


def read(path: Path) -> Scenario:
    """Reads one file. Raises `ScenarioError`."""
    try:
        document = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{path.name}: not TOML: {error}") from error
    return parse(path.stem, document)


def parse(name: str, document: dict[str, Any]) -> Scenario:
    """A parsed TOML document as a scenario. Raises `ScenarioError`."""
    reader = _Reader(name, document)
    namespaces = tuple(_namespace(table, label) for label, table in reader.tables("namespaces"))
    known = {netns.name for netns in namespaces}
    scenario = Scenario(
        name=name,
        title=reader.text("title"),
        story=reader.text("story"),
        host=reader.text("host"),
        namespaces=namespaces,
        wires=tuple(_wire(reader, words, known) for words in reader.lists("wires")),
        questions=tuple(_question(table, known) for table in reader.array("questions")),
        disagrees=reader.text("disagrees", ""),
    )
    reader.finish()
    if scenario.host not in known:
        raise ScenarioError(f"{name}: host: there is no namespace {scenario.host!r}")
    if not scenario.questions:
        raise ScenarioError(f"{name}: questions: at least one is needed")
    return scenario


class _Reader:
    """A table whose keys are taken one by one; `finish` complains about those that nobody took."""

    def __init__(self, place: str, table: Any) -> None:
        if not isinstance(table, dict):
            raise ScenarioError(f"{place}: must be a table")
        self.place = place
        self._left = dict(table)

    def fail(self, key: str, must: str) -> ScenarioError:
        return ScenarioError(f"{self.place}: {key}: {must}")

    def finish(self) -> None:
        if self._left:
            raise self.fail(", ".join(sorted(self._left)), "no such key")

    def text(self, key: str, default: str | None = None) -> str:
        value = self._left.pop(key, default)
        if not isinstance(value, str):
            raise self.fail(key, "must be a string")
        return value.strip()

    def word(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(key, default)
        if value not in allowed:
            raise self.fail(key, f"must be one of {', '.join(allowed)}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._left.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.fail(key, "must be a list of strings")
        return tuple(value)

    def lists(self, key: str) -> Iterator[list[str]]:
        value = self._left.pop(key, [])
        if not isinstance(value, list):
            raise self.fail(key, "must be a list")
        for each in value:
            if not isinstance(each, list) or not all(isinstance(word, str) for word in each):
                raise self.fail(key, "must be a list of lists of strings")
            yield each

    def numbers(self, key: str) -> tuple[tuple[str, int], ...]:
        value = self._left.pop(key, {})
        if not isinstance(value, dict) or not all(type(each) is int for each in value.values()):
            raise self.fail(key, "must be a table of numbers")
        return tuple(value.items())

    def number(self, key: str) -> int:
        value = self._left.pop(key, 0)
        if type(value) is not int:
            raise self.fail(key, "must be a number")
        return value

    def array(self, key: str) -> list[_Reader]:
        value = self._left.pop(key, [])
        if not isinstance(value, list):
            raise self.fail(key, "must be an array of tables")
        return [_Reader(f"{self.place}: {key}[{number}]", each) for number, each in enumerate(value)]

    def tables(self, key: str) -> list[tuple[str, _Reader]]:
        value = self._left.pop(key, {})
        if not isinstance(value, dict):
            raise self.fail(key, "must be a table of tables")
        return [(label, _Reader(f"{self.place}: {key}.{label}", each)) for label, each in value.items()]


def _wire(reader: _Reader, words: list[str], known: set[str]) -> tuple[End, End]:
    if len(words) != 2:
        raise reader.fail("wires", "a wire has two ends")
    one, other = (_end(reader, each, known) for each in words)
    return one, other


def _end(reader: _Reader, text: str, known: set[str]) -> End:
    place, *words = text.split()
    netns, colon, link = place.partition(":")
    if not colon or netns not in known:
        raise reader.fail("wires", f"{text!r} must start with NETNS:LINK, a namespace of this file")
    mac = next((word.removeprefix("mac=") for word in words if word.startswith("mac=")), "")
    return End(netns, link, tuple(word for word in words if not word.startswith("mac=")), mac)


def _namespace(reader: _Reader, name: str) -> Namespace:
    namespace = Namespace(
        name,
        addresses=reader.texts("addresses"),
        bridges=tuple(_bridge(table, label) for label, table in reader.tables("bridges")),
        links=reader.texts("links"),
        settings=reader.texts("settings"),
        vlans=reader.texts("vlans"),
        fdb=reader.texts("fdb"),
        sysctls=reader.numbers("sysctls"),
        nexthops=reader.texts("nexthops"),
        routes=reader.texts("routes"),
        rules=reader.texts("rules"),
        neighbours=reader.texts("neighbours"),
        ipsec=reader.texts("ipsec"),
        firewall=tuple(_firewall(table) for table in reader.array("firewall")),
        flows=reader.texts("flows"),
        listeners=reader.texts("listeners"),
        relays=reader.texts("relays"),
        down=reader.texts("down"),
    )
    reader.finish()
    return namespace


def _bridge(reader: _Reader, name: str) -> Bridge:
    bridge = Bridge(name, reader.texts("addresses"), reader.texts("ports"))
    reader.finish()
    return bridge


def _firewall(reader: _Reader) -> Firewall:
    found = [(backend, reader.text(backend, "")) for backend in BACKENDS]
    reader.finish()
    given = [Firewall(backend, text + "\n") for backend, text in found if text]
    if len(given) != 1:
        raise reader.fail("firewall", f"needs exactly one of {', '.join(BACKENDS)}")
    return given[0]


def _question(reader: _Reader, known: set[str]) -> Question:
    symptoms = tuple(reader.text("symptom", "connected").split(" or "))
    usual = "depends" if len(symptoms) > 1 else "yes" if symptoms == ("connected",) else "no"
    reach = reader.word("reach", REACHES, usual)
    question = Question(
        source=reader.text("from"),
        target=reader.text("to"),
        protocol=reader.word("protocol", ("tcp", "udp", "sctp", "icmp"), "tcp"),
        symptoms=symptoms,
        reach=reach,
        ending=reader.text("ending", "DELIVERED" if reach == "yes" else None),
        code=reader.text("code", "" if reach == "yes" else None),
        at=reader.text("at", "" if reach == "yes" else None),
        fix=reader.word("fix", FIXES, "connects" if reach == "no" else "unasked"),
        port=reader.number("port"),
    )
    reader.finish()
    if question.source not in known:
        raise reader.fail("from", f"there is no namespace {question.source!r}")
    return question
