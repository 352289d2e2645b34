"""Has the fixes for many random hosts carried out, prints what does not do what it says, and a report at the end."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections import Counter

from tests.fidelity.fuzz.generate import scenario
from tests.fidelity.fuzz.mending import Case
from tests.fidelity.fuzz.worker import Worker, share


def outcomes(seed: int, hosts: int, jobs: int) -> list[Case]:
    """The cases of so many hosts, by `jobs` workers."""
    found: list[Case] = []

    def ask(worker: Worker[tuple[Case, ...]], number: int) -> None:
        found.extend(worker.ask(scenario(seed, number)))

    share("fixes", jobs, iter(range(hosts)), ask)
    return found


def main() -> int:
    """Exit code 1 when a fix does not do what it promises."""
    options = argparse.ArgumentParser(prog="python -m tests.fidelity.fuzz.promises", description=__doc__)
    options.add_argument("--hosts", type=int, default=40, metavar="N", help="hosts to build (default: 40)")
    options.add_argument("--seed", type=int, default=None, metavar="S", help="default: a new one, which is printed")
    options.add_argument("--jobs", type=int, default=2, metavar="J", help="workers (default: 2)")
    given = options.parse_args()
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    found = outcomes(seed, given.hosts, given.jobs)
    wrong = [case for case in found if case.wrong]
    for case in wrong:
        print(f"{case.asked}\n    {case.wrong}")
    print(f"{len(found)} questions that failed, {len(wrong)} wrong")
    for came, count in Counter(case.came for case in found).most_common():
        print(f"  {count:5} {came}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
