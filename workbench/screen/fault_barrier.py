"""A fault of portscope's own becomes a state on the screen, and never ends it.

A part of the workbench. Panes catch what fails in them and tell it (`views.painted`); here is what fails in handlers of
the app and of what is `Held`, in callbacks and in timers. The first fault is kept: at the end it is told on the
terminal, too, so that it can be reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from views.painted import Painted
from workbench.exits import fault_words
from workbench.session.messages import Trouble

if TYPE_CHECKING:
    from textual.app import App

    Base = App[int]
else:
    Base = object


class Held(MessagePump):
    """A screen or widget that goes on when one of its handlers fails; Textual would leave it deaf."""

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            self.app._handle_exception(error)


class FaultBarrier(Base):
    """Faults. The app sets `standing` when there is a screen to tell them on."""

    standing = False
    fault: Exception | None = None

    def on_painted_broken(self, event: Painted.Broken) -> None:
        """Tells of a fault in a pane."""
        self._tell_fault(event.error)

    async def _dispatch_message(self, message: Message) -> None:
        """Textual's; it would stop listening after a handler that raises."""
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            self._handle_exception(error)

    def _handle_exception(self, error: Exception) -> None:
        """Textual's, for whatever nobody caught: there it always ends the program. Without a screen it still does."""
        if self.standing:
            self._tell_fault(error)
        else:
            super()._handle_exception(error)

    def _tell_fault(self, error: Exception) -> None:
        self.fault = self.fault or error
        self.post_message(Trouble(fault_words(error)))
