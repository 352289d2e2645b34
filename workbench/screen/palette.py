"""The command palette: every action of the table by its title, and the questions that the host suggests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

#: A title, keys, and what it does.
Offer = tuple[str, str, Callable[[], object]]


class Offering(Protocol):
    """An app with a palette."""

    def offers(self) -> Iterator[Offer]:
        """What can be chosen."""
        ...


class Commands(Provider):
    """What can be done, by name."""

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for title, keys, run in cast("Offering", self.app).offers():
            yield DiscoveryHit(_row(title, keys), run, text=title)

    async def search(self, query: str) -> Hits:
        """What fits the words."""
        matcher = self.matcher(query)
        for title, keys, run in cast("Offering", self.app).offers():
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, matcher.highlight(_row(title, keys)), run, text=title)


def _row(title: str, keys: str) -> str:
    """A title with its keys behind it: one row."""
    return f"{title}   {keys}" if keys else title
