"""Seconds that the engine needs for one answer in a fresh process, imports aside.

python -m bench.engine_time TARGET SOURCE
"""

from __future__ import annotations

import sys
import time

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.packet import Protocol
from engine.observe.snapshot import take


def main(target: str, source: str) -> None:
    start = time.perf_counter()
    snapshot = take()
    ask(snapshot, resolve(snapshot, target, source, Protocol.TCP))
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
