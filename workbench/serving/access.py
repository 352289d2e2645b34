"""Who may use a served workbench: the holder of the token in the printed URL, from this server's own page.

1. The first request carries the token as `?token=`; the answer puts it into a cookie and leads to the plain URL. Each
   further request, the socket's too, needs the cookie: HttpOnly, so that no script reads it, and SameSite=Strict, so
   that no other site's page sends it.
2. `Host` is exactly one of this server's names: a page that points a name of its own to 127.0.0.1 (DNS rebinding) is
   refused.
3. `Origin` is exactly this server's where there is one, and the socket needs one.

Sources: RFC 6265 and its successor draft (cookies), RFC 6455 section 10.2 (Origin).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: The names of this machine that a page may be asked by.
NAMES = ("127.0.0.1", "localhost")
FORBIDDEN = "Open the URL that `portscope serve` printed: it carries the key to this page.\n"


class Access:
    """The key of one server, and its check before every request."""

    def __init__(self, port: int) -> None:
        self.token = secrets.token_urlsafe(32)
        self.cookie = f"portscope-{port}"  # cookies are shared by all ports of a host
        self.hosts = frozenset(f"{name}:{port}" for name in NAMES) | (frozenset(NAMES) if port == 80 else frozenset())

    @property
    def middleware(self) -> Middleware:
        """The check, as aiohttp calls it."""

        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not self.is_ours(request.headers.get("Host", ""), request.headers.get("Origin"), request.path):
                raise web.HTTPForbidden(text=FORBIDDEN)
            if request.path == "/" and self._is_token(request.query.get("token")):
                return self._welcome()
            if not self._is_token(request.cookies.get(self.cookie)):
                raise web.HTTPForbidden(text=FORBIDDEN)
            return await handler(request)

        return web.middleware(check)

    def is_ours(self, host: str, origin: str | None, path: str) -> bool:
        """Whether a request names this server, and comes from its own page or from no page."""
        if host not in self.hosts:
            return False
        return origin == f"http://{host}" if origin is not None else path != "/ws"

    def _is_token(self, given: str | None) -> bool:
        return given is not None and hmac.compare_digest(given.encode(), self.token.encode())

    def _welcome(self) -> web.StreamResponse:
        """Leads to the page without the token in its URL, which would stay in the browser's history."""
        answer = web.HTTPSeeOther("/")
        answer.set_cookie(self.cookie, self.token, httponly=True, samesite="Strict", path="/")
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer
