"""The workbench in a browser: a server on loopback that gives each window a workbench of its own.

The page and its scripts come from this machine alone (`app_index.html` is ours, the terminal is textual-serve's). Only
loopback is listened on, and only requests that name it are answered: a page from elsewhere that points a name of its
own here (DNS rebinding), or opens our websocket, is refused. Whoever may open a port of this machine's loopback can use
it, which is why it is read-only unless asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from workbench.exits import refused, usage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")
MISSING = "serving needs textual-serve, which is not installed; pip install 'portscope[serve]'"


def serve(command: str, port: int, title: str) -> None:
    """Serves until it is interrupted. Raises `Refusal` when it cannot."""
    try:
        from aiohttp import web  # noqa: PLC0415 - an extra
        from textual_serve.server import Server  # noqa: PLC0415
    except ImportError as error:
        raise usage(MISSING) from error

    @web.middleware
    async def own(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answers requests for this server's own name, from its own pages."""
        if not ours(request.headers.get("Host", ""), port) or not ours(request.headers.get("Origin", ""), port, True):
            raise web.HTTPForbidden(text="This is served to this machine's own browser only.")
        return await handler(request)

    class Loopback(Server):
        """textual-serve's server with our page, quiet, and for loopback alone."""

        def initialize_logging(self) -> None:
            """Nothing is logged: the terminal is for one line."""

        async def on_startup(self, app: web.Application) -> None:  # noqa: ARG002
            """Says where it is."""
            print(f"portscope: {self.title} on {self.public_url} until Ctrl-C", flush=True)

        async def _make_app(self) -> web.Application:
            app = await super()._make_app()
            app.middlewares.append(own)
            return app

    server = Loopback(command, HOST, port, title, templates_path=Path(__file__).parent)
    try:
        server.serve()
    except OSError as error:
        raise refused(f"cannot listen on {HOST}:{port}: {error.strerror}; choose another one with --port") from error


def ours(name: str, port: int, empty: bool = False) -> bool:
    """Whether a Host or an Origin is this server's own; an Origin may be missing (`empty`)."""
    if not name:
        return empty
    try:
        parts = urlsplit(name if "://" in name else f"//{name}")
        return parts.hostname in NAMES and (parts.port or 80) == port
    except ValueError:
        return False
