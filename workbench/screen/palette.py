"""The command palette: every action of the table by its title, and the questions that the host suggests."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from views.verdict.ask import suggestions
from workbench.actions import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workbench.screen.stage import Stage


class Commands(Provider):
    """What can be done, by name."""

    def _all(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        app = cast("Stage", self.app)
        for action in (each.with_keys(app.settings.keys) for each in ACTIONS):
            if action.palette:
                yield action.title, action.keys_for_people, partial(app.run_action, action.handler)
        if app.panes.snapshot is not None:
            for ask in suggestions(app.panes.snapshot):
                yield f"Why {ask.words}", "", partial(app.ask, ask)

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for title, keys, run in self._all():
            yield DiscoveryHit(title, run, help=keys)

    async def search(self, query: str) -> Hits:
        """What fits the words."""
        matcher = self.matcher(query)
        for title, keys, run in self._all():
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, matcher.highlight(title), run, help=keys)
