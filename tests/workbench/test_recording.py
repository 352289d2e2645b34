"""`when`, and `--at` of `why`, `diff` and `open`: what the recorder's store says of the past, and how it is refused."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.change.actor import Actor
from engine.change.differences import changes
from engine.model.host import Snapshot
from engine.observe.recording.snapshot_file import dumps
from engine.observe.watch.watch import Update
from engine.recorder.errors import StoreError
from engine.recorder.history import History
from engine.recorder.keeping import Keeper
from engine.recorder.spoken_time import time_of
from engine.records import replace
from tests.recorder.days import BEGIN, KEEP, recorded, state, timed
from workbench import world
from workbench.cli import main
from workbench.recording import unit
from workbench.recording.on_flip import OnFlip
from workbench.recording.past import default_store
from workbench.recording.service import Service
from workbench.recording.watched import Watched

#: Nothing, what does not matter, a rule that drops, that it is gone.
HEALTHY, MARTIANS, DROPPED = 0, 1 << 1, 1 << 10
NUMBERS = (HEALTHY, MARTIANS, MARTIANS | DROPPED)
BY = Actor("iptables", 4711, "sshd", "deploy")
ASKED = (":8080", "--from", "ns:lan")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Three states, a minute apart: the last change, by iptables, drops what comes for web."""
    states = [timed(state(number), minute) for minute, number in enumerate(NUMBERS)]
    with Keeper(tmp_path / "store", KEEP) as keeper:
        for before, after in zip([states[0], *states], states, strict=False):
            keeper.add(after, [replace(each, by=BY) for each in changes(before, after)])
    return tmp_path / "store"


def said(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


def test_when_names_the_time_the_change_and_who_made_it(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "when", *ASKED, "--store", store)
    at = (BEGIN + timedelta(minutes=2)).astimezone()
    assert (code, err) == (1, "")
    assert out.splitlines()[:4] == [
        f":8080 from ns:lan stopped answering {at:%a %Y-%m-%d %H:%M:%S %z}:",
        "  rule -A DOCKER-USER -p tcp -m tcp --dport 80 -j DROP of filter/DOCKER-USER added in host by iptables "
        "(pid 4711, parent sshd, user deploy)",
        "  before: reachable, after: timeout",
        "  to mend it: delete rule 1 of filter/DOCKER-USER",
    ]


def test_what_is_not_known_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(tmp_path, [timed(state(HEALTHY), 0), timed(state(DROPPED), 1)])
    _, out, _ = said(capsys, "when", *ASKED, "--store", tmp_path)
    assert "  who made it is not known\n" in out


def test_a_container_that_stopped_at_that_time_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = timed(state(HEALTHY), 0), timed(state(DROPPED), 1)
    stopped = [replace(each, state="exited") if each.name == "db" else each for each in after.containers]
    recorded(tmp_path, [before, after, timed(replace(after, containers=tuple(stopped)), 1.01)])
    code, out, _ = said(capsys, "when", *ASKED, "--store", tmp_path)
    assert "  at the same time: container db changed (state running → exited)\n" in out
    _, out, _ = said(capsys, "when", *ASKED, "--store", tmp_path, "--json")
    assert (code, [each["name"] for each in json.loads(out)["flips"][0]["beside"]]) == (1, ["db"])


def test_what_never_flipped_says_so(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "when", "db:5432", "--from", "web", "--store", store)
    assert code == 0
    assert out.startswith("db:5432 from web: the same answer in all 3 states since ")
    assert out.endswith(" (reachable)\n")


def test_when_as_json(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "when", *ASKED, "--store", store, "--json")
    document = json.loads(out)
    assert (code, document["schema"], document["target"], document["from"]) == (
        1,
        "portscope.when/1",
        ":8080",
        "ns:lan",
    )
    (flip,) = document["flips"]
    assert (flip["before"], flip["after"], flip["at"]) == ("reachable", "timeout", "2026-03-02T08:02:00+00:00")
    (change,) = flip["changes"]
    assert change | {"text": "", "name": ""} == {
        "at": flip["at"],
        "kind": "rule",
        "how": "added",
        "host": "shop",
        "netns": "host",
        "name": "",
        "text": "",
        "by": "iptables (pid 4711, parent sshd, user deploy)",
        "process": {"program": "iptables", "pid": 4711, "parent": "sshd", "user": "deploy"},
    }


def test_all_flips_are_a_table(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Keeper(store, KEEP) as keeper:
        keeper.add(timed(state(HEALTHY), 90))
    code, out, _ = said(capsys, "when", *ASKED, "--store", store, "--flips")
    lines = out.splitlines()
    assert code == 0
    assert [line.split()[4:6] for line in lines[1:3]] == [["reachable", "timeout"], ["timeout", "reachable"]]
    assert lines[3].startswith("nothing was recorded from ")


def test_a_flip_between_two_runs_says_between_which_times(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Keeper(store, KEEP) as keeper:
        keeper.add(timed(state(HEALTHY), 90))
    _, out, _ = said(capsys, "when", *ASKED, "--store", store)
    assert " started answering between " in out
    assert "while nothing was recorded" in out


def test_why_at_a_time(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "why", *ASKED, "--store", store, "--at", "2026-03-02T08:01:30+00:00")
    assert (code, out.startswith("✓")) == (0, True)
    assert err.startswith("portscope: the host at ")
    code, out, _ = said(capsys, "why", *ASKED, "--store", store, "--at", "2026-03-02T08:02:00+00:00")
    assert (code, out.startswith("✗")) == (1, True)


def test_why_at_a_time_of_which_nothing_is_recorded_has_a_gap(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "why", *ASKED, "--store", store, "--at", "2026-03-03T08:00:00+00:00", "--json")
    (gap,) = [each for each in json.loads(out)["gaps"] if each["source"] == "recorder"]
    assert code == 1
    assert gap["reason"].startswith("nothing was recorded from ")


def test_diff_of_two_times_and_of_a_file_and_a_time(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times = ("--at", "2026-03-02T08:00:00+00:00", "--at", "2026-03-02T08:02:00+00:00")
    code, out, _ = said(capsys, "diff", *times, "--store", store, "--why", *ASKED)
    assert (code, "DOCKER-USER added in host" in out) == (1, True)
    (tmp_path / "healthy.json").write_text(dumps(state(HEALTHY)))
    code, out, _ = said(capsys, "diff", tmp_path / "healthy.json", *times[2:], "--store", store)
    assert (code, "DOCKER-USER added in host" in out) == (0, True)


def test_open_at_a_time(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "open", "--at", "2026-03-02T08:00:00+00:00", "--store", store)
    assert (code, out.startswith("Container network of shop")) == (0, True)
    assert "no terminal: this is the network of this host at " in err


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (("when", "web"), 2, "target 'web'"),
        (("when", ":8080", "--store", "none"), 2, "none has no store: 'portscope record' makes one"),
        (("why", ":8080", "--at", "soonish"), 2, "'soonish' is no time"),
        (("why", ":8080", "--at", "2020-01-01"), 2, "is before the store begins"),
        (("why", ":8080", "--at", "2999-01-01"), 2, "is yet to come"),
        (("why", ":8080"), 2, "--store goes with --at"),
        (("why", ":8080", "--at", "now", "--watch"), 2, "--at asks the recorder's store"),
        (("diff",), 2, "name the file of an earlier snapshot"),
        (("diff", "--at", "now", "--at", "now", "--at", "now"), 2, "two sides are compared"),
        (("open", "x.json", "--at", "now"), 2, "leave out FILE"),
        (("open",), 2, "name a file of a snapshot, or a time"),
        (("record", "--on-flip", "true"), 2, "--on-flip goes with --ask"),
        (("record", "--ask", ":80", "--on-flip", "'"), 2, "No closing quotation"),
        (("record", "--keep", "long"), 2, "'long' is no age"),
        (("record", "--largest", "0"), 2, "'0' is no size"),
        (("record", "--from", "web"), 2, "--from goes behind the --ask"),
        (("record", "--install"), 2, "run it in a terminal, or add --yes"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    store: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, problem: str
) -> None:
    more = () if "--store" in words else ("--store", store)
    found, _, err = said(capsys, *words, *more)
    assert (found, err.count("\n"), problem in err) == (code, 1, True), err


def test_a_store_that_is_none_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "store.db").write_text("no database " * 1000)
    code, _, err = said(capsys, "when", ":8080", "--store", tmp_path)
    assert (code, err.count("\n"), "is damaged" in err) == (4, 1, True), err


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("2026-03-02 18:00", "2026-03-02T18:00:00"),
        ("yesterday 18:00", "2026-03-03T18:00:00"),
        ("18:00", "2026-03-03T18:00:00"),
        ("2 hours ago", "2026-03-04T10:00:00"),
        ("Mon 14:02:11", "2026-03-02T14:02:11"),
        ("2026-03-02T18:00:00+02:00", "2026-03-02T16:00:00"),
    ],
)
def test_times_as_people_say_them(words: str, meant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    assert time_of(words, datetime(2026, 3, 4, 12, tzinfo=UTC)).astimezone(UTC).isoformat() == f"{meant}+00:00"


def test_of_the_hour_that_comes_twice_the_later_one_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    import time  # noqa: PLC0415 - the zone of this test alone

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        after, during = datetime(2026, 10, 25, 12, tzinfo=UTC), datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
        assert time_of("2026-10-25 02:30", after).astimezone(UTC) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
        assert time_of("2026-10-25 02:30", during).astimezone(UTC) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()


# --- recording --------------------------------------------------------------------------------------------


def updates(*numbers: int) -> Iterator[Update]:
    before: Snapshot | None = None
    for minute, number in enumerate(numbers):
        snapshot = timed(state(number), minute)
        yield Update(snapshot, changes(before, snapshot) if before else ())
        before = snapshot


def serve(keeper: Keeper, seen: Iterator[Update], command: tuple[str, ...] = ()) -> tuple[list[str], list[str]]:
    """What a service that watches :8080 says, and complains of."""
    told: list[str] = []
    wrong: list[str] = []
    on_flip = OnFlip(command, wrong.append)
    Service(keeper, [Watched(":8080", "ns:lan")], on_flip, told.append, wrong.append).run(seen)
    on_flip.close()
    return told, wrong


def test_a_watched_question_is_told_and_kept_where_it_flips(tmp_path: Path) -> None:
    with Keeper(tmp_path, KEEP) as keeper:
        told, wrong = serve(keeper, updates(HEALTHY, MARTIANS, DROPPED, MARTIANS))
    assert wrong == []
    assert [line.split("lan: ")[1].partition(":")[0] for line in told] == ["✗ not reachable, timeout", "✓ reachable"]
    assert "rule -A DOCKER-USER -p tcp -m tcp --dport 80 -j DROP" in told[0]
    with History(tmp_path) as history:
        assert len(history.moments) == 4
        found = [(each.moment, each.ask, each.after) for each in history.flips()]
    assert found == [(3, ":8080 from ns:lan", "✗ not reachable, timeout"), (4, ":8080 from ns:lan", "✓ reachable")]


def test_a_flip_runs_a_command_with_the_answer_on_its_standard_input(tmp_path: Path) -> None:
    out = tmp_path / "answers"
    code = f"import sys; open({os.fspath(out)!r}, 'a').write(sys.stdin.read())"
    with Keeper(tmp_path / "store", KEEP) as keeper:
        _, wrong = serve(keeper, updates(HEALTHY, DROPPED, DROPPED), (sys.executable, "-c", code))
    assert wrong == []
    (answer,) = [json.loads(line) for line in out.read_text().splitlines()]
    assert (answer["reach"], answer["symptom"], answer["causes"][0]["code"]) == ("no", "timeout", "FW_RULE_DROP")
    assert "DOCKER-USER" in answer["flipped_by"][0]


@pytest.mark.parametrize(
    ("command", "problem"), [(("no-such-program",), "cannot run no-such-program"), (("false",), "exit code 1")]
)
def test_a_command_that_fails_is_complained_of(tmp_path: Path, command: tuple[str, ...], problem: str) -> None:
    with Keeper(tmp_path, KEEP) as keeper:
        _, (wrong,) = serve(keeper, updates(HEALTHY, DROPPED), command)
    assert problem in wrong


def test_what_could_not_be_written_comes_with_the_next_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Keeper(tmp_path, KEEP) as keeper:
        add = keeper.add
        full = iter((False, True, True, False))

        def adding(*words: object) -> int:
            if next(full):
                raise StoreError("the disk is full")
            return add(*words)  # type: ignore[arg-type]

        monkeypatch.setattr(keeper, "add", adding)
        _, wrong = serve(keeper, updates(HEALTHY, MARTIANS, DROPPED, DROPPED))
    assert [line.partition(";")[0] for line in wrong] == ["the disk is full", "the store can be written again"]
    with History(tmp_path) as history:
        (_, last) = history.moments
        kinds = {each.what for each in history.changes(last)}
        assert (kinds, last.at) == ({"rule"}, BEGIN + timedelta(minutes=3))


def test_record_writes_what_a_watch_sees_and_ends_by_ctrl_c(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def watch(stop: threading.Event, **_: object) -> Iterator[Update]:
        assert not stop.is_set()
        yield from updates(HEALTHY, DROPPED)
        raise KeyboardInterrupt

    monkeypatch.setattr(world, "watch", watch)
    code, out, err = said(capsys, "record", "--store", tmp_path / "new", "--ask", ":8080", "--from", "ns:lan")
    assert (code, out.count("\n"), ":8080 from ns:lan: ✗ not reachable, timeout" in out) == (0, 1, True)
    assert "every change of this host goes into" in err
    assert said(capsys, "when", *ASKED, "--store", tmp_path / "new")[0] == 1


def test_a_damaged_store_is_moved_aside_and_a_new_one_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(tmp_path, [timed(state(HEALTHY), 0)])
    (tmp_path / "store.db").write_text("no database " * 1000)
    monkeypatch.setattr(world, "watch", lambda *_, **__: updates(DROPPED))
    code, _, err = said(capsys, "record", "--store", tmp_path)
    assert (code, "a new store begins" in err) == (0, True)
    assert len(list(tmp_path.glob("damaged-*.db"))) == 1
    assert said(capsys, "when", *ASKED, "--store", tmp_path)[0] == 1


def test_a_second_recorder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Keeper(tmp_path, KEEP):
        code, _, err = said(capsys, "record", "--store", tmp_path)
    assert (code, err.count("\n"), f"another recorder (pid {os.getpid()})" in err) == (4, 1, True)


def test_nothing_is_recorded_read_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = said(capsys, "--read-only", "record", "--store", tmp_path / "new")
    assert (code, (tmp_path / "new").exists(), err.count("\n")) == (2, False, 1)


def test_the_store_of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_store() == Path("/state/portscope")


def test_the_unit_runs_this_installation_with_the_options_that_were_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit, "FOLDER", tmp_path)
    words = ("--keep", "48h", "--ask", ":80", "--from", "web", "--on-flip", 'say "50% of $x"', "--store", "/srv/past")
    assert said(capsys, "record", *words, "--install", "--yes")[0] == 0
    written = (tmp_path / unit.NAME).read_text()
    (start,) = [line for line in written.splitlines() if line.startswith("ExecStart=")]
    assert start.endswith(
        ' record --keep 2d --largest 524288000 --ask :80 --from web --on-flip "say \\"50%% of $$x\\"" --store /srv/past'
    )
    assert "StateDirectory" not in written
    code, _, err = said(capsys, "record", *words, "--install", "--yes")
    assert (code, "exists" in err) == (2, True)
    code, out, _ = said(capsys, "record", "--store", "/var/lib/portscope", "--install", "--yes", "--force")
    assert (code, "StateDirectory=portscope" in out) == (0, True)
    code, _, err = said(capsys, "record", "--ask", "a\nb", "--install", "--yes", "--force")
    assert (code, err.count("\n"), "cannot stand in a unit" in err) == (2, 1, True)
