"""The footer: the keys of the table that have a word there, as many as have room, each of them whole."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from views.text import cells

#: Empty cells of a key's entry: around the key, and behind its word.
PADDING = 3


class Keys(Footer):
    """Textual's footer, which ends where the next key would be cut."""

    def compose(self) -> ComposeResult:
        """The keys from the first on. The last one may do without the empty cell behind its word."""
        room = self.app.size.width + 1
        for entry in super().compose():
            if isinstance(entry, FooterKey):
                room -= cells(entry.key_display) + cells(entry.description) + PADDING
            if room < 0:
                return
            yield entry

    def on_resize(self) -> None:
        """Another width has room for other keys."""
        self.refresh(recompose=True)
