"""What the palette offers: every action, questions, and what is on the screen by its name; the recent ones first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from views.nat.rows import ChainRow
from views.topology.graph import Kind
from views.verdict.ask import Ask, suggestions
from workbench.actions import ACTIONS
from workbench.controllers.stage import Stage
from workbench.screen.palette import Offer

#: So many things of a kind are offered, and so many choices remembered.
MOST, MOST_RECENT = 80, 6


class Offering:
    """The offers of the palette."""

    def __init__(self, stage: Stage, ask: Callable[[Ask], object]) -> None:
        self._stage, self._ask = stage, ask
        self._recent: list[str] = []

    def offers(self) -> Iterator[Offer]:
        """All of them; what was chosen last comes first."""
        found = {title: (title, keys, run) for title, keys, run in self._all()}
        for title in [*(each for each in self._recent if each in found), *found]:
            if title in found:
                _, keys, run = found.pop(title)
                yield title, keys, partial(self._chosen, title, run)

    def _chosen(self, title: str, run: Callable[[], object]) -> object:
        self._recent = [title, *(each for each in self._recent if each != title)][:MOST_RECENT]
        return run()

    def _all(self) -> Iterator[Offer]:
        app, panes = self._stage.app, self._stage.panes
        for action in (each.with_keys(self._stage.settings.keys) for each in ACTIONS):
            if action.palette:
                yield action.title, action.keys_for_people, partial(app.run_action, action.call)
        if panes.snapshot is None:
            return
        for ask in suggestions(panes.snapshot):
            yield f"Why {ask.words}", "", partial(self._ask, ask)
        scene = panes.topology.full
        nodes = (node for node in (scene.nodes.values() if scene is not None else ()) if node.kind is not Kind.PORT)
        for node in list(nodes)[:MOST]:
            yield f"Show {node.name}", "", partial(panes.show_node, node.id)
        chains = (row for row in panes.rules.entries if isinstance(row, ChainRow))
        for row in list(chains)[:MOST]:
            yield f"Show {row.table.name}/{row.chain.name}", "", partial(panes.show_chain, row)
