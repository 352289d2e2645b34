"""Who tells a watch that there may be another scene: folders of namespaces, and engines by their events."""

from __future__ import annotations

import select
from pathlib import Path

import pytest

from engine.observe import engine_events
from engine.observe.engine_events import RESOURCE, EngineEvents
from engine.observe.folders import Folders
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
    monkeypatch.setattr(engine_events, "_AT_ONCE", 0.0)
    for at, expected in ((0.0, True), (3600.0, False)):
        monkeypatch.setattr(engine_events, "_AT_ONCE", at)
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
