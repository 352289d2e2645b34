"""The actions that move: between panes, within a pane, and back out of what is open.

A part of the workbench, split off because moving has nothing to do with asking or mending. It uses the panes and the
prompts of the app that it is mixed into.
"""

from __future__ import annotations

from views.listing import Listing
from views.topology.widget import Topology
from workbench.screen.dialogs import Dialog
from workbench.screen.panes import NAMES
from workbench.screen.prompt import Prompt
from workbench.screen.stage import Stage


class Navigation(Stage):
    """Moving about."""

    def action_pane(self, name: str) -> None:
        """Goes to a pane."""
        self.close_prompts()
        self.panes.go(name)

    def action_next_pane(self, step: int) -> None:
        """Goes to the next pane; in a prompt to the next field, on another screen to its next widget."""
        prompt = next((prompt for prompt in self.query(Prompt) if prompt.opened), None)
        if len(self.screen_stack) > 1:
            (self.screen.focus_next if step > 0 else self.screen.focus_previous)()
        elif prompt is not None:
            prompt.next_field(step)
        else:
            here = NAMES.index(self.panes.current)
            self.panes.go(NAMES[(here + step) % len(NAMES)])

    def action_zoom(self) -> None:
        """One pane, or all."""
        self.panes.toggle_class("-zoomed")

    def action_backend(self) -> None:
        """Shows the rules of the next backend alone, at last those of all."""
        if len(self.panes.rules.backends) < 2:
            self.notify("Only one backend has rules.", timeout=3)
        self.panes.rules.next_backend()
        self.panes.retitle()

    def action_details(self) -> None:
        """Shows all about what is selected."""
        lay = self.panes.details()
        if lay is None:
            self.say("Select a step, a rule, a node or a cause first.")
        else:
            self.push_screen(Dialog("Details", "↑ ↓ scroll · esc closes", lay))

    def action_unfold(self) -> None:
        """Folds or unfolds in the topology."""
        if self.panes.current == "topology":
            self.panes.topology.unfold()

    def action_move(self, across: int, down: int) -> None:
        """Moves the cursor of the current pane."""
        pane = self.panes.pane()
        if isinstance(pane, Topology):
            pane.step(across, down)
        elif isinstance(pane, Listing) and down:
            pane.move(down)

    def action_page(self, step: int) -> None:
        """Half a page up or down."""
        pane = self.panes.pane()
        if isinstance(pane, Listing):
            pane.page(step / 2)
        else:
            pane.scroll_relative(y=step * pane.size.height // 2, animate=False)

    def action_end(self, last: bool) -> None:
        """To the first or the last row."""
        pane = self.panes.pane()
        if isinstance(pane, Topology | Listing):
            pane.end(last)

    def action_leave(self) -> None:
        """Closes a prompt, else clears the pane's filter, else leaves the zoom, else goes back to now."""
        pane = self.panes.pane()
        if any(prompt.opened for prompt in self.query(Prompt)):
            self.close_prompts()
        elif isinstance(pane, Listing | Topology) and pane.pattern:
            pane.filter("")
            self.panes.retitle()
        elif self.panes.has_class("-zoomed"):
            self.action_zoom()
        else:
            self.show_moment(None)
