"""Who changed something on the host."""

from __future__ import annotations

from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A process that changed something. `parent` is its parent's name, `user` who logged in and started it; empty where
    that is not known or was not wanted. `pid` 0 is the kernel, which follows up on another change."""

    program: str
    pid: int
    parent: str = ""
    user: str = ""

    def __str__(self) -> str:
        if not self.pid:
            return "the kernel"
        more = [f"pid {self.pid}", *([f"parent {self.parent}"] if self.parent else [])]
        more += [f"user {self.user}"] if self.user else []
        return f"{self.program or 'a process that has ended'} ({', '.join(more)})"
