"""The store: what is kept, for how long, by whom, and what is said of a file that is none."""

from __future__ import annotations

import json
import os
import resource
import secrets
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from engine import programs
from engine.change.actor import Actor
from engine.change.differences import Difference, How, changes
from engine.recorder import schema
from engine.recorder.errors import StoreBusy, StoreDamaged, StoreError
from engine.recorder.history import History
from engine.recorder.keeping import Keep, Keeper, set_aside
from engine.records import replace
from tests.recorder.days import BEGIN, KEEP, day, recorded, state, timed
from tests.recorder.test_pieces import plain

CHANGED = (Difference(How.ADDED, "rule", "-j DROP of filter/DOCKER-USER", "host", by=Actor("iptables", 4711, "sshd")),)


def test_every_moment_is_there_with_its_time_and_changes(tmp_path: Path) -> None:
    states = list(day(secrets.randbelow(1 << 30), 40))
    recorded(tmp_path, states)
    with History(tmp_path) as history:
        assert [each.at for each in history.moments] == [BEGIN + timedelta(minutes=minute) for minute in range(40)]
        for moment, before, snapshot in zip(history.moments, [states[0], *states], states, strict=False):
            assert plain(history.state(moment)) == plain(snapshot)
            assert history.state(moment).taken_at == snapshot.taken_at
            assert history.changes(moment) == changes(before, snapshot)


def test_who_made_a_change_is_kept(tmp_path: Path) -> None:
    with Keeper(tmp_path, KEEP) as keeper:
        keeper.add(timed(state(0), 0), CHANGED)
    with History(tmp_path) as history:
        assert [each.by for each in history.changes(history.moments[0])] == [CHANGED[0].by]


def test_the_state_at_a_time_is_the_last_one_before_it(tmp_path: Path) -> None:
    recorded(tmp_path, list(day(1, 5)))
    with History(tmp_path) as history:
        found = history.at(BEGIN + timedelta(minutes=2, seconds=59))
        assert found == history.moments[2]
        assert history.at(BEGIN - timedelta(seconds=1)) is None
        assert history.at(BEGIN + timedelta(days=9)) == history.moments[-1]


def test_moments_keep_their_order_where_the_clock_was_set_back(tmp_path: Path) -> None:
    states = [timed(state(0), 0), timed(state(1), 50), timed(state(2), -10), timed(state(3), 20)]
    recorded(tmp_path, states)
    with History(tmp_path) as history:
        assert [plain(history.state(each)) for each in history.moments] == [plain(each) for each in states]
        assert history.at(BEGIN + timedelta(minutes=5)) == history.moments[2]


def test_nobody_recorded_between_two_runs(tmp_path: Path) -> None:
    recorded(tmp_path, [timed(state(0), 0), timed(state(1), 1)])
    with Keeper(tmp_path, KEEP) as keeper:
        keeper.add(timed(state(2), 60))
        keeper.seen((BEGIN + timedelta(minutes=70)).isoformat())
    with History(tmp_path) as history:
        first, last = history.moments[1], history.moments[2]
        assert history.unseen(first, BEGIN + timedelta(seconds=30)) is None
        found = history.unseen(first, BEGIN + timedelta(minutes=30))
        assert found == (BEGIN + timedelta(minutes=1), BEGIN + timedelta(minutes=60))
        assert history.unseen(last, BEGIN + timedelta(minutes=65)) is None
        assert history.unseen(last, BEGIN + timedelta(minutes=80)) == (BEGIN + timedelta(minutes=70), None)


def test_what_is_too_old_goes_with_what_only_it_needs(tmp_path: Path) -> None:
    states = list(day(4, 60))
    recorded(tmp_path, states)
    before = pieces(tmp_path)
    with Keeper(tmp_path, Keep(timedelta(minutes=10), 500 << 20)) as keeper:
        assert keeper.tidy(BEGIN + timedelta(minutes=60)) == 50
        number = keeper.add(timed(state(5), 61))
    assert pieces(tmp_path) < before
    with History(tmp_path) as history:
        assert len(history.moments) == 11
        assert history.moments[-1].number == number
        for moment, snapshot in zip(history.moments, states[50:], strict=False):
            assert plain(history.state(moment)) == plain(snapshot)


def test_a_store_that_is_too_large_loses_its_oldest_moments(tmp_path: Path) -> None:
    recorded(tmp_path, list(day(6, 100)))
    with Keeper(tmp_path, Keep(timedelta(days=14), 60_000)) as keeper:
        assert keeper.tidy(BEGIN + timedelta(minutes=100)) > 10
    with History(tmp_path) as history:
        assert history.moments
        assert history.state(history.moments[-1])


def pieces(folder: Path) -> int:
    with sqlite3.connect(folder / schema.FILE) as database:
        return int(database.execute("SELECT count(*) FROM piece").fetchone()[0])


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "store"
    with Keeper(folder, KEEP) as keeper:
        keeper.add(timed(state(0), 0))
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}, modes


def test_a_folder_that_others_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(StoreError, match="can be written by others"):
        Keeper(tmp_path, KEEP)


def test_there_is_one_writer_and_any_number_of_readers(tmp_path: Path) -> None:
    with Keeper(tmp_path, KEEP) as keeper:
        keeper.add(timed(state(0), 0))
        with History(tmp_path) as one, History(tmp_path) as other:
            keeper.add(timed(state(1), 1))
            assert one.state(one.moments[0]) == other.state(other.moments[0])
        with pytest.raises(StoreBusy, match=f"another recorder \\(pid {os.getpid()}\\)"):
            Keeper(tmp_path, KEEP)
    with Keeper(tmp_path, KEEP) as keeper:
        keeper.add(timed(state(2), 2))


def read_all(folder: Path) -> None:
    with History(folder) as history:
        for moment in history.moments:
            history.state(moment)


def fill(keeper: Keeper) -> None:
    for number in range(1, 2000):
        keeper.add(timed(replace(state(3), kernel=secrets.token_hex(500)), 10 + number))


def test_a_reader_keeps_what_it_opened_while_old_moments_go(tmp_path: Path) -> None:
    states = list(day(12, 30))
    recorded(tmp_path, states)
    with History(tmp_path) as history, Keeper(tmp_path, Keep(timedelta(minutes=1), 500 << 20)) as keeper:
        assert keeper.tidy(BEGIN + timedelta(minutes=60)) == 29
        for moment, snapshot in zip(history.moments, states, strict=True):
            assert plain(history.state(moment)) == plain(snapshot)
    with History(tmp_path) as history:
        assert len(history.moments) == 1


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 3)


def overwritten(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for at in range(4096, len(data), 4096):
        data[at : at + 64] = os.urandom(64)
    path.write_bytes(data)


def text(path: Path) -> None:
    path.write_text("this is no database, but it is long enough to be looked at\n" * 100)


def of_somebody_else(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE note (text)")


@pytest.mark.parametrize("harm", [truncated, overwritten, text, of_somebody_else])
def test_a_damaged_store_is_told_in_a_line_and_moved_aside(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    recorded(tmp_path, list(day(7, 60)))
    path = tmp_path / schema.FILE
    harm(path)
    with pytest.raises(StoreDamaged) as found:
        Keeper(tmp_path, KEEP)
    assert "\n" not in str(found.value)
    assert str(path) in str(found.value)
    with pytest.raises(StoreError) as read:
        read_all(tmp_path)
    assert "\n" not in str(read.value)
    assert set_aside(tmp_path, lambda: "now").exists()
    with Keeper(tmp_path, KEEP) as keeper:
        assert keeper.add(timed(state(0), 0)) == 1


def test_a_store_of_a_newer_version_stays_as_it_is(tmp_path: Path) -> None:
    recorded(tmp_path, list(day(7, 3)))
    with sqlite3.connect(tmp_path / schema.FILE) as database:
        database.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    for opening in (lambda: Keeper(tmp_path, KEEP), lambda: History(tmp_path)):
        with pytest.raises(StoreError, match="update it") as found:
            opening()
        assert not isinstance(found.value, StoreDamaged)


@pytest.mark.parametrize("made", [False, True], ids=["no folder", "nothing in it"])
def test_no_store_yet(tmp_path: Path, made: bool) -> None:
    if made:
        Keeper(tmp_path, KEEP).__exit__()
    with pytest.raises(StoreError, match="portscope record"):
        History(tmp_path / ("" if made else "none"))


def test_a_packed_text_is_not_unpacked_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "LONGEST", 1000)
    with pytest.raises(StoreDamaged, match="too long"):
        schema.unpacked(schema.packed("x" * 2000))


def test_a_full_disk_takes_nothing_away_and_ends(tmp_path: Path) -> None:
    """The kernel lets the process's files grow no further, as a full disk would (setrlimit(2), RLIMIT_FSIZE)."""
    recorded(tmp_path, list(day(8, 5)))
    with Keeper(tmp_path, KEEP) as keeper:
        keeper.add(timed(state(1), 10))
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        size = max(each.stat().st_size for each in tmp_path.iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            with pytest.raises(StoreError) as found:
                fill(keeper)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, before)
        assert "\n" not in str(found.value)
        last = keeper.add(timed(state(7), 5000))
    with History(tmp_path) as history:
        assert history.moments[-1].number == last
        assert plain(history.state(history.moments[-1])) == plain(replace(state(7), hostname="shop"))
        assert all(history.state(each) for each in history.moments)


WRITER = """
import sys
from pathlib import Path
from tests.recorder.days import KEEP, day
from engine.recorder.keeping import Keeper
with Keeper(Path(sys.argv[1]), KEEP) as keeper:
    for snapshot in day(int(sys.argv[2]), 400):
        keeper.add(snapshot)
        print(snapshot.taken_at, flush=True)
"""


def test_a_writer_that_is_killed_leaves_all_that_it_had_written(tmp_path: Path) -> None:
    """At a random moment of its work, a few times on one store: what it said is written is there, and is sound."""
    dice = secrets.SystemRandom()
    said: list[str] = []
    for _ in range(4):
        seed = str(secrets.randbelow(1 << 30))
        argv = programs.python("-c", WRITER, str(tmp_path), seed)
        environment = programs.environment(PYTHONPATH=os.pathsep.join(["", *sys.path, os.getcwd()]))
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment) as writer:
            assert writer.stdout is not None
            said.append(writer.stdout.readline().strip())
            time.sleep(dice.random() * 0.5)
            writer.send_signal(signal.SIGKILL)
            said += writer.stdout.read().split()
    copied = tmp_path / "copy"
    copied.mkdir(0o700)
    for each in tmp_path.glob("store.db*"):
        shutil.copy(each, copied)
    for folder in (copied, tmp_path):
        with History(folder) as history:
            there = [each.at.isoformat(timespec="milliseconds") for each in history.moments]
            assert len(said) <= len(there) <= len(said) + 4
            assert all(history.state(each) for each in history.moments)
            assert json.dumps(said) != json.dumps([])
    with Keeper(tmp_path, KEEP) as keeper:
        assert keeper.add(timed(state(0), 9999)) == len(there) + 1
