"""Runs mutations of one kind: `python -m tests.mutations snapshots|compose [--cases N] [--seed S]`.

Prints each kind of defect once, with the seed that shows it; the exit code is 1 where there was one.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator

from tests.mutations import compose, snapshots

#: Seconds of processor time that any answer may take.
LONGEST = 10.0


def of_snapshots() -> Callable[[int], Iterator[str]]:
    known = snapshots.recordings()
    return lambda seed: snapshots.defects(*snapshots.case(seed, known))


def of_compose() -> Callable[[int], Iterator[str]]:
    known = compose.documents()
    return lambda seed: compose.defects(compose.case(seed, known))


KINDS = {"snapshots": of_snapshots, "compose": of_compose}


def tried(check: Callable[[int], Iterator[str]], seed: int) -> list[str]:
    """The defects of one mutation; what it raises is one, and what takes too long."""
    begin = time.process_time()
    try:
        found = list(check(seed))
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        found = [f"{type(error).__name__} at {last.filename}:{last.lineno}: {str(error)[:100]}"]
    spent = time.process_time() - begin
    return [*found, f"took {spent:.0f} s"] if spent > LONGEST else found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 30))
    wanted = parser.parse_args()
    check, seen = KINDS[wanted.kind](), Counter[str]()
    for seed in range(wanted.seed, wanted.seed + wanted.cases):
        for defect in tried(check, seed):
            if not seen[defect[:80]]:
                print(f"seed {seed}: {defect}", flush=True)
            seen[defect[:80]] += 1
    print(f"{wanted.cases} {wanted.kind} from seed {wanted.seed}: {seen.total()} defects of {len(seen)} kinds")
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main())
