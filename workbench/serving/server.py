"""The server of `portscope serve`: textual-serve's, with our page, our access rules and limits, and a quiet log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from textual_serve.server import Server

from workbench.serving.access import NAMES, Access

HOST = NAMES[0]
#: Workbenches that may run at one time: each is a process of about 30 MB, more on a large host.
MOST_WINDOWS = 8
#: Connections that may be open at one time: a window has one, and a few more while its page loads.
MOST_CONNECTIONS = 100
#: Connections that are accepted at one stroke; so many more than the limit may be open for a moment.
BACKLOG = 16
#: Seconds that a connection is kept without a whole request.
KEEPALIVE = 15.0


class Loopback(Server):
    """Serves one command to this machine's own browser. `access` has the key."""

    def __init__(self, command: str, port: int, title: str) -> None:
        super().__init__(command, HOST, port, title, templates_path=Path(__file__).parent)
        self.access = Access(port)
        self._windows = 0

    def initialize_logging(self) -> None:
        """Logs nothing: the terminal is for one line, and any program of the machine can send a bad request."""
        for name in ("textual-serve", "aiohttp"):
            logger = logging.getLogger(name)
            logger.addHandler(logging.NullHandler())
            logger.propagate = False

    async def on_startup(self, app: web.Application) -> None:
        """Prints nothing: `serve` prints the URL when it can be opened."""

    async def make_app(self) -> web.Application:
        """The application. Every request passes the access rules first."""
        app: web.Application = await super()._make_app()
        app.middlewares.append(self.access.middleware)
        return app

    def serve(self, debug: bool = False) -> None:  # noqa: ARG002 - the parent's signature
        """Serves until it is interrupted. Raises OSError when it cannot listen."""
        self.initialize_logging()
        with suppress(web.GracefulExit):
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        runner = web.AppRunner(await self.make_app(), handle_signals=True, keepalive_timeout=KEEPALIVE)
        await runner.setup()
        try:
            assert runner.server is not None
            loop = asyncio.get_running_loop()
            listening = await loop.create_server(_limited(runner.server), HOST, self.port, backlog=BACKLOG)
            url = f"{self.public_url}/?token={self.access.token}"
            print(f"portscope: {self.title} on {url} until Ctrl-C", flush=True)
            async with listening:
                await listening.serve_forever()
        finally:
            await runner.cleanup()

    @aiohttp_jinja2.template("app_index.html")
    async def handle_index(self, request: web.Request) -> dict[str, Any]:
        """What the page needs: URLs by the name that it was asked by, so that its cookie goes with them."""
        size = request.query.get("fontsize", "16")
        return {
            "application": {"name": self.title},
            "app_websocket_url": f"ws://{request.host}/ws",
            "config": {"static": {"url": "/static/"}},
            "font_size": int(size) if size.isdecimal() and len(size) < 3 else 16,
        }

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """One window: a workbench of its own while the socket is open."""
        if not web.WebSocketResponse().can_prepare(request).ok:
            raise web.HTTPUpgradeRequired(text="This is the page's own socket.\n")
        if self._windows >= MOST_WINDOWS:
            raise web.HTTPServiceUnavailable(text=f"{MOST_WINDOWS} windows are open; close one.\n")
        self._windows += 1
        try:
            return await super().handle_websocket(request)
        finally:
            self._windows -= 1


class _TooMany(asyncio.Protocol):
    """A connection past the limit: closed at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


def _limited(server: web.Server) -> Callable[[], asyncio.Protocol]:
    """The factory of connections."""
    return lambda: server() if len(server.connections) < MOST_CONNECTIONS else _TooMany()
