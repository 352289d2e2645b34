"""A Dask scheduler and its workers, each a process of its own on the loopback address, as a cluster has them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
#: Seconds until a scheduler is there.
PATIENCE = 60.0


@dataclass(frozen=True)
class Cluster:
    """Its scheduler's address, and the processes of its workers, which nothing starts again."""

    scheduler: str
    workers: Sequence[subprocess.Popen[bytes]]


@contextmanager
def cluster(workers: int) -> Iterator[Cluster]:
    """A cluster with so many workers, which ends with the context."""
    with tempfile.TemporaryDirectory(prefix="portscope-dask-") as folder, ExitStack() as stack:
        file = Path(folder) / "scheduler.json"
        plain = ("--no-dashboard", "--host", "127.0.0.1", "--scheduler-file", str(file))
        _started(stack, folder, "scheduler", "--port", "0", *plain)
        until = time.monotonic() + PATIENCE
        while not file.exists():
            assert time.monotonic() < until, "the scheduler does not start"
            time.sleep(0.1)
        one = ("worker", "--no-nanny", "--nthreads", "1", "--memory-limit", "0", *plain)
        processes = [_started(stack, folder, *one) for _ in range(workers)]
        yield Cluster(json.loads(file.read_text())["address"], processes)


def _started(stack: ExitStack, folder: str, *words: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "DASK_TEMPORARY_DIRECTORY": folder}
    argv = (sys.executable, "-m", "dask", *words)
    process = subprocess.Popen(argv, env=environment, cwd=folder, stderr=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process
