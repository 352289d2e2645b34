"""Seconds (wall, processor) that the engine needs for one answer in a fresh process, imports aside.

python -m bench.engine_time TARGET SOURCE
"""

from __future__ import annotations

import os
import sys
import time

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.packet import Protocol
from engine.observe.look.snapshot import take


def cpu() -> float:
    """Processor seconds of this process and of the children that it waited for."""
    spent = os.times()
    return sum(spent[:4])


def main(target: str, source: str) -> None:
    start, start_cpu = time.perf_counter(), cpu()
    snapshot = take()
    ask(snapshot, resolve(snapshot, target, source, Protocol.TCP))
    print(time.perf_counter() - start, cpu() - start_cpu)


if __name__ == "__main__":
    main(*sys.argv[1:])
