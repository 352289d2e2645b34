"""Moving: between panes, within a pane, and back out of what is open."""

from __future__ import annotations

from views.listing import Listing
from views.topology.widget import Topology
from workbench.controllers.guide import Guide
from workbench.controllers.moments import Moments
from workbench.controllers.prompts import Prompts
from workbench.controllers.stage import Stage
from workbench.controllers.suppositions import Suppositions
from workbench.screen.panes import NAMES


class Navigation:
    """Moving about."""

    def __init__(
        self, stage: Stage, prompts: Prompts, moments: Moments, suppositions: Suppositions, guide: Guide
    ) -> None:
        self._stage, self._prompts, self._moments = stage, prompts, moments
        self._suppositions, self._guide = suppositions, guide

    def pane(self, name: str) -> None:
        """Goes to a pane."""
        self._prompts.close()
        self._stage.panes.go(name)

    def next_pane(self, step: int) -> None:
        """Goes to the next pane; in a prompt to the next field, on another screen to its next widget."""
        prompt, app = self._prompts.opened, self._stage.app
        if len(app.screen_stack) > 1:
            (app.screen.focus_next if step > 0 else app.screen.focus_previous)()
        elif prompt is not None:
            prompt.next_field(step)
        else:
            here = NAMES.index(self._stage.panes.current)
            self._stage.panes.go(NAMES[(here + step) % len(NAMES)])

    def jump(self) -> None:
        """From a step to its rule or link, and back."""
        reason = self._stage.panes.jump()
        if reason:
            self._stage.say(reason)

    def zoom(self) -> None:
        """One pane, or all."""
        self._stage.panes.toggle_class("-zoomed")

    def backend(self) -> None:
        """Shows the rules of the next backend alone, at last those of all."""
        if len(self._stage.panes.rules.backends) < 2:
            self._stage.app.notify("Only one backend has rules.", timeout=3)
            return
        self._stage.panes.rules.next_backend()
        self._stage.panes.retitle()

    def move(self, across: int, down: int) -> None:
        """Moves the cursor of the current pane."""
        pane = self._stage.panes.pane()
        if isinstance(pane, Topology):
            pane.step(across, down)
        elif isinstance(pane, Listing) and down:
            pane.move(down)

    def page(self, step: int) -> None:
        """Half a page up or down."""
        pane = self._stage.panes.pane()
        if isinstance(pane, Listing):
            pane.page(step / 2)
        else:
            pane.scroll_relative(y=step * pane.size.height // 2, animate=False)

    def end(self, last: bool) -> None:
        """To the first or the last row."""
        pane = self._stage.panes.pane()
        if isinstance(pane, Topology | Listing):
            pane.end(last)

    def leave(self) -> None:
        """Closes a prompt, else clears the pane's filter, else leaves the zoom, else ends what is supposed, else the
        tour, else goes back to now."""
        pane = self._stage.panes.pane()
        if self._prompts.opened is not None:
            self._prompts.close()
        elif isinstance(pane, Listing | Topology) and pane.pattern:
            pane.filter("")
            self._stage.panes.retitle()
        elif self._stage.panes.has_class("-zoomed"):
            self.zoom()
        elif self._suppositions.on:
            self._suppositions.end()
        elif self._stage.pinned is None and self._guide.on:
            self._guide.end()
        else:
            self._moments.show(None)
