"""Plays a day: `python -m tests.fidelity.days --changes 5000 [--seed N]`, as root. Exit code 1: something is wrong."""

from __future__ import annotations

import argparse
import secrets
import statistics
import tempfile
from pathlib import Path

from tests.fidelity.days.play import play


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fidelity.days", description=__doc__)
    parser.add_argument("--changes", type=int, default=500)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = secrets.randbelow(1 << 24) if arguments.seed is None else arguments.seed
    with tempfile.TemporaryDirectory() as folder:
        day = play(arguments.changes, seed, Path(folder) / "store")
    for line in (*day.wrong, *(f"late: {each}" for each in day.late)):
        print(line)
    delays = sorted(day.delays)
    print(
        f"seed {seed}: {len(day.steps)} changes, {day.expected} of them flip the answer; {day.connects} real connects; "
        f"{day.flips} flips told, {len(day.wrong)} wrong, {len(day.late)} late"
    )
    print(
        f"seen after {statistics.median(delays) * 1000:.0f} ms (median), {delays[-1]:.2f} s at most; "
        f"store {day.store / 1e6:.1f} MB"
    )
    return 1 if day.wrong or day.late else 0


if __name__ == "__main__":
    raise SystemExit(main())
