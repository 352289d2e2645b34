"""A worker: a process with mounts, processes and a network of its own, which builds scenarios and asks their questions.

    unshare --mount --pid --fork --kill-child --mount-proc --net python -m tests.fidelity.fuzz.worker

It reads pickled scenarios from stdin and writes a pickled `Answer` for each to stdout, until stdin ends. Its parent
uses `Worker`.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace
from typing import IO, Any

from tests.fidelity.fuzz.judge import Answer, Judge
from tests.fidelity.fuzz.stage import Refused, Stage
from tests.harness.netns import NETNS_FOLDER
from tests.scenarios.scenario import Scenario

APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--net")
#: Namespaces and iptables' lock are of this worker alone, too.
PRIVATE = f"mount -t tmpfs none {NETNS_FOLDER} && mount -t tmpfs none /mnt && export XTABLES_LOCKFILE=/mnt/xtables.lock"
SETUP = f'{PRIVATE} && ip link set lo up && exec "$@"'


class Worker:
    """The parent's end. Ends the process when closed."""

    def __init__(self) -> None:
        module = [sys.executable, "-m", "tests.fidelity.fuzz.worker"]
        argv = ["nice", *APART, "sh", "-c", SETUP, "sh", *module]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, scenario: Scenario) -> Answer:
        """Has a scenario built and its questions asked."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        pickle.dump(scenario, self.process.stdin)
        self.process.stdin.flush()
        answer: Answer = pickle.load(self.process.stdout)
        return answer

    def close(self) -> None:
        """Ends the worker; what it built goes with it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def answer(scenario: Scenario) -> Answer:
    """Builds a scenario and asks all its questions; one that disagrees is asked again in a new host of its own."""
    try:
        stage = Stage(scenario)
    except Refused as error:
        return Answer(refused=str(error))
    try:
        judge = Judge(stage)
        found = [judge.ask(question) for question in scenario.questions]
    finally:
        stage.close()
    return Answer(tuple(found))


def serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Answers until the source ends."""
    while True:
        try:
            scenario: Any = pickle.load(source)
        except EOFError:
            return
        pickle.dump(answer(scenario), sink)
        sink.flush()


def alone(scenario: Scenario, number: int) -> Scenario:
    """The scenario with one of its questions only."""
    return replace(scenario, questions=(scenario.questions[number],))


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
