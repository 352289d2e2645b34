"""The eight tools of an agent. Each asks portscope for a document and gives a piece of it; none changes the host."""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from engine.catalogue import CODES
from workbench.agents import documents, pieces
from workbench.agents.documents import NoDocument
from workbench.agents.pieces import Item, Piece

Target = Annotated[
    str,
    Field(
        description="ADDRESS:PORT, [V6]:PORT, CONTAINER:PORT (the port inside), :PORT (published on the host), a URL",
        max_length=2048,
    ),
]
Source = Annotated[
    str,
    Field(
        description="the client: host, ns:NAME, a container's name, or an ADDRESS outside of the host", max_length=256
    ),
]
File = Annotated[
    str, Field(description="a file of 'portscope snapshot'; empty: what the server was started on", max_length=4096)
]
Start = Annotated[int, Field(description="the item to begin with: `more` of the piece before", ge=0)]
Udp = Annotated[bool, Field(description="UDP instead of TCP")]

#: How a document becomes what it is about, and its items.
Cut = Callable[[Any], tuple[Item, list[Item]]]


class Tools:
    """The tools, on this host or on a snapshot."""

    def __init__(self, snapshot: str = "") -> None:
        self._snapshot = snapshot
        self._limiter: CapacityLimiter | None = None

    @property
    def all(self) -> tuple[Callable[..., Awaitable[Piece]], ...]:
        """Each with its description and the shape of its words."""
        return (
            self.why,
            self.everywhere,
            self.matrix,
            self.diff,
            self.when,
            self.explain_code,
            self.snapshot_summary,
            self.try_fix_in_twin,
        )

    async def why(
        self, target: Target, source: Source = "host", udp: Udp = False, snapshot: File = "", start: Start = 0
    ) -> Piece:
        """Why a port can or cannot be reached: what the client sees, each cause with its owner and evidence, and
        fixes that were checked on the model. Then the packet's path. Ask this first."""
        words = ["why", "--json", f"--from={source}", *(["--udp"] if udp else []), *self._of(snapshot), "--", target]
        return await self._piece(words, pieces.answer, start)

    async def everywhere(self, target: Target, snapshot: File = "", start: Start = 0) -> Piece:
        """The same question from the LAN, the host, its loopback addresses and each container: who reaches it."""
        words = ["why", "--json", "--from=everywhere", *self._of(snapshot), "--", target]
        return await self._piece(words, pieces.everywhere, start)

    async def matrix(self, snapshot: File = "", start: Start = 0) -> Piece:
        """Every open port from everywhere: warnings about what is exposed, then each port with who reaches it."""
        return await self._piece(["report", "--format=json", "--matrix", *self._of(snapshot)], pieces.matrix, start)

    async def diff(
        self,
        before: Annotated[str, Field(description="a saved snapshot", min_length=1, max_length=4096)],
        after: Annotated[str, Field(description="a later one; empty: the host now", max_length=4096)] = "",
        target: Annotated[str, Field(description="a question to ask of both; empty: none", max_length=2048)] = "",
        source: Source = "host",
        start: Start = 0,
    ) -> Piece:
        """What differs between two snapshots, and which of the changes flip the answer to a question."""
        words = ["diff", "--json", *([f"--why={target}", f"--from={source}"] if target else []), "--", before]
        return await self._piece([*words, *([after] if after else [])], pieces.difference, start)

    async def when(self, target: Target, source: Source = "host", udp: Udp = False, start: Start = 0) -> Piece:
        """When a port stopped answering, which change did it, and who made it: from the store of 'portscope record'."""
        words = ["when", "--json", f"--from={source}", *(["--udp"] if udp else []), "--", target]
        return await self._piece(words, pieces.history, start)

    async def explain_code(
        self, code: Annotated[str, Field(description="of a cause, as FW_RULE_DROP", max_length=80)]
    ) -> Piece:
        """What a cause's code means, what the client gets, and what fixes it."""
        found = CODES.get(code)
        if found is None:
            near = difflib.get_close_matches(code.upper(), CODES, 3, 0.5)
            raise ToolError(f"there is no code {code!r:.60}; near it: {', '.join(near) or 'none'}")
        return pieces.piece({"code": code, **found._asdict(), "page": f"portscope://causes/{code}"}, [])

    async def snapshot_summary(self, snapshot: File = "", start: Start = 0) -> Piece:
        """What there is: published ports, containers, networks, listeners. Names in it can be asked about."""
        return await self._piece(["report", "--format=json", *self._of(snapshot)], pieces.summary, start)

    async def try_fix_in_twin(
        self, target: Target, source: Source = "host", udp: Udp = False, snapshot: File = "", start: Start = 0
    ) -> Piece:
        """Rebuilds the snapshot in namespaces of its own, asks with a real client, applies the first fix there, asks
        again, and removes them. Needs root. The host's own network is not touched."""
        with tempfile.TemporaryDirectory(prefix="portscope-") as folder:
            file = snapshot or self._snapshot
            if not file:
                file = str(Path(folder) / "now.json")
                await self._thread(partial(documents.run, ["snapshot", "-o", file]))
            words = [
                "lab",
                "twin",
                "--json",
                f"--try={target}",
                f"--from={source}",
                *(["--udp"] if udp else []),
                "--",
                file,
            ]
            return await self._piece(words, pieces.trial, start, read_only=False)

    def _of(self, snapshot: str) -> list[str]:
        file = snapshot or self._snapshot
        return [f"--snapshot={file}"] if file else []

    async def _piece(self, words: list[str], cut: Cut, start: int, *, read_only: bool = True) -> Piece:
        document = await self._thread(partial(documents.printed, words, read_only=read_only))
        about, items = cut(document)
        return pieces.piece(about, items, start)

    async def _thread(self, work: Callable[[], Any]) -> Any:
        """Two questions at a time, each in a process of its own."""
        self._limiter = self._limiter or CapacityLimiter(2)
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        except NoDocument as reason:
            raise ToolError(str(reason)) from reason
