"""The events of a container engine, as they come: that there are some, and the ids that they name.

The engine is asked once, and its answer has no end: a line for each event of the kinds that change who and what there
is. Health checks and commands in containers are not among them. An engine that ends its answer, or has none, is not
asked again until its socket is another one or the watch begins anew.

Source: Docker Engine API, GET /events.
"""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress
from urllib.parse import quote

from engine.observe.engines.unix_http import EngineError, UnixHTTP

_KINDS = {
    "type": ["container", "network"],
    "event": ["create", "start", "die", "destroy", "rename", "pause", "unpause", "update", "connect", "disconnect"],
}
#: The id of a container or network.
_ID = re.compile(rb"\b[0-9a-f]{64}\b")
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
        self._rest = b""
        self._named: set[str] | None = set()

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
        self._note(data)
        return bool(data.strip()) or (self.ended and time.monotonic() - self._begun > _AT_ONCE)

    def named(self) -> set[str] | None:
        """The ids in events since the last call; None where that is not all that may be different."""
        found, self._named = (None if self.ended else self._named), set()
        return found

    def _note(self, data: bytes) -> None:
        """Takes ids from whole lines; the last one may still be on its way. A line that names nothing may mean all."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            found = _ID.findall(line)
            if b"{" in line and not found:
                self._named = None
            if self._named is not None:
                self._named.update(str(each, "ascii") for each in found)

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
