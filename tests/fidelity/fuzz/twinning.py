"""Whether the twin of a host made up by chance is that host, for a look and for real clients.

    python -m tests.fidelity.fuzz.twinning --hosts 500 --seed 7      as root

A host is built, looked at and taken down; its snapshot is rebuilt. The law is that a look at the twin has every fact of
the snapshot (`engine.lab.twin.same`), and that a client in it sees what is predicted on the file. A difference is
printed also where the twin says that it left something out, and then breaks no law.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from engine.apply.journal import Header, Journal
from engine.apply.namespaces import netns_file, run_in
from engine.apply.run import carry_out
from engine.explain.ask import ask
from engine.explain.question import QuestionError, resolve
from engine.lab.lifecycle import Draft
from engine.lab.twin.origin import blueprint
from engine.lab.twin.rebuild import rebuild
from engine.lab.twin.same import differences
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.trace import Symptom
from engine.model.verdict import Question, Reach
from engine.model.where import named
from engine.observe.look.snapshot import take
from engine.observe.recording.snapshot_file import dumps
from tests.fidelity.fuzz.generate import scenario
from tests.fidelity.fuzz.stage import Refused, Stage
from tests.fidelity.fuzz.worker import Worker, share
from tests.scenarios.scenario import Scenario
from workbench.session.twins import Twin, compare, options

LAB = "twin"
#: Seconds until routes know that the other end of a cable went down (net/core/link_watch.c).
LINK_WATCH = 1.1
#: What a twin says that it does not know, and builds one way: clients are asked all the same.
ORDER = "the order of iptables-legacy and nf_tables at one priority"


@dataclass(frozen=True)
class Twinned:
    """What came of a host: how many cells agree of how many, what differs, and what the twin left out."""

    name: str
    cells: int = 0
    agree: int = 0
    wrong: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    refused: str = ""
    snapshot: str = ""


def twinned(made: Scenario) -> Twinned:
    """Builds a scenario, and its snapshot's twin in its place."""
    try:
        stage = Stage(made)
    except Refused as error:
        return Twinned(made.name, refused=str(error))
    try:
        snapshot = stage.look()
    finally:
        stage.close()
    return judged(made.name, snapshot, _predicted(snapshot, made))


def judged(name: str, snapshot: Snapshot, predicted: list[tuple[Question, Symptom]]) -> Twinned:
    """The twin of a snapshot, looked at and asked."""
    rebuilt = rebuild(snapshot, LAB, options(snapshot, (question for question, _ in predicted)))
    lab = blueprint(rebuilt, LAB, name)
    twin = Twin(Draft("", lab, rebuilt.plan), rebuilt)
    with ExitStack() as stack:
        applied = carry_out(rebuilt.plan, named(), Journal(Header.new(LAB)))
        stack.callback(applied.undo)
        if any(not link.up for netns in snapshot.namespaces for link in netns.links):
            time.sleep(LINK_WATCH)
        host = netns_file(rebuilt.nodes[0].netns)
        seen = run_in(host, lambda: take(lambda netns: netns.startswith(f"{LAB}-")))
        wrong = [*applied.notes, *differences(rebuilt, seen)]
        cells = [each for each in compare(twin, seen, predicted) if each.seen is not None]
    wrong += [
        f"{each.question.source.netns} → {each.question.end}: {each.predicted}, a client sees {each.seen}"
        for each in cells
        if not each.agrees
    ]
    left_out = tuple(str(row) for row in rebuilt.left_out if row.what != ORDER)
    agree = sum(each.agrees for each in cells)
    return Twinned(name, len(cells), agree, tuple(wrong), left_out, snapshot=dumps(snapshot) if wrong else "")


def _predicted(snapshot: Snapshot, made: Scenario) -> list[tuple[Question, Symptom]]:
    found = []
    for asked in made.questions:
        try:
            question = resolve(snapshot, asked.target, f"ns:{asked.source}", Protocol(asked.protocol))
        except QuestionError:
            continue
        question = replace(question, source=replace(question.source, port=asked.port or None))
        answer = ask(snapshot, question)
        if answer.reach is not Reach.DEPENDS:
            found.append((question, answer.symptom))
    return found


def outcomes(seed: int, hosts: int, jobs: int, kernel: str = "") -> list[Twinned]:
    """The twins of a seed's hosts, by `jobs` workers."""
    found: list[Twinned] = []
    lock = threading.Lock()

    def one(worker: Worker[Twinned], number: int) -> None:
        answer = worker.ask(scenario(seed, number, kernel=kernel))
        with lock:
            found.append(answer)

    share("twins", jobs, iter(range(hosts)), one, kernel)
    return [each for each in found if not each.refused]


def main() -> int:
    """Exit code 1 when a twin differs without having said so."""
    options = argparse.ArgumentParser(prog="python -m tests.fidelity.fuzz.twinning", description=__doc__)
    options.add_argument("--hosts", type=int, default=20, metavar="N")
    options.add_argument("--seed", type=int, default=None, metavar="S", help="default: a new one, which is printed")
    options.add_argument("--jobs", type=int, default=2, metavar="J")
    options.add_argument("--kernel", choices=("", "uml"), default="", help="uml: a second kernel, User Mode Linux")
    options.add_argument("--keep", type=Path, metavar="DIR", help="write the snapshots of twins that differ")
    asked = options.parse_args()
    seed = secrets.randbelow(1_000_000) if asked.seed is None else asked.seed
    print(f"seed {seed}", flush=True)
    found = outcomes(seed, asked.hosts, asked.jobs, asked.kernel)
    differing = [each for each in found if each.wrong]
    for each in differing:
        print("\n".join((each.name, *(f"    {line}" for line in (*each.left_out, *each.wrong)))))
        if asked.keep:
            (asked.keep / f"{each.name}.json").write_text(each.snapshot)
    cells, agree = sum(each.cells for each in found), sum(each.agree for each in found)
    partial = sum(bool(each.left_out) for each in found)
    print(f"{len(found)} hosts: {len(found) - len(differing)} the same, {partial} with something left out")
    print(f"{agree} of {cells} cells as predicted on the file")
    return 1 if any(each.wrong and not each.left_out for each in differing) else 0


if __name__ == "__main__":
    sys.exit(main())
