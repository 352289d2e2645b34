"""A fleet on a Dask cluster: the rows are the same as by one worker, also where a worker dies on the way."""

import gzip
import signal
import subprocess
import threading
from pathlib import Path

from engine.fleet.asking import reach
from engine.fleet.place import Place
from engine.fleet.work import answer
from engine.fleet.zones import zones_of
from engine.programs import environment, python
from tests.fleet.renumbered import renumbered
from tests.harness.dask_cluster import cluster

RECORDED = sorted((Path(__file__).parents[1] / "hosts" / "docker26").glob("*.json.gz"))[::20]
ZONES = zones_of("internet,lan,office=10.8.0.0/16")
HOSTS = 24


def fleet(folder: Path) -> Place:
    place = Place(str(folder), make=True)
    (folder / "hosts").mkdir()
    for number in range(HOSTS):
        text = gzip.decompress(RECORDED[number % len(RECORDED)].read_bytes()).decode()
        data = gzip.compress(renumbered(text, str(number)).encode(), 1, mtime=0)
        (folder / "hosts" / f"host{number}.json.gz").write_bytes(data)
    return place


def test_a_worker_that_is_killed_loses_nothing(tmp_path):
    alone, place = fleet(tmp_path / "alone"), fleet(tmp_path / "cluster")
    whole = answer(alone.where, ZONES, 1)
    assert (whole.answered, whole.failed) == (HOSTS, ())
    with cluster(2) as made:
        killed = threading.Event()

        def progress(*_: object) -> None:
            """Kills a worker when the first files of rows are there."""
            if not killed.is_set() and len(place.buckets()) > 2:
                made.workers[0].kill()
                killed.set()

        done = answer(place.where, ZONES, 1, made.scheduler, progress)
        assert killed.is_set()
        assert made.workers[0].wait(10) == -signal.SIGKILL
    assert (done.failed, done.answered + done.kept) == ((), HOSTS)
    with reach(alone.where) as one, reach(place.where) as other:
        asked = "select * from reach order by all"
        rows = list(other.ask(asked).rows)
        assert rows == list(one.ask(asked).rows)
    assert len(rows) >= HOSTS * 3


def test_the_files_of_rows_are_the_same_from_any_worker(tmp_path):
    alone, place = fleet(tmp_path / "alone"), fleet(tmp_path / "several")
    answer(alone.where, ZONES, 1)
    words = (
        "-m",
        "workbench.start",
        "fleet",
        "answer",
        place.where,
        "--workers",
        "2",
        "--from",
        ",".join(map(str, ZONES)),
    )
    done = subprocess.run(python(*words), env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"answered {HOSTS} hosts, ")
    assert [Path(each).name for each in alone.buckets()] == [Path(each).name for each in place.buckets()]
    for one, other in zip(alone.buckets(), place.buckets(), strict=True):
        assert Path(one).read_bytes() == Path(other).read_bytes()
