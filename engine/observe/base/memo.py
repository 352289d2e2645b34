"""A function of one argument whose results are remembered: `memo[argument]` is a look into a dict.

It is for what comes again by the thousands, where a call of `functools.lru_cache` would be most of the work. One that
is full begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Memo(dict[Key, Value]):
    """What `find` gave, by its argument, for up to `limit` arguments. What it raises is not remembered."""

    def __init__(self, find: Callable[[Key], Value], limit: int = 1 << 16) -> None:
        super().__init__()
        self._find, self._limit = find, limit

    def __missing__(self, key: Key) -> Value:
        found = self._find(key)
        if len(self) >= self._limit:
            self.clear()
        self[key] = found
        return found
