"""Has the fixes for many random hosts carried out, prints what does not do what it says, and a report at the end."""

from __future__ import annotations

import argparse
import secrets
import sys
import threading
from collections import Counter
from collections.abc import Iterator

from tests.fidelity.fuzz.generate import scenario
from tests.fidelity.fuzz.mending import Case
from tests.fidelity.fuzz.worker import Worker


def outcomes(seed: int, hosts: int, jobs: int) -> Iterator[Case]:
    """The cases of so many hosts, by `jobs` workers."""
    numbers, found, lock = iter(range(hosts)), list[Case](), threading.Lock()
    failures: list[BaseException] = []

    def work() -> None:
        worker = Worker[tuple[Case, ...]]("fixes")
        try:
            while not failures:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                answered = worker.ask(scenario(seed, number))
                with lock:
                    found.extend(answered)
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
    yield from found


def main() -> int:
    """Exit code 1 when a fix does not do what it promises."""
    options = argparse.ArgumentParser(prog="python -m tests.fidelity.fuzz.promises", description=__doc__)
    options.add_argument("--hosts", type=int, default=40, metavar="N", help="hosts to build (default: 40)")
    options.add_argument("--seed", type=int, default=None, metavar="S", help="default: a new one, which is printed")
    options.add_argument("--jobs", type=int, default=2, metavar="J", help="workers (default: 2)")
    given = options.parse_args()
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    found = list(outcomes(seed, given.hosts, given.jobs))
    wrong = [case for case in found if case.wrong]
    for case in wrong:
        print(f"{case.asked}\n    {case.wrong}")
    print(f"{len(found)} questions that failed, {len(wrong)} wrong")
    for came, count in Counter(case.came for case in found).most_common():
        print(f"  {count:5} {came}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
