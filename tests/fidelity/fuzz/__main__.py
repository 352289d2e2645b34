"""The fuzzer's command line: runs cases, prints disagreements as they are found, and a report at the end."""

from __future__ import annotations

import argparse
import math
import secrets
import sys
import time

from tests.fidelity.fuzz.crew import Desk, places, run
from tests.harness.second_kernel import missing


def main() -> int:
    """Exit code 1 when model and kernel disagree about anything."""
    options = argparse.ArgumentParser(prog="python -m tests.fidelity.fuzz", description=__doc__)
    options.add_argument("--cases", type=int, default=300, metavar="N", help="questions to ask (default: 300)")
    options.add_argument("--seed", type=int, default=None, metavar="S", help="default: a new one, which is printed")
    options.add_argument("--jobs", type=int, default=2, metavar="J", help="workers (default: 2)")
    options.add_argument("--tries", type=int, default=math.inf, metavar="T", help="tries to make a disagreement small")
    options.add_argument("--kernel", choices=("", "uml"), default="", help="uml: a second kernel, User Mode Linux")
    options.add_argument("--several", action="store_true", help="each namespace is a host of its own, joined again")
    asked = options.parse_args()
    if asked.kernel and (reason := missing()):
        print(f"no second kernel: {reason}", file=sys.stderr)
        return 2
    seed = secrets.randbelow(1_000_000) if asked.seed is None else asked.seed
    print(f"seed {seed}", flush=True)
    start = time.monotonic()
    asking = places(seed, asked.cases)
    desk = Desk(lambda text: print(f"\n{text}", flush=True), asked.tries)
    report = run(asking, asked.jobs, desk, asked.kernel, several=asked.several)
    seconds = time.monotonic() - start
    print("\n".join(report.lines()))
    print(f"{seconds:.0f} s, {report.cases / seconds:.1f} cases a second")
    return 1 if any(each.steady for each in report.disagreements) else 0


if __name__ == "__main__":
    sys.exit(main())
