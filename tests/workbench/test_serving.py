"""The workbench in a real browser: served to loopback, read-only, and to nobody's page but its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.observe.recording import dumps
from tests.harness.live_page import page
from tests.harness.needs import require
from tests.workbench.plain_host import plain_host
from tests.workbench.screen import ASK, answered, bench, drive, workbench
from workbench import cli
from workbench.exits import Exit
from workbench.serving import ours
from workbench.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[int]:
    """The port on which a saved host is served."""
    pytest.importorskip("textual_serve")
    file = tmp_path / "host.json"
    file.write_text(dumps(plain_host()))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    argv = [sys.executable, "-m", "workbench.cli", "serve", str(file), "--port", str(port)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=env) as server:
        assert server.stdout is not None
        assert f"http://127.0.0.1:{port} " in server.stdout.readline()
        yield port
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0


def test_a_browser_shows_the_workbench_and_types_into_it_and_a_page_from_elsewhere_gets_nothing(served: int) -> None:
    require("chromium")

    async def play() -> None:
        async with page(f"http://127.0.0.1:{served}/") as shown:
            await shown.until("document.body.classList.contains('-first-byte')")
            await shown.until("document.querySelector('canvas.xterm-text-layer') !== null")
            outside = "performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.includes('127.0.0.1'))"
            assert await shown.value(f"JSON.stringify({outside})") == "[]"
            await shown.type("?")
            await shown.type("qq")
            await shown.until("document.body.classList.contains('-closed')")

    asyncio.run(play())
    for headers in ({"Host": "elsewhere.example"}, {"Origin": "http://elsewhere.example"}):
        assert status(f"http://127.0.0.1:{served}/ws", headers) == 403


def status(address: str, headers: dict[str, str]) -> int:
    """What a request is answered with."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def test_only_loopback_by_its_own_port_is_ours() -> None:
    assert ours("127.0.0.1:80", 80)
    assert ours("localhost", 80)
    assert ours("http://localhost:8787", 8787)
    assert ours("", 1, empty=True)
    assert not any(ours(name, 8787) for name in ("", "evil.example:8787", "127.0.0.1:1", "http://[", "127.0.0.1:x"))


def test_read_only_takes_away_whatever_changes_sends_or_writes() -> None:
    app = workbench(ask=ASK)
    app.settle(Settings(read_only=True))

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        before = pilot.app.screen
        await pilot.press("n", "p", "x", "b", "z")
        assert pilot.app.screen is before
        assert not bench(pilot).done.entries

    drive(app, play)


def test_a_port_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve", "--port", "0"]) == Exit.USAGE
    assert "between 1 and 65535" in capsys.readouterr().err
