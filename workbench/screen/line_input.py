"""A line that is written in, and that keeps what is typed behind enter for whatever has the keys then.

Enter takes several messages until its line has closed or another field has the keys. What was typed meanwhile is in the
line's own queue, and would else be written behind the text that was handed on already.
"""

from __future__ import annotations

from textual.events import Key
from textual.widgets import Input


class LineInput(Input):
    """An input. Who handles its `Submitted` calls `release` when that is done."""

    _held: list[Key] | None = None

    async def _on_key(self, event: Key) -> None:
        if self._held is not None:
            event.stop()
            event.prevent_default()
            self._held.append(event)
            return
        if event.key == "enter":
            self._held = []
        await super()._on_key(event)

    def release(self) -> None:
        """Gives the keys that came behind enter to what has the focus now."""
        held, self._held = self._held or [], None
        for key in held:
            self.app.post_message(Key(key.key, key.character))
