"""A fleet's folder: what is answered again and what is kept, and what cannot be answered."""

import hashlib
import shutil
from functools import partial
from pathlib import Path

import pytest

from engine.fleet.asking import reach
from engine.fleet.buckets import alone, answer_bucket
from engine.fleet.errors import FleetError
from engine.fleet.place import BUCKETS, Place, bucket_of
from engine.fleet.work import answer
from engine.fleet.zones import zones_of
from engine.observe.recording.snapshot_file import LARGEST, open_file
from tests.hosts.stock import docker_host

ZONES = zones_of("internet,lan")
HOSTS = {"shop": open_file(Path(__file__).parents[1] / "hosts" / "shop.json.gz"), "a b/ü": docker_host()}


def fleet(folder: Path) -> Place:
    place = Place(str(folder), make=True)
    for name, snapshot in HOSTS.items():
        place.add(name, snapshot)
    return place


def ask(place: Place, host: str, zones=ZONES, answering=alone):
    return answer_bucket(place, bucket_of(host), [host], zones, answering)


def all_rows(folder: Path) -> list[tuple]:
    with reach(str(folder)) as rows:
        return list(rows.ask("select * from reach order by all").rows)


def digests(folder: Path) -> dict[str, str]:
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in (folder / "reach").iterdir()}


def test_only_what_changed_is_answered_again(tmp_path):
    place = fleet(tmp_path)
    assert place.hosts() == ["a b/ü", "shop"]
    first = ask(place, "shop")
    assert (first.answered, first.kept, first.failed) == (1, 0, ())
    assert first.cells == 8
    assert ask(place, "shop") == (0, 0, 1, ())
    place.add("shop", docker_host())
    assert ask(place, "shop").answered == 1
    assert ask(place, "shop", zones_of("lan")).answered == 1, "rows are of the zones that are asked for"
    assert {row[8] for row in all_rows(tmp_path)} == {"lan"}


def test_a_host_that_is_gone_has_no_rows(tmp_path):
    place = fleet(tmp_path)
    ask(place, "shop")
    assert answer_bucket(place, bucket_of("shop"), [], ZONES, alone) == (0, 0, 0, ())
    assert place.buckets() == []
    assert all_rows(tmp_path) == []


def test_a_host_that_cannot_be_answered_is_a_row_with_the_reason(tmp_path):
    place = fleet(tmp_path)
    file = tmp_path / "hosts" / "shop.json.gz"
    file.write_bytes(file.read_bytes()[:2000])
    done = ask(place, "shop")
    assert [(host, "cannot be unpacked" in reason) for host, reason in done.failed] == [("shop", True)]
    (row,) = all_rows(tmp_path)
    assert row[0] == "shop"
    assert "cannot be unpacked" in row[-1]


def test_workers_write_the_bytes_that_one_process_writes(tmp_path):
    for folder in (tmp_path / "one", tmp_path / "other"):
        fleet(folder)
    for host in HOSTS:
        ask(Place(str(tmp_path / "one")), host)
    seen = []
    done = answer(str(tmp_path / "other"), ZONES, 1, progress=lambda *each: seen.append(each))
    assert (done.answered, done.failed) == (2, ())
    assert [each[:2] for each in seen] == [(number, BUCKETS) for number in range(1, BUCKETS + 1)]
    assert digests(tmp_path / "one") == digests(tmp_path / "other")
    assert all_rows(tmp_path / "other") == all_rows(tmp_path / "one")


def test_a_half_written_file_of_rows_is_written_again(tmp_path):
    place = fleet(tmp_path)
    ask(place, "shop")
    before = digests(tmp_path)
    (file,) = (tmp_path / "reach").iterdir()
    file.write_bytes(file.read_bytes()[:500])
    assert ask(place, "shop").answered == 1
    assert digests(tmp_path) == before


def test_rows_that_cannot_be_written_are_one_line(tmp_path):
    place = fleet(tmp_path)
    (tmp_path / "reach").write_text("a file where the folder belongs")
    with pytest.raises(FleetError, match="cannot be written"):
        answer(str(tmp_path), ZONES, 1)
    assert place.hosts() == ["a b/ü", "shop"]


def test_a_folder_with_other_files_becomes_no_fleet(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(FleetError, match="has other files in it"):
        Place(str(tmp_path), make=True)
    assert [each.name for each in tmp_path.iterdir()] == ["letter.txt"]
    with pytest.raises(FleetError, match="is no fleet"):
        Place(str(tmp_path / "none"))
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "fleet.json").write_text('{"schema": "portscope.fleet/9"}')
    with pytest.raises(FleetError, match="of another version"):
        Place(str(tmp_path / "later"))


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("selec 1", "syntax error"),
        ("select * from nothing", "nothing does not exist"),
        ("select * from read_csv('/etc/passwd')", "disabled"),
        ("copy reach to '/tmp/x.csv'", "only SELECT"),
        ("create table x as select 1", "only SELECT"),
        ("attach '/tmp/x.db'", "only SELECT"),
        ("set enable_external_access = true", "only SELECT"),
        ("install httpfs", "only SELECT"),
        ("select 1; select 2", "one statement at a time: these are 2"),
        ("", "these are 0"),
        ("select 'x'::int from reach", "Could not convert"),
    ],
)
def test_sql_reads_rows_and_nothing_else(tmp_path, sql, said):
    place = fleet(tmp_path)
    ask(place, "shop")
    with reach(str(tmp_path)) as rows, pytest.raises(FleetError, match=said) as raised:
        list(rows.ask(sql).rows)
    assert "\n" not in str(raised.value)


def test_what_python_names_is_no_table(tmp_path):
    secret = partial(shutil.rmtree)
    ask(fleet(tmp_path), "shop")
    with reach(str(tmp_path)) as rows, pytest.raises(FleetError, match="secret"):
        list(rows.ask("select * from secret").rows)
    assert secret


def test_a_snapshot_that_is_too_large_is_not_read(tmp_path):
    place = fleet(tmp_path / "fleet")
    with (tmp_path / "fleet" / "hosts" / "large.json.gz").open("wb") as stream:
        stream.truncate(LARGEST + 1)
    with pytest.raises(FleetError, match="its snapshot is larger than 256 MiB"):
        place.packed("large")


def test_a_folder_that_cannot_be_read_is_one_line(tmp_path):
    (tmp_path / "fleet").write_text("a file")
    with pytest.raises(FleetError, match="fleet") as error:
        Place(str(tmp_path / "fleet"))
    assert len(str(error.value).splitlines()) == 1
    with pytest.raises(FleetError, match="cannot be"):
        Place("/proc/1/nothing/fleet", make=True)
