from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from engine.observe.engines.unix_http import EngineError, NotFound, UnixHTTP
from tests.observe.fake_engine import as_http, chunked, fake_engine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "engine.sock"


def test_documents_come_over_one_connection(path: Path) -> None:
    with fake_engine(path, {"/a": {"x": 1}, "/b": chunked([1, 2, "three"])}) as asked, UnixHTTP(str(path)) as api:
        assert api.get("/a") == {"x": 1}
        assert api.get("/b") == [1, 2, "three"]
        assert api.get("/a") == {"x": 1}
    assert asked == ["/a", "/b", "/a"]


def test_the_server_says_what_it_is(path: Path) -> None:
    with fake_engine(path, {"/a": as_http(1, server="Libpod/5.4.2 (linux)")}) as _, UnixHTTP(str(path)) as api:
        api.get("/a")
        assert api.server == "Libpod/5.4.2 (linux)"


def test_what_the_engine_does_not_know_is_not_found_and_the_connection_goes_on(path: Path) -> None:
    with fake_engine(path, {"/a": 1}) as _, UnixHTTP(str(path)) as api:
        with pytest.raises(NotFound):
            api.get("/gone")
        assert api.get("/a") == 1


def test_many_documents_come_in_order_with_none_for_what_is_not_there(path: Path) -> None:
    answers = {f"/{number}": number for number in range(200) if number != 100}
    with fake_engine(path, answers) as asked, UnixHTTP(str(path)) as api:
        found = list(api.get_each([f"/{number}" for number in range(200)]))
    assert found == [*range(100), None, *range(101, 200)]
    assert len(asked) == 200


def test_an_engine_that_says_nothing_is_given_up(path: Path) -> None:
    with (
        fake_engine(path, {"/a": b""}) as _,
        UnixHTTP(str(path), timeout=0.05) as api,
        pytest.raises(EngineError, match="did not answer within"),
    ):
        api.get("/a")


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{]",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"[" * 200000,
        b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n{}",
        b"\r\n",
        b"HTTP/1.1 two\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_broken_answers_are_one_line_errors(path: Path, answer: bytes) -> None:
    with (
        fake_engine(path, {"/a": answer}) as _,
        UnixHTTP(str(path), timeout=0.05) as api,
        pytest.raises(EngineError) as caught,
    ):
        api.get("/a")
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_stale_socket_says_that_nothing_listens(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))
    with pytest.raises(EngineError, match="nothing listens"):
        UnixHTTP(str(path))


def test_a_socket_that_may_not_be_opened_says_what_to_do(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("engine.observe.engines.unix_http._connect", refuse)
    with pytest.raises(EngineError, match="run as root"):
        UnixHTTP(str(path))


def test_a_path_longer_than_a_socket_address_is_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    monkeypatch.chdir(folder)
    with fake_engine(Path("e.sock"), {"/a": 1}) as _:
        full = str(folder / "e.sock")
        assert len(os.fsencode(full)) > 107
        with UnixHTTP(full) as api:
            assert api.get("/a") == 1
