"""A page in a real browser that goes on living: opened by its address, asked by scripts, and typed into.

Chromium is driven by its DevTools protocol over a websocket, which Chromium itself binds to loopback. It knows no names
but loopback's addresses, so a page that asked for something elsewhere would not get it.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

from tests.harness.browser import OPTIONS

LIVING = [option for option in OPTIONS if not option.startswith(("--virtual-time", "--host-resolver"))]
#: Seconds for the browser to start, and for something to come about in a page.
PATIENCE = 60.0


class Page:
    """One page."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket, self._numbers = socket, itertools.count(1)

    async def call(self, method: str, **parameters: Any) -> Any:
        """One command of the DevTools protocol, and its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            answer = await self._socket.receive_json(timeout=PATIENCE)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    async def value(self, script: str) -> Any:
        """The value of an expression in the page."""
        return (await self.call("Runtime.evaluate", expression=script))["result"].get("value")

    async def until(self, script: str) -> None:
        """Waits until an expression is true."""
        for _ in range(int(PATIENCE / 0.1)):
            if await self.value(script):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{script} never came about in {await self.value('document.body.outerHTML')}")

    async def press(self, text: str) -> None:
        """Types into whatever has the keys."""
        for char in text:
            await self.call("Input.insertText", text=char)

    async def picture(self) -> bytes:
        """What it looks like, as PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])


@asynccontextmanager
async def page(address: str) -> AsyncIterator[Page]:
    """The page at an address, in a browser of its own that ends with the block."""
    with tempfile.TemporaryDirectory(prefix="portscope-browser-", ignore_cleanup_errors=True) as profile:
        argv = [*LIVING, f"--user-data-dir={profile}", "--remote-debugging-port=0", "--window-size=1200,760"]
        argv += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "about:blank"]
        nowhere = asyncio.subprocess.DEVNULL
        browser = await asyncio.create_subprocess_exec("chromium", *argv, stdout=nowhere, stderr=nowhere)
        try:
            port = await _port(Path(profile) / "DevToolsActivePort")
            async with ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                    found = next(one for one in json.loads(await answer.text()) if one["type"] == "page")
                async with session.ws_connect(found["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    shown = Page(socket)
                    await shown.call("Page.navigate", url=address)
                    yield shown
                    await shown.call("Browser.close")
        finally:
            if browser.returncode is None:
                try:
                    await asyncio.wait_for(browser.wait(), 10)
                except TimeoutError:
                    browser.kill()
                    await browser.wait()


async def _port(file: Path) -> int:
    """The port that the browser chose: the first line of a file that it writes whole."""
    for _ in range(int(PATIENCE / 0.05)):
        if file.exists() and (lines := file.read_text().split("\n"))[0].isdecimal() and len(lines) > 1:
            return int(lines[0])
        await asyncio.sleep(0.05)
    raise AssertionError("the browser did not start")
