"""The events of a container engine, as they come: that there are some is all that is asked for.

The engine is asked once, and its answer has no end: a line for each event of the kinds that change who and what there
is. Health checks and commands in containers are not among them. An engine that ends its answer, or has none, is not
asked again until its socket is another one or the watch begins anew.

Source: Docker Engine API, GET /events.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from urllib.parse import quote

from engine.observe.unix_http import EngineError, UnixHTTP

_KINDS = {
    "type": ["container", "network"],
    "event": ["create", "start", "die", "destroy", "rename", "pause", "unpause", "update", "connect", "disconnect"],
}
#: Seconds after which the end of an answer is the end of the engine.
_AT_ONCE = 1.0
RESOURCE = "/events?filters=" + quote(json.dumps(_KINDS))


class EngineEvents:
    """Asks the engine at `path`. `descriptor` is readable when there is something to hear; -1 where there is nobody."""

    def __init__(self, path: str) -> None:
        self._api: UnixHTTP | None = None
        self.descriptor = -1
        self.ended = True
        with suppress(EngineError, OSError):
            self._api = UnixHTTP(path)
            self.descriptor = self._api.begin(RESOURCE)
            self.ended = False
        self._begun = time.monotonic()
        self._heading = b""
        self._in_body = False

    def told(self) -> bool:
        """Whether an event, or the end of them, was heard since the last call. Never waits."""
        data = b""
        try:
            while piece := os.read(self.descriptor, 65536):
                data += piece
            self.ended = True
        except BlockingIOError:
            pass
        except OSError:
            self.ended = True
        if not self._in_body:
            self._heading, end, data = (self._heading + data).partition(b"\r\n\r\n")
            self._in_body = bool(end)
            if not self._answered():
                self.ended = True
                return False
        return bool(data.strip()) or (self.ended and time.monotonic() - self._begun > _AT_ONCE)

    def _answered(self) -> bool:
        """Whether the heading, as far as it is here, is not that of a refusal."""
        words = self._heading.split(None, 2)
        return len(words) < 3 or words[1] == b"200"

    def close(self) -> None:
        """Ends it."""
        self.descriptor = -1
        if self._api is not None:
            self._api.close()
            self._api = None
