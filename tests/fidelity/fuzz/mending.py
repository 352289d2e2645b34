"""What a fix promises against what it does, on a host made up by chance.

Each question that fails on the model is explained. The host is built anew, the first fix of every cause is carried out
in turn (its commands run as they are given; what the owner of a program has to do is done to its sockets), and a client
tries again: it has to see what the last fix says. A fix that does not run, an answer without a cause and an error of
portscope are as wrong as one that does not help. `Case` has what came of a question.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace

from engine.change.listener import Listen
from engine.explain.ask import ask
from engine.explain.question import resolve
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.trace import Symptom
from engine.model.verdict import Fix, Question, Reach, Verdict
from engine.model.where import seen
from tests.fidelity.fuzz.generate import alone
from tests.fidelity.fuzz.sockets import inside
from tests.fidelity.fuzz.stage import Refused, Stage
from tests.harness.netns import CommandFailed, run
from tests.scenarios.scenario import Question as Asked
from tests.scenarios.scenario import Scenario

#: Seconds after which a client that hears nothing has a timeout.
PATIENCE = 1.6


@dataclass(frozen=True)
class Case:
    """A question that failed: what came of its fixes in a word, and of what is wrong a line."""

    asked: str
    came: str
    wrong: str = ""


def cases(made: Scenario) -> tuple[Case, ...]:
    """The questions of a scenario that fail, each mended on a host of its own."""
    try:
        failing = _failing(made)
        return tuple(_mended(alone(made, number)) for number in failing)
    except Refused:
        return ()


def _failing(made: Scenario) -> list[int]:
    stage = Stage(made)
    try:
        snapshot = stage.look()
        asked = [_question(snapshot, each) for each in made.questions]
        return [number for number, each in enumerate(asked) if _fails(snapshot, each)]
    finally:
        stage.close()


def _fails(snapshot: Snapshot, question: Question) -> bool:
    """A question that portscope itself fails at is one to be told of."""
    try:
        return ask(snapshot, question).reach is Reach.NO
    except Exception:
        return True


def _question(snapshot: Snapshot, asked: Asked) -> Question:
    found = resolve(snapshot, asked.target, f"ns:{asked.source}", Protocol(asked.protocol))
    return replace(found, source=replace(found.source, port=asked.port or None))


def _mended(made: Scenario) -> Case:
    (asked,) = made.questions
    stage, name = Stage(made), f"{made.name}: {asked}"
    try:
        snapshot = stage.look()
        question = _question(snapshot, asked)
        try:
            answer = ask(snapshot, question)
        except Exception as error:
            return Case(name, "error", f"{type(error).__name__}: {error}")
        if not answer.causes:
            return Case(name, "no cause", f"{answer.symptom} without a cause")
        open_causes = [cause for cause in answer.causes if not cause.settled]
        fixes = [cause.change for cause in open_causes if cause.change is not None]
        if len(fixes) < len(open_causes):
            return Case(name, f"no fix for {next(cause.code for cause in open_causes if cause.change is None)}")
        try:
            for fix in fixes:
                _carry_out(stage, snapshot, fix)
        except (CommandFailed, subprocess.SubprocessError, OSError) as error:
            return Case(name, "does not run", f"{_told(answer, fixes)}: {error}")
        address = f"{question.address}%{question.zone}" if question.zone else str(question.address)
        stage.settle()
        seen = stage.sockets.ask(asked, (address, question.port), PATIENCE).symptom
        then = fixes[-1].then
        wrong = "" if seen == then else f"{_told(answer, fixes)}: then {then}, and a client sees {seen}"
        return Case(name, "connects" if seen == Symptom.CONNECTED else f"then {seen}", wrong)
    finally:
        stage.close()


def _carry_out(stage: Stage, snapshot: Snapshot, fix: Fix) -> None:
    with inside(stage.scenario.host):
        if fix.commands:
            for argv in fix.commands:
                run(list(argv))
            return
        for change in fix.plan.changes:
            if isinstance(change, Listen):
                stage.sockets.listen_instead(change.netns, change.listener, change.instead_of)
            else:
                for argv in change.argv(seen(snapshot)):
                    run(list(argv))


def _told(answer: Verdict, fixes: list[Fix]) -> str:
    codes = ", ".join(cause.code for cause in answer.causes)
    done = "; ".join(" ".join(argv) for fix in fixes for argv in fix.commands or ((fix.title,),))
    return f"{answer.symptom} by {codes}; {done}"
