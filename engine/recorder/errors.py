"""What goes wrong with a store."""

from __future__ import annotations


class StoreError(Exception):
    """A store cannot be opened, read or written; the message is one line: what is wrong, and what to do."""

    def __init__(self, line: str) -> None:
        super().__init__(" ".join(line.split()))


class StoreMissing(StoreError):
    """There is no store, or nothing in it yet."""


class StoreBusy(StoreError):
    """Another recorder writes the store."""


class StoreDamaged(StoreError):
    """The file is no store, or its content does not hang together."""
