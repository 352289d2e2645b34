"""The workbench in a real browser: served to loopback, read-only, and to nobody's page but its own."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.observe.recording.snapshot_file import dumps
from tests.harness.live_page import page
from tests.harness.needs import require
from tests.workbench.plain_host import plain_host
from tests.workbench.screen import ASK, answered, bench, drive, workbench
from workbench import cli
from workbench.exits import Exit
from workbench.serving.server import BACKLOG, MOST_CONNECTIONS
from workbench.settings import Settings, state_file

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Served:
    """A saved host that is served: the port, and the token in the URL that was printed."""

    port: int
    token: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/?token={self.token}"


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Served]:
    pytest.importorskip("textual_serve")
    file = folder / "host.json"
    file.write_text(dumps(plain_host()))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    argv = [sys.executable, "-P", "-m", "workbench.start", "serve", str(file), "--port", str(port), *options]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        try:
            printed = server.stdout.readline()
            yield Served(port, printed.partition("?token=")[2].partition(" ")[0])
        finally:
            server.send_signal(signal.SIGINT)
            assert server.wait(20) == 0
        assert server.stderr.read() == ""


@pytest.fixture(params=[(), ("--write",)], ids=["read-only", "write"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, *request.param) as found:
        yield found


def test_a_browser_shows_the_workbench_and_types_into_it(tmp_path: Path) -> None:
    require("chromium")

    async def play(served: Served) -> None:
        async with page(served.url) as shown:
            await shown.until("document.body.classList.contains('-first-byte')")
            await shown.until("document.querySelector('canvas.xterm-text-layer') !== null")
            outside = "performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.includes('127.0.0.1'))"
            assert await shown.value(f"JSON.stringify({outside})") == "[]"
            assert await shown.value("location.search + document.cookie") == ""  # the key is in neither
            await shown.until("document.activeElement === document.querySelector('textarea')")  # without a click
            await shown.press("?")
            await shown.press("qq")
            await shown.until("document.body.classList.contains('-closed')")

    with serving(tmp_path) as served:
        asyncio.run(play(served))


def answer(port: int, path: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str]]:
    """What a request is answered with: its status and its headers, redirections not followed."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        asked.request("GET", path, headers=dict(headers))
        said = asked.getresponse()
        return said.status, dict(said.getheaders())
    finally:
        asked.close()


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def test_nobody_without_the_key_gets_anything(served: Served) -> None:
    own = {"Origin": f"http://127.0.0.1:{served.port}"}
    wrong = {"Cookie": f"portscope-{served.port}={'x' * len(served.token)}"}
    for path in ("/", "/?token=", "/?token=x", "/ws", "/static/js/textual.js", "/download/x", "/nothing"):
        for headers in ({}, own, wrong, {**own, **UPGRADE}, {**own, **wrong, **UPGRADE}):
            assert answer(served.port, path, headers)[0] == 403, (path, headers)


def test_the_key_opens_the_page_and_its_socket_for_its_own_origin_alone(served: Served) -> None:
    status, headers = answer(served.port, f"/?token={served.token}", {})
    assert (status, headers["Location"]) == (303, "/")
    assert {"HttpOnly", "SameSite=Strict"} <= {part.strip() for part in headers["Set-Cookie"].split(";")}
    key = {"Cookie": headers["Set-Cookie"].partition(";")[0]}
    own = {"Origin": f"http://127.0.0.1:{served.port}"}
    assert answer(served.port, "/", key)[0] == 200
    assert answer(served.port, "/static/js/textual.js", key)[0] == 200
    assert answer(served.port, "/ws", {**key, **own})[0] == 426
    assert answer(served.port, "/ws", {**key, **own, **UPGRADE})[0] == 101
    for origin in (
        None,
        "null",
        "http://elsewhere.example",
        f"http://evil@127.0.0.1:{served.port}",
        "http://127.0.0.1",
    ):
        sent = {**key, **UPGRADE, **({"Origin": origin} if origin else {})}
        assert answer(served.port, "/ws", sent)[0] == 403, origin
    for host in (
        "elsewhere.example",
        f"evil@127.0.0.1:{served.port}",
        f"127.0.0.1:{served.port}/evil",
        "127.0.0.1",
        "",
    ):
        assert answer(served.port, "/", {**key, "Host": host})[0] in (400, 403), host


#: What another user, or a program elsewhere, tries: the page and the socket without the key.
INTRUDER = """
import socket, sys
try:
    there = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
    for line in ("GET /ws HTTP/1.1", f"Host: 127.0.0.1:{sys.argv[1]}", *sys.argv[2:], ""):
        there.sendall(line.encode() + bytes((13, 10)))
    print(there.recv(100).split()[1].decode())
except OSError as error:
    print(type(error).__name__)
"""


def test_neither_another_user_nor_another_namespace_gets_in(served: Served) -> None:
    require("setpriv", "unshare", root=True)
    argv = ["/usr/bin/python3", "-I", "-c", INTRUDER, str(served.port)]
    argv += [f"{name}: {value}" for name, value in UPGRADE.items()]
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *argv]
    elsewhere = ["unshare", "--net", *argv]
    said = [subprocess.run(each, capture_output=True, text=True, check=True).stdout for each in (as_nobody, elsewhere)]
    assert said == ["403\n", "OSError\n"]


def test_half_a_request_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with serving(tmp_path) as served, socket.create_connection(("127.0.0.1", served.port), 40) as half:
        half.sendall(b"GET / HTTP/1.1\r\nHost: x")
        assert half.recv(1) == b""


def test_there_is_an_end_of_connections(tmp_path: Path) -> None:
    with serving(tmp_path) as served, ExitStack() as stack:
        most = MOST_CONNECTIONS + BACKLOG
        held = [stack.enter_context(socket.create_connection(("127.0.0.1", served.port), 5)) for _ in range(most + 10)]
        ended = 0
        for each in held:
            each.settimeout(0.2)
            with suppress(TimeoutError):
                try:
                    ended += each.recv(1) == b""
                except ConnectionResetError:
                    ended += 1
        assert ended >= 10


def test_read_only_takes_away_whatever_changes_sends_or_writes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    app = workbench(ask=ASK)
    app.settle(Settings(read_only=True))

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        before = pilot.app.screen
        await pilot.press("n", "p", "x", "b", "z")
        assert pilot.app.screen is before
        pilot.app.theme = "nord"
        await pilot.pause()
        assert not state_file().exists()
        assert not bench(pilot).stage.done.entries

    drive(app, play)


def test_a_port_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve", "--port", "0"]) == Exit.USAGE
    assert "between 1 and 65535" in capsys.readouterr().err
