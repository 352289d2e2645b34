"""A menu: rows of which one is chosen, by the cursor or by its letter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from textual import events

from engine.records import dataclass
from views.text import Entry, Line, Role, Span, paragraph
from workbench.screen.dialogs import Choice


@dataclass(frozen=True, slots=True)
class Item:
    """A row of a menu. Without a letter it is reached by the cursor alone; without a key it is a heading. `about` says
    more, in lines below it."""

    letter: str
    text: str
    key: object = None
    about: tuple[str, ...] = ()


class Menu(Choice):
    """Rows of which one is chosen, by the cursor or by its letter."""

    def __init__(self, title: str, items: Sequence[Item], chosen: Callable[[object], object], empty: str = "") -> None:
        self._by_letter = {item.letter: item.key for item in items if item.letter}
        lettered = any(item.letter for item in items)

        def lay(width: int) -> list[Entry]:
            return [line for item in items for line in (_row(item, lettered), *_about(item, width))]

        super().__init__(
            title,
            f"enter{' or the letter' if lettered else ''} chooses · / filters · esc closes",
            lay,
            empty,
            chosen,
        )

    def on_key(self, event: events.Key) -> None:
        """A letter chooses its row."""
        if event.character in self._by_letter and self.listing.on_screen:
            event.stop()
            event.prevent_default()
            self.choose_key(self._by_letter[event.character])


def _about(item: Item, width: int) -> Iterator[Line]:
    for text in item.about:
        yield from (Line((Span(line, Role.DIM),)) for line in paragraph(text, width, first="      "))


def _row(item: Item, lettered: bool) -> Line:
    if item.key is None:
        return Line((Span(item.text, Role.HEAD),))
    if not lettered:
        return Line((Span(item.text),), item.key)
    return Line((Span(f"{item.letter:>2}  ", Role.TRACED), Span(item.text)), item.key)
