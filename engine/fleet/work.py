"""All buckets of a fleet, by Dask distributed: worker processes of this machine, or a cluster's.

A bucket is a task. It reads and writes files alone, so a worker that dies loses only the bucket that it was at, which
another one answers; a run that was ended goes on with the buckets that are not up to date.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any

from engine.fleet.buckets import Done, answer_bucket, digested
from engine.fleet.errors import FleetError, FleetMissing
from engine.fleet.place import BUCKETS, Place, bucket_of
from engine.fleet.sharing import Sharing
from engine.fleet.zones import ClientZone

#: Seconds to wait for a scheduler.
PATIENCE = 10
#: Pages of the scheduler and of workers, of which none is served, but at an address.
PAGE = "127.0.0.1:0"
QUIET: dict[str, object] = {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}
#: A bucket is given up when so many workers died over it.
RETRIES = 3

#: Called with what is done: buckets, of how many, and what the last one took.
Progress = Callable[[int, int, Done], object]


def answer(
    where: str, zones: Sequence[ClientZone], workers: int, scheduler: str = "", progress: Progress = lambda *_: None
) -> Done:
    """Brings all rows of a fleet up to date, and sums up what that took. Raises FleetError."""
    place = Place(where)
    zones = [digested(place, zone) for zone in zones]
    sorted_in: dict[int, list[str]] = {number: [] for number in range(BUCKETS)}
    for host in place.hosts():
        sorted_in[bucket_of(host)].append(host)
    dask = _dask()
    with _client(dask, workers, scheduler) as client:
        tasks = [
            client.submit(_bucket, where, number, hosts, tuple(zones), pure=False, retries=RETRIES)
            for number, hosts in sorted_in.items()
        ]
        whole = Done()
        try:
            for done, (_, part) in enumerate(dask.distributed.as_completed(tasks, with_results=True), 1):
                whole = Done(*(one + other for one, other in zip(whole, part, strict=True)))
                progress(done, len(tasks), part)
        except dask.distributed.KilledWorker:
            raise FleetError(f"{RETRIES + 1} workers died over the same hosts: give each more memory") from None
    return whole._replace(failed=tuple(sorted(whole.failed)))


def _bucket(where: str, number: int, hosts: Sequence[str], zones: Sequence[ClientZone]) -> Done:
    """The task of a worker."""
    return answer_bucket(Place(where), number, hosts, zones, _sharing().rows)


def _dask() -> Any:
    """The library. Raises FleetMissing."""
    try:
        import dask  # noqa: PLC0415
        import dask.distributed  # noqa: PLC0415
    except ImportError:
        raise FleetMissing("dask and distributed") from None
    return dask


@cache
def _sharing() -> Sharing:
    """What this worker has found, for all its buckets."""
    return Sharing()


@contextmanager
def _client(dask: Any, workers: int, scheduler: str) -> Iterator[Any]:
    """A client of a cluster: of one with so many workers on this machine, where none is named. Raises FleetError."""
    with (
        TemporaryDirectory(prefix="portscope-fleet-") as scratch,
        dask.config.set({**QUIET, "temporary-directory": scratch}),
        _joined(dask, scheduler) if scheduler else _alone(dask, workers) as client,
    ):
        yield client


def _joined(dask: Any, scheduler: str) -> Any:
    """A client of a cluster that runs already. Raises FleetError."""
    try:
        return dask.distributed.Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError, ImportError):
        raise FleetError(f"no Dask scheduler answers at {scheduler}: start one, or leave --scheduler out") from None


@contextmanager
def _alone(dask: Any, workers: int) -> Iterator[Any]:
    """A client of a cluster of this machine, which ends with it."""
    with _local(dask, workers) as local, dask.distributed.Client(local) as client:
        yield client


def _local(dask: Any, workers: int) -> Any:
    """A cluster of this machine. Who can talk to a worker of Dask can run a program as its user, so processes talk
    by TLS with keys that live as long as they do; one worker is a thread, which no other process can talk to."""
    alone = workers == 1
    return dask.distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=not alone,
        security=None if alone else dask.distributed.Security.temporary(),
        scheduler_kwargs={"dashboard": False, "dashboard_address": PAGE},
        dashboard_address=None,
        worker_dashboard_address=PAGE,
        memory_limit=0,
        silence_logs=logging.CRITICAL,
    )
