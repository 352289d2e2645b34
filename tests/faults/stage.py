"""Puts a fault on a real host, in namespaces, and judges what portscope says of it.

A healthy host is built and broken. From one look at it every vantage point is asked, real clients try all of them, and
each symptom has to be that of the client. The vantage point of the catalogue is then asked as a scenario is: rule by
rule and route by route against the kernel's own trace. At last the answers are carried out: each vantage point that
fails is asked anew, the first fixes of its causes are run as they are given (or the owner of the program does what is
said), and the client has to connect.
"""

from __future__ import annotations

import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from engine.model.host import Snapshot
from engine.model.trace import Symptom
from engine.model.verdict import Verdict
from tests.faults.catalogue import Fault, Judged, questions, read_host
from tests.fidelity.question import PATIENCE, SILENCE, SILENT, ask, attempt_disagreements
from tests.harness.netns import CommandFailed, World, run
from tests.harness.probe import probe
from tests.harness.scenes import Scene, build
from tests.harness.servers import serve
from tests.scenarios.scenario import Question
from views.reports.json_parts import pointer


@dataclass
class Judgement:
    """What came of one fault: what is wrong with the symptoms, the cause, the object, the fix, and what is no expert's
    first fix; empty lists are good. `asked` counts the attempts of clients, `mended` those that a fix made
    connect."""

    symptom: list[str] = field(default_factory=list)
    cause: list[str] = field(default_factory=list)
    object: list[str] = field(default_factory=list)
    fix: list[str] = field(default_factory=list)
    expert: list[str] = field(default_factory=list)
    asked: int = 0
    mended: int = 0

    @property
    def wrong(self) -> list[str]:
        """All of it."""
        return [*self.symptom, *self.cause, *self.object, *self.fix, *self.expert]

    def add(self, other: Judgement) -> None:
        """Takes another host's results in."""
        self.symptom += other.symptom
        self.cause += other.cause
        self.object += other.object
        self.fix += other.fix
        self.expert += other.expert
        self.asked += other.asked
        self.mended += other.mended


def judge(fault: Fault) -> Judgement:
    """All hosts of one fault."""
    found = Judgement()
    for each in fault.hosts:
        with World() as world:
            found.add(judge_host(world, each))
    return found


def judge_host(world: World, judged: Judged) -> Judgement:
    """One host: symptoms from everywhere, the cause from where it is asked, the fixes until everybody connects."""
    found = Judgement()
    stage = Stage(world, judged)
    asked = questions(judged)
    snapshot = stage.scene.look()
    answers = {name: ask(stage.scene, snapshot, question) for name, question in asked.items()}
    if judged.traced:
        found.symptom += attempt_disagreements(stage.scene, snapshot, asked[judged.asked], answers[judged.asked])
    found.symptom += stage.disagreements(answers, asked)
    found.asked = len(asked)
    if judged.code:
        name_cause(stage, judged, answers[judged.asked], found)
    stage.mend(asked, found)
    found.symptom = [stage.scene.label(line) for line in found.symptom]
    found.fix = [stage.scene.label(line) for line in found.fix]
    return found


def name_cause(stage: Stage, judged: Judged, answer: Verdict, found: Judgement) -> None:
    """Whether the first cause is the fault, and sits where it was made."""
    told = answer.findings if not answer.causes else answer.causes
    codes = [cause.code for cause in told]
    if codes[:1] != [judged.code]:
        found.cause.append(f"{judged.asked}: causes {codes}, not {judged.code}")
        return
    at = told[0].at
    place = stage.scene.label(f"{at.netns} {pointer(at)['name']} {at.text}")
    if judged.at not in place:
        found.object.append(f"{judged.asked}: at {place}, not {judged.at}")
    if judged.first:
        titles = [stage.scene.label(fix.title) for fix in told[0].fixes] or ["none"]
        if judged.first not in titles[0]:
            found.expert.append(f"{judged.asked}: the first fix is {titles[0]!r}, not {judged.first!r}")


class Stage:
    """A broken host that stands."""

    def __init__(self, world: World, judged: Judged) -> None:
        self.world, self.judged = world, judged
        healthy = read_host(judged.host)
        listeners, relays = dict(judged.listeners), dict(judged.relays)
        furnished = tuple(
            replace(
                each,
                listeners=listeners.get(each.name, each.listeners),
                relays=relays.get(each.name, each.relays),
            )
            for each in healthy.namespaces
        )
        self.scene: Scene = build(world, replace(healthy, namespaces=furnished))
        self.do(judged.do)

    def do(self, commands: tuple[str, ...]) -> None:
        """Runs commands of the catalogue; `serve SPEC…` starts a server. `{NAME}` is a namespace's real name."""
        for command in commands:
            where, _, words = command.partition(": ")
            for label, netns in self.scene.netns.items():
                words = words.replace(f"{{{label}}}", netns.name)
            netns, argv = self.scene.netns[where], shlex.split(words)
            if argv[0] == "serve":
                serve(self.world, netns, where, *argv[1:])
            else:
                netns.run(*argv)

    def disagreements(self, answers: dict[str, Verdict], asked: dict[str, Question]) -> list[str]:
        """Every vantage point tried at once: where the catalogue, the model and the client do not say the same."""
        seen = self.clients(asked)
        wrong = []
        for name, question in asked.items():
            said, real, table = str(answers[name].symptom), seen[name], question.symptoms[0]
            if not said == real == table:
                wrong.append(f"{name}: the catalogue says {table}, the model {said}, a client saw {real}")
        return wrong

    def try_(self, question: Question) -> str:
        """What a real client sees."""
        patience = SILENCE if SILENT & set(question.symptoms) else PATIENCE
        address, _, port = question.target.rpartition(":")
        place = self.scene.netns[question.source].path
        return probe(place, address.strip("[]"), int(port), question.protocol, patience).symptom

    def mend(self, asked: dict[str, Question], found: Judgement) -> None:
        """Carries out the answers until every vantage point connects; the one of the catalogue comes first."""
        failing = {name: question for name, question in asked.items() if question.symptoms != ("connected",)}
        if self.judged.fix != "connects":
            return
        order = [name for name in (self.judged.asked, *failing) if name in failing]
        left = dict(failing)
        for name in dict.fromkeys(order):
            if name in left:
                wrong = self.mend_one(asked[name])
                found.fix += [f"{name}: {line}" for line in wrong]
                left.pop(name)
                seen = self.clients(left)
                left = {each: question for each, question in left.items() if seen[each] != "connected"}
        found.mended += len(failing) - len(found.fix)

    def clients(self, asked: dict[str, Question]) -> dict[str, str]:
        """What real clients see, those at once that do not disturb each other.

        Who hears nothing goes on sending, and the error about it may be what has no way: when it waits for the
        neighbour that nobody answers for, the kernel throws away what others' errors would be made of
        (net/core/neighbour.c, neigh_invalidate). So those that are to hear something come first, and alone.
        """
        seen: dict[str, str] = {}
        silent = [name for name, question in asked.items() if SILENT & set(question.symptoms)]
        for together in ([name for name in asked if name not in silent], silent):
            self.scene.forget()
            with ThreadPoolExecutor(max(1, len(together))) as pool:
                seen |= zip(together, pool.map(self.try_, (asked[name] for name in together)), strict=True)
        return seen

    def mend_one(self, question: Question) -> list[str]:
        """The first fixes of an answer, run as given, then a client's attempt. What was mended before is no matter."""
        snapshot: Snapshot = self.scene.look()
        answer = ask(self.scene, snapshot, question)
        said: list[str] = []
        if answer.symptom is not Symptom.CONNECTED:
            fixes = [cause.change for cause in answer.causes if not cause.settled]
            argvs = [argv for fix in fixes if fix is not None for argv in fix.commands]
            said = [" ".join(argv) for argv in argvs]
            try:
                for argv in argvs:
                    run(argv)
                if not all(fix is not None and fix.commands for fix in fixes):
                    self.do(self.judged.owner)
            except (CommandFailed, subprocess.SubprocessError) as error:
                return [f"a fix does not run: {error}"]
        self.scene.forget()
        real = self.try_(question)
        return (
            []
            if real == "connected"
            else [f"after {said} a client sees {real}, causes {[c.code for c in answer.causes]}"]
        )
