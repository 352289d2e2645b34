"""Recordings, mutated: each is refused in a line, or everything that can be asked of it is answered."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from engine.change.differences import changes
from engine.explain import ask
from engine.explain.question import QuestionError, resolve
from engine.explain.survey import matrix as cells
from engine.explain.survey.everywhere import vantages
from engine.model.application.naming import NameRecord, Resolver, Zone
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.verdict import Question, Source
from engine.observe.recording.redact import Redacted
from engine.observe.recording.snapshot_file import RecordingError, dumps, loads
from engine.path.world import World
from engine.records import replace
from tests.hosts.named import proxied, server, to
from tests.mutations.documents import mutated
from views.reports.document import report
from views.reports.writers import FORMATS, write
from workbench.exits import Refusal

HOSTS = Path(__file__).parents[1] / "hosts"
#: What steers a terminal.
STEERING = frozenset(map(chr, (*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0), 0x202E)))
MARK = "<secx>"
#: Code in Markdown, in which nothing is markup.
FENCED = re.compile(r"^(`{3,})\w+\n.*?^\1$", re.MULTILINE | re.DOTALL)


def recordings() -> list[Any]:
    """Documents to begin with."""
    files = [HOSTS / "shop.json.gz", *sorted((HOSTS / "docker26").glob("*.json.gz"))[::12]]
    found = [json.loads(gzip.decompress(file.read_bytes())) for file in files]
    sites = server(to("web:81"), "blog.test *.blog.test ~^www") + server("return 404;", "_") + server(to("db:5432"))
    names = (Resolver("lan", 950, "named", (Zone(records=(NameRecord(".corp.test"),)),), known=False),)
    return [*found, json.loads(dumps(replace(proxied(sites), resolvers=names)))]


def case(seed: int, documents: list[Any]) -> tuple[str, Any]:
    """A mutation by its seed: the file's text, and the random numbers that go on with it."""
    dice = random.Random(seed)
    text = json.dumps(mutated(dice, dice.choice(documents)))
    if dice.random() < 0.05:
        at = dice.randrange(len(text))
        text = dice.choice((text[:at], text[:at] + text[at + dice.randrange(1, 9) :], text[:at] + "[" * 5000))
    return text, dice


def defects(text: str, dice: random.Random) -> Iterator[str]:
    """Asks everything of a file. Gives what is wrong with what comes of it; an exception is a defect as well."""
    try:
        snapshot = loads(text)
    except RecordingError as error:
        line = str(error)
        if "\n" in line or len(line) > 400:
            yield f"not one line: {line[:200]!r}"
        return
    try:
        answers = list(_answers(snapshot, dice))
        rows = cells.ports(snapshot)[:4]
        asked = list(cells.questions(snapshot, rows))[:12]
        filled = [cells.answer(World(snapshot), question) for _, _, question in asked]
        grid = cells.matrix(snapshot, rows, asked, filled)
        document = report(snapshot, answers, grid)
        for name in FORMATS:
            yield from _wrong(name, write(document, name))
        changes(snapshot, loads(dumps(snapshot)))
        dumps(Redacted(snapshot).snapshot)
    except (QuestionError, Refusal) as refusal:
        if "\n" in str(refusal):
            yield f"not one line: {str(refusal)[:200]!r}"


def _answers(snapshot: Snapshot, dice: random.Random) -> Iterator[Any]:
    sources = ["host", *(f"ns:{netns.id}" for netns in snapshot.namespaces), "10.9.9.9"]
    targets = [f"{name.name}:80" for name in snapshot.containers] + [":8080", "192.168.30.1:8080", "[fd00::9]:80"]
    sources += [each.name for each in snapshot.containers]
    if snapshot.name_configs:
        targets += [f"http://{each.name}/" for each in snapshot.containers] + ["http://blog.test/x", "nas.corp.test:80"]
    for _ in range(3):
        try:
            yield ask(snapshot, resolve(snapshot, dice.choice(targets), dice.choice(sources), Protocol.TCP))
        except (QuestionError, LookupError):
            continue
    question = Question(Source(snapshot.host), ip_address("192.168.30.1"), 8080)
    for vantage in vantages(snapshot, question)[:3]:
        yield ask(snapshot, vantage.question)


def _wrong(name: str, text: str) -> Iterator[str]:
    """What no document may hold, whatever the host is called."""
    found = STEERING & set(text)
    if found:
        yield f"{name}: {sorted(found)} would steer a terminal"
    text = FENCED.sub("", text) if name == "md" else text
    if name in ("html", "svg", "md", "graphml", "drawio") and MARK in text.replace(f"\\{MARK}", ""):
        around = text[max(text.find(MARK) - 80, 0) :][:120]
        yield f"{name}: markup of the host's stands in it: {around!r}"
    if name == "csv":
        cells_of = (cell for line in text.splitlines() for cell in line.split(","))
        if any(cell.strip('"').lstrip().startswith(("=", "@")) for cell in cells_of):
            yield "csv: a cell is a formula"
