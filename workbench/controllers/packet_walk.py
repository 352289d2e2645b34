"""The packet walks: step by step along the path, on the topology, and its reply back.

It is played, or stepped by hand. Over a link that is slow by nature (SSH) it is played hop by hop; where the user wants
no motion it is stepped alone.
"""

from __future__ import annotations

import os

from textual.timer import Timer

from engine.model.verdict import Verdict
from views.topology.flight import DEEPEST
from workbench.actions import ASK_FIRST
from workbench.controllers.stage import Stage

#: Seconds between two steps; a packet that was rewritten stays a little longer.
PACE, FLASH = 0.22, 0.8


class PacketWalk:
    """The walk of the shown answer's packets."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._timer: Timer | None = None
        self._verdict: Verdict | None = None
        self._fell = 0

    def play(self) -> None:
        """Plays on from where the packet is, or halts it there."""
        if self._timer is not None:
            self._halt()
        elif self._stage.panes.verdict is None:
            self._stage.say(ASK_FIRST)
        elif self._stage.app.animation_level == "none":
            self._stage.say("Animations are off (TEXTUAL_ANIMATIONS): {onward} and {backward} step.")
        else:
            self._verdict = self._stage.panes.verdict
            self._tick()

    def step(self, steps: int) -> None:
        """Halts, and goes a step on or back."""
        self._halt()
        if self._stage.panes.verdict is None:
            self._stage.say(ASK_FIRST)
        elif not self._stage.panes.walk(steps):
            self._stage.app.notify("The walk has no further step.", timeout=2)

    def _halt(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer, self._fell = None, 0

    def _tick(self) -> None:
        """One step, and the time of the next. Another answer, or the end, ends the walk."""
        panes = self._stage.panes
        if panes.verdict is not self._verdict:
            self._halt()
            return
        self._timer = self._stage.app.set_timer(PACE, self._tick)
        if panes.stopped and self._fell < DEEPEST:
            self._fell += 1
            panes.fall(self._fell)
            return
        self._fell = 0
        if not panes.walk(1, hops="SSH_CONNECTION" in os.environ):
            self._halt()
        elif panes.changed:
            self._timer.stop()
            self._timer = self._stage.app.set_timer(FLASH, self._tick)
