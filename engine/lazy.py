"""A sequence whose items are made when somebody looks at one of them.

A host can have tens of thousands of rules, and a question looks at a few chains. `Later` holds what was read of each
item and how items are made of it. To everybody it is the tuple of these items: equal to it, hashed alike, as long.
Two of them that were read alike are equal without being made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, overload

Item = TypeVar("Item")


class Later(Sequence[Item]):
    """The items that `make` gives for `raw`: one for each, always the same ones, and without an error.

    `make` is compared, so it should be a frozen value that can be called.
    """

    __slots__ = ("_items", "_make", "_raw")

    def __init__(self, make: Callable[[Sequence[Any]], tuple[Item, ...]], raw: Sequence[Any]) -> None:
        self._make, self._raw = make, raw
        self._items: tuple[Item, ...] | None = None

    def _made(self) -> tuple[Item, ...]:
        found = self._items
        if found is None:
            found = self._items = self._make(self._raw)
        return found

    def __len__(self) -> int:
        return len(self._raw)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._made())

    @overload
    def __getitem__(self, at: int) -> Item: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, at: int | slice) -> Item | tuple[Item, ...]:
        return self._made()[at]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Later | tuple):
            return NotImplemented
        if len(self) != len(other):
            return False
        if isinstance(other, Later):
            return (self._raw == other._raw and self._make == other._make) or self._made() == other._made()
        return self._made() == other

    def __hash__(self) -> int:
        return hash(self._made())

    def __repr__(self) -> str:
        return repr(self._made())

    def __reduce__(self) -> tuple[Any, ...]:
        return Later, (self._make, self._raw)
