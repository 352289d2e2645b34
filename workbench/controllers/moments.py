"""Looking: at the host again, at an earlier moment, at what changed, at when the answer flipped.

The host is watched all the time, and every moment is kept in the timeline; what the screen
shows is now, or the moment that the user has gone to. A flip of the answer is told in either case; which of the changes
flips it is searched when the changes are looked at (`comparing`).
"""

from __future__ import annotations

from functools import partial

from engine.change.differences import changes as differences
from engine.model.verdict import Reach
from views.verdict.time_strip import place_of, strip_cells
from views.verdict.timeline import Earlier, TimelineFlip, timeline_lines
from workbench.controllers.stage import Stage
from workbench.controllers.thinking import Thinking
from workbench.exits import Refusal
from workbench.screen.dialogs import Dialog
from workbench.screen.time_strip import TimeStrip
from workbench.screen.timeline import TimelineDialog
from workbench.session.comparing import Compared, Part, compare
from workbench.session.flips import clock
from workbench.session.messages import Boarded, Flipped, Looked, Reading
from workbench.session.sources import Recorded
from workbench.session.timeline import Moment


class Moments:
    """The moments of the source, of which one is shown."""

    def __init__(self, stage: Stage, thinking: Thinking) -> None:
        self._stage, self._thinking = stage, thinking

    def looked(self, event: Looked) -> None:
        """Keeps the moment, and shows it unless the user is at another one."""
        if self._stage.timeline.now is None:
            self._stage.busy("")
        moment = self._stage.timeline.add(event.snapshot, event.changed)
        if self._stage.pinned is None and not self._stage.sentences:  # a model of it is told next
            with self._stage.panes.kept():
                self._stage.panes.show_snapshot(moment.snapshot)
        self._stage.head()

    def reading(self, event: Reading) -> None:
        """Shows how far the first look is, and what is read of the host so far; not where another look was quicker."""
        if self._stage.timeline.now is not None:
            return
        look, panes = event.look, self._stage.panes
        self._stage.busy(f"reading {look.done} of {look.whole} namespaces …")
        if look.host is not None and panes.snapshot is None:
            with panes.kept():
                panes.preview(look.host)

    def boarded(self, event: Boarded) -> None:
        """Shows which ports can be reached, where nothing is asked."""
        self._stage.panes.show_board(event.rows)

    def flipped(self, event: Flipped) -> None:
        """Tells that the answer is another one, and what came with that; in a round of the dojo it does not."""
        if self._stage.in_round:
            return
        flip = event.flip
        if self._stage.settings.bell:
            self._stage.app.bell()
        self._stage.timeline.flipped(flip)
        self._stage.time()
        self._stage.panes.tell_flip(f"{clock(flip.at)} {flip.after}".strip())
        self._stage.app.notify(
            flip.cause.words or "no change of the host in the timeline",
            title=f"{flip.ask.words}: {flip.after}",
            severity="information" if flip.reach is Reach.YES else "warning",
            timeout=10,
        )

    def show(self, moment: Moment | None) -> None:
        """Shows a moment with the answer that it gives; None is now."""
        if moment is None and self._stage.pinned is None:
            return
        self._stage.pinned = moment
        shown = moment or self._stage.timeline.now
        if moment is not None:
            self._stage.panes.topology.flow({})  # what passes now did not pass then
        if shown is not None and not self._stage.sentences:
            with self._stage.panes.kept():
                self._stage.panes.show_snapshot(shown.snapshot)
        self._stage.session.show(moment.snapshot if moment else None)
        self._stage.head()

    def refresh(self) -> None:
        """Looks now, and shows it."""
        self.show(None)
        self._stage.session.refresh()

    def freeze(self) -> None:
        """Keeps this moment on the screen, or goes back to now."""
        self.show(self._stage.timeline.now if self._stage.pinned is None else None)

    def step(self, step: int) -> None:
        """Goes to the moment of the cell of the time before or after. After the last one comes now."""
        moments = self._stage.timeline.moments
        if not moments or (self._stage.pinned is None and step > 0):
            self._stage.app.notify("This is now.", timeout=2)
            return
        cells = strip_cells(self._stage.strip_moments())
        here = self._stage.timeline.place(self._stage.pinned) if self._stage.pinned else len(moments) - 1
        there = place_of(cells, here) + step
        if there < 0:
            self._stage.app.notify("This is the first moment.", timeout=2)
        else:
            self._go(cells[min(there, len(cells) - 1)].last)

    def scrubbed(self, event: TimeStrip.Scrubbed) -> None:
        """Goes to the moment that was clicked."""
        self._go(event.moment)

    def _go(self, number: int) -> None:
        moments = self._stage.timeline.moments
        self.show(moments[number] if number < len(moments) - 1 else None)

    def changes(self) -> None:
        """Shows what changed since the previous moment to the shown one, and from there to now."""
        now = self._stage.timeline.now
        if now is None:
            return
        shown = self._stage.pinned or now
        place = self._stage.timeline.place(shown)
        earlier = self._stage.timeline.moments[place - 1].snapshot if place else shown.snapshot
        parts = [Part(f"{clock(shown.at)} since the previous moment".strip(), shown.changed, earlier, shown.snapshot)]
        if self._stage.pinned is not None:
            found = differences(shown.snapshot, now.snapshot)
            parts.append(Part("since then", found, shown.snapshot, now.snapshot))
        asked, resolve = self._stage.asked, self._stage.session.resolve
        self._thinking.start(lambda told, stop: compare(parts, asked, resolve, told, stop))

    def compared(self, event: Compared) -> None:
        """Shows what changed, and what of it flips the answer."""
        self._stage.app.push_screen(Dialog("What changed", "[ ] go to other moments · esc closes", event.lay))

    def choose(self) -> None:
        """Shows the moments, the last one first, and goes to the one that is chosen."""
        stage, timeline = self._stage, self._stage.timeline
        moments = list(timeline.moments)  # what is chosen is what was shown, whatever goes meanwhile
        changed = (sorted(each.changed, key=lambda change: not stage.touches(change)) for each in moments)
        seen = [(strip, tuple(map(str, words))) for strip, words in zip(stage.strip_moments(), changed, strict=True)]
        found = ((number, timeline.flip_in(each)) for number, each in enumerate(moments))
        flips = [TimelineFlip(number, flip.words) for number, flip in found if flip is not None]

        recorded = stage.source.recorded
        earlier = recorded.before(moments[0].at) if recorded is not None and moments else ()

        def go(key: object) -> None:
            if isinstance(key, int):
                self.show(moments[key] if moments[key] is not timeline.now else None)
            elif isinstance(key, Earlier) and recorded is not None:
                stage.app.run_worker(partial(self._recorded, recorded, key.number), thread=True)

        stage.app.push_screen(TimelineDialog(partial(timeline_lines, seen, flips, timeline.gone, earlier), go))

    def _recorded(self, recorded: Recorded, number: int) -> None:
        """Shows a moment of the recorder's store, which is read beside the screen."""
        try:
            moment = Moment(recorded.snapshot(number))
        except Refusal as refusal:
            self._stage.app.call_from_thread(self._stage.app.notify, str(refusal), severity="warning")
        else:
            self._stage.app.call_from_thread(self.show, moment)
