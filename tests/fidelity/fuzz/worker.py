"""A worker: a process with mounts, processes and a network of its own, which builds scenarios and asks their questions.

    unshare --mount --pid --fork --kill-child --mount-proc --net python -m tests.fidelity.fuzz.worker WHAT

It reads pickled scenarios from stdin and writes a pickled answer for each to stdout, until stdin ends. WHAT is
`questions` or `several` (an `Answer` for each), `fixes` (a tuple of `Case`), `twins` or, of a fleet, `fleets` (a
`Twinned`). Its parent uses `ProcessWorker`; a `GuestWorker` does the same under a second kernel.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Any, Generic, Protocol, TypeVar

from tests.fidelity.fleet_host import FleetHost
from tests.fidelity.fuzz.judge import Answer, Judge
from tests.fidelity.fuzz.mending import cases
from tests.fidelity.fuzz.stage import Refused, Stage
from tests.harness.netns import NETNS_FOLDER
from tests.harness.second_kernel import Guest
from tests.scenarios.scenario import Scenario

APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--net")
#: Namespaces and iptables' lock are of this worker alone, too.
PRIVATE = f"mount -t tmpfs none {NETNS_FOLDER} && mount -t tmpfs none /mnt && export XTABLES_LOCKFILE=/mnt/xtables.lock"
SETUP = f'{PRIVATE} && ip link set lo up && exec "$@"'


A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)
T = TypeVar("T")


class Worker(Protocol[A_co]):
    """The parent's end, which has answers of type A."""

    def ask(self, scenario: Scenario | FleetHost) -> A_co:
        """Has a scenario built and its questions asked."""
        ...

    def close(self) -> None:
        """Ends the worker; what it built goes with it."""
        ...


class GuestWorker(Generic[A]):
    """A worker under the second kernel."""

    def __init__(self, what: str) -> None:
        self._answer: Callable[[Any], Any] = ANSWERS[what]
        self._guest = Guest()

    def ask(self, scenario: Scenario | FleetHost) -> A:
        """Has a scenario built and its questions asked. Raises `GuestError`."""
        found: A = self._guest.call(self._answer, scenario)
        return found

    def close(self) -> None:
        """Ends the second kernel."""
        self._guest.close()


class ProcessWorker(Generic[A]):
    """A worker that is a process on this kernel."""

    def __init__(self, what: str) -> None:
        module = [sys.executable, "-m", "tests.fidelity.fuzz.worker", what]
        argv = ["nice", *APART, "sh", "-c", SETUP, "sh", *module]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, scenario: Scenario | FleetHost) -> A:
        """Has a scenario built and its questions asked."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        pickle.dump(scenario, self.process.stdin)
        self.process.stdin.flush()
        answer: A = pickle.load(self.process.stdout)
        return answer

    def close(self) -> None:
        """Ends the worker; what it built goes with it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def share(what: str, jobs: int, items: Iterator[T], each: Callable[[Worker[A], T], None], kernel: str = "") -> None:
    """Has `jobs` workers, each in a thread, take one item after the other. Raises what the first that failed raised."""
    lock, failures = threading.Lock(), list[BaseException]()

    def work() -> None:
        worker: Worker[A] = GuestWorker(what) if kernel else ProcessWorker(what)
        try:
            while not failures:
                with lock:
                    item = next(items, None)
                if item is None:
                    return
                each(worker, item)
        except BaseException as error:
            failures.append(error)
        finally:
            worker.close()

    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def answer(scenario: Scenario, *, several: bool = False) -> Answer:
    """Builds a scenario and asks all its questions; one that disagrees is asked again in a new host of its own."""
    try:
        stage = Stage(scenario)
    except Refused as error:
        return Answer(refused=str(error))
    try:
        judge = Judge(stage, several=several)
        found = [judge.ask(question) for question in scenario.questions]
    except Refused as error:
        return Answer(refused=str(error))
    finally:
        stage.close()
    return Answer(tuple(found))


def serve(source: IO[bytes], sink: IO[bytes], answer: Callable[[Any], object]) -> None:
    """Answers until the source ends."""
    while True:
        try:
            scenario: Any = pickle.load(source)
        except EOFError:
            return
        pickle.dump(answer(scenario), sink)
        sink.flush()


def _fleet(host: FleetHost) -> object:
    from tests.fidelity.fleets import tried  # noqa: PLC0415 - it shares workers of this module

    return tried(host)


def _twin(scenario: Scenario) -> object:
    from tests.fidelity.fuzz.twinning import twinned  # noqa: PLC0415 - it shares workers of this module

    return twinned(scenario)


ANSWERS: dict[str, Callable[[Any], object]] = {
    "questions": answer,
    "fixes": cases,
    "twins": _twin,
    "fleets": _fleet,
    "several": partial(answer, several=True),
}

if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer, ANSWERS[sys.argv[1]])
