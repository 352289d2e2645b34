"""Who tells a watch that something may be different: folders of namespaces, a lock, engines, and counts of sockets."""

from __future__ import annotations

import json
import select
import socket
from pathlib import Path

import pytest

from engine.observe.engines import events
from engine.observe.engines.events import RESOURCE, EngineEvents
from engine.observe.proc.socket_counts import SocketCounts
from engine.observe.watch.inotify import Folders, Released, Written
from tests.observe.fake_engine import as_http, fake_engine

HEADING = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'2d\r\n{"Type":"container","Action":"start","id":"a"}\n\r\n'


def heard(teller: EngineEvents) -> bool:
    """What is told once something is there; the longest wait fails the test."""
    assert select.select([teller.descriptor], [], [], 20)[0]
    return teller.told()


def test_a_folder_tells_of_its_entries_and_of_nothing_else(tmp_path: Path) -> None:
    near, far = tmp_path / "near", tmp_path / "far" / "netns"
    near.mkdir()
    folders = Folders((str(near), str(far)))
    try:
        (tmp_path / "beside").touch()
        assert not folders.changed()
        (near / "web").touch()
        assert folders.changed()
        assert not folders.changed()
        far.parent.mkdir()
        assert not folders.changed(), "the folder itself is not there yet"
        far.mkdir()
        folders.changed()
        (far / "db").touch()
        assert folders.changed(), "it is watched since it came to be"
        (near / "web").unlink()
        assert folders.changed()
    finally:
        folders.close()


def test_a_file_tells_when_it_is_let_go_and_when_it_is_made(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = Released(str(path))
    try:
        (tmp_path / "beside").touch()
        assert not lock.told()
        path.touch()
        assert lock.told()
        assert not lock.told()
        (tmp_path / "beside").unlink()
        assert not lock.told()
        with path.open("rb"):
            assert not lock.told(), "somebody holds it"
        assert lock.told()
        path.unlink()
        lock.told()
        path.touch()
        assert lock.told()
        path.open("rb").close()
        assert lock.told(), "another file of that name is watched"
    finally:
        lock.close()


def test_counts_tell_of_a_listener_that_comes_or_goes() -> None:
    counts = SocketCounts()
    try:
        with socket.socket() as listening, socket.socket(type=socket.SOCK_DGRAM) as bound:
            listening.bind(("127.0.0.1", 0))
            counts.changed()
            listening.listen()
            assert counts.changed()
            bound.bind(("127.0.0.1", 0))
            assert counts.changed()
    finally:
        counts.close()


def test_an_event_names_its_containers_even_in_pieces(tmp_path: Path) -> None:
    one, other = "a" * 64, "0123456789abcdef" * 4
    line = json.dumps({"Type": "network", "Actor": {"ID": one, "Attributes": {"container": other}}}).encode() + b"\n"
    path = tmp_path / "engine.sock"
    for data, named in (
        (HEADING + line[:40], set()),
        (HEADING + line, {one, other}),
        (HEADING + line + b'{"Type":"container"}\n', None),
    ):
        with fake_engine(path, {RESOURCE: data}):
            teller = EngineEvents(str(path))
            heard(teller)
            assert teller.named() == named
            assert teller.named() == set()
            teller.close()
        path.unlink()


def test_an_event_is_told_and_the_heading_is_none(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    with fake_engine(path, {RESOURCE: HEADING}):
        teller = EngineEvents(str(path))
        assert not heard(teller)
        assert not teller.ended
        teller.close()
    path.unlink()
    with fake_engine(path, {RESOURCE: HEADING + EVENT}):
        teller = EngineEvents(str(path))
        assert heard(teller)
        teller.close()


def test_an_engine_that_ends_has_told_something_unless_it_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_AT_ONCE", 0.0)
    for at, expected in ((0.0, True), (3600.0, False)):
        monkeypatch.setattr(events, "_AT_ONCE", at)
        path = tmp_path / f"{at}.sock"
        with fake_engine(path, {RESOURCE: HEADING}):
            teller = EngineEvents(str(path))
            assert not heard(teller)
        assert heard(teller) is expected
        assert teller.ended
        teller.close()


@pytest.mark.parametrize("answer", [as_http({}, "404 Not Found"), b"HTTP/1.1 500 Error\r\nContent-Length: 0\r\n\r\n"])
def test_an_engine_without_events_tells_nothing(tmp_path: Path, answer: bytes) -> None:
    path = tmp_path / "engine.sock"
    with fake_engine(path, {RESOURCE: answer}):
        teller = EngineEvents(str(path))
        assert not heard(teller)
        assert teller.ended
        teller.close()


def test_nobody_at_the_socket_tells_nothing(tmp_path: Path) -> None:
    teller = EngineEvents(str(tmp_path / "none.sock"))
    assert (teller.descriptor, teller.ended) == (-1, True)
    teller.close()


def test_a_database_tells_of_being_written_and_of_being_let_go(tmp_path: Path) -> None:
    path = tmp_path / "db.sql"
    path.write_bytes(b"old")
    written = Written(str(path))
    try:
        assert not written.told()
        with path.open("r+b", buffering=0) as stream:
            stream.write(b"new")
            assert written.told()
            assert not written.told()
        assert written.told(), "who found it locked reads it again"
        path.read_bytes()
        assert not written.told(), "a reader is no news"
    finally:
        written.close()
