"""The actions that look: at the host again, at an earlier moment, at what changed, at when the answer flipped.

A part of the workbench. The host is watched all the time, and every moment is kept in the timeline; what the screen
shows is now, or the moment that the user has gone to. A flip of the answer is told in either case; which of the changes
flips it is searched when the changes are looked at (`comparing`).
"""

from __future__ import annotations

from engine.change.differences import changes
from engine.model.verdict import Reach
from views.verdict.history import timeline_lines
from workbench.screen.dialogs import Choice, Dialog
from workbench.screen.stage import Stage
from workbench.session.comparing import Compared, Part, compare
from workbench.session.flips import clock
from workbench.session.messages import Flipped, Looked
from workbench.session.timeline import Moment


class Looking(Stage):
    """Moments."""

    @property
    def shown_place(self) -> str:
        """Which moment is shown, for the header; empty for now."""
        if self.pinned is None:
            return ""
        moments = self.timeline.moments
        place = f"frozen at {clock(self.pinned.at)}" if self.pinned.at else "frozen"
        return f"{place} · {self.timeline.place(self.pinned) + 1} of {len(moments)}"

    def on_looked(self, event: Looked) -> None:
        """Keeps the moment, and shows it unless the user is at another one."""
        moment = self.timeline.add(event.snapshot, event.changed)
        if self.pinned is None:
            with self.panes.kept():
                self.panes.show_snapshot(moment.snapshot)
        self.head()

    def on_flipped(self, event: Flipped) -> None:
        """Tells that the answer is another one, and what came with that."""
        flip = event.flip
        self.timeline.flipped(flip)
        self.panes.tell_flip(f"{clock(flip.at)} {flip.after}".strip())
        self.notify(
            "\n".join(flip.changed[:4]) or "no change of the host in the timeline",
            title=f"{flip.ask.words}: {flip.after}",
            severity="information" if flip.reach is Reach.YES else "warning",
            timeout=10,
        )

    def show_moment(self, moment: Moment | None) -> None:
        """Shows a moment with the answer that it gives; None is now."""
        if moment is None and self.pinned is None:
            return
        self.pinned = moment
        shown = moment or self.timeline.now
        if moment is not None:
            self.panes.topology.flow({})  # what passes now did not pass then
        if shown is not None:
            with self.panes.kept():
                self.panes.show_snapshot(shown.snapshot)
        self.session.show(moment.snapshot if moment else None)
        self.head()

    def action_refresh(self) -> None:
        """Looks now, and shows it."""
        self.show_moment(None)
        self.session.refresh()

    def action_freeze(self) -> None:
        """Keeps this moment on the screen, or goes back to now."""
        self.show_moment(self.timeline.now if self.pinned is None else None)

    def action_step_time(self, step: int) -> None:
        """Goes to the moment before or after. After the last one comes now."""
        moments = self.timeline.moments
        if not moments or (self.pinned is None and step > 0):
            self.notify("This is now.", timeout=2)
            return
        here = self.timeline.place(self.pinned) if self.pinned else len(moments) - 1
        there = here + step
        if there < 0:
            self.notify("This is the first moment.", timeout=2)
        else:
            self.show_moment(moments[there] if there < len(moments) - 1 else None)

    def action_changes(self) -> None:
        """Shows what changed since the previous moment to the shown one, and from there to now."""
        now = self.timeline.now
        if now is None:
            return
        shown = self.pinned or now
        place = self.timeline.place(shown)
        earlier = self.timeline.moments[place - 1].snapshot if place else shown.snapshot
        parts = [Part(f"{clock(shown.at)} since the previous moment".strip(), shown.changed, earlier, shown.snapshot)]
        if self.pinned is not None:
            found = changes(shown.snapshot, now.snapshot)
            parts.append(Part("since then", found, shown.snapshot, now.snapshot))
        asked, resolve = self.asked, self.session.resolve
        self.think(lambda told, stop: compare(parts, asked, resolve, told, stop))

    def on_compared(self, event: Compared) -> None:
        """Shows what changed, and what of it flips the answer."""
        self.push_screen(Dialog("What changed", "[ ] go to other moments · esc closes", event.lay))

    def action_timeline(self) -> None:
        """Shows the moments, the last one first, and goes to the one that is chosen."""
        moments = self.timeline.moments
        flips = {flip.at: flip.after for flip in self.timeline.flips}
        seen = [(clock(each.at), tuple(map(str, each.changed)), flips.get(each.at, "")) for each in moments]

        def go(key: object) -> None:
            if isinstance(key, int):
                self.show_moment(moments[key] if key < len(moments) - 1 else None)

        lines = timeline_lines(seen, self.timeline.gone)
        self.push_screen(
            Choice("Timeline", "enter goes there · / filters · esc closes", lambda _: lines, "Nothing yet.", go)
        )
