"""The base of the drawn panes: a scrolling widget that paints lines of roles in the theme's colours.

Each role is a component class, so a theme changes every picture at once. A subclass gives the number of
lines and paints one line; only lines in view are ever asked for, so size costs nothing.

A fault in a picture ends nothing: what fails while a line is painted, or while a message is handled, is told to the
owner once, a line that cannot be painted says so, and the other lines and panes stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from views.text import Role, Span, paragraph, visible

UNPAINTED = " ✗ this line cannot be drawn"


class Painted(ScrollView, can_focus=True):
    """A pane of lines made of roles."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"role--{role}" for role in Role} | {"cursor", "cursor-blurred"}
    DEFAULT_CSS = """
    Painted {
        scrollbar-size: 1 1;
        scrollbar-background: $surface;
        scrollbar-background-hover: $surface;
        scrollbar-background-active: $surface;
        scrollbar-color: $foreground 25%;
        background: $surface;
        & > .role--plain { color: $foreground; }
        & > .role--dim { color: $foreground 60%; }
        & > .role--strong { color: $foreground; text-style: bold; }
        & > .role--head { color: $text-primary; text-style: bold; }
        & > .role--good { color: $text-success; }
        & > .role--bad { color: $text-error; text-style: bold; }
        & > .role--warn { color: $text-warning; }
        & > .role--traced { color: $text-accent; text-style: bold; }
        & > .role--focus { color: $text-accent; text-style: bold reverse; }
        & > .role--code { color: $foreground 85%; text-style: italic; }
        & > .cursor { background: $primary 40%; text-style: bold; }
        & > .cursor-blurred { background: $foreground 12%; }
    }
    """

    class Broken(Message):
        """Something failed in a pane."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._styles: dict[Role, Style] = {}
        self._told = ""
        self._captions = ("", "")

    def caption(self, *, top: Content | None = None, below: Content | None = None) -> None:
        """Writes into the upper and lower border, where that says something else: the whole pane is painted then."""
        said, under = self._captions
        if top is not None and top.plain != said:
            said, self.border_title = top.plain, top
        if below is not None and below.plain != under:
            under, self.border_subtitle = below.plain, below
        self._captions = (said, under)

    def paint(self, y: int) -> Strip:
        """One line of the pane, as it is scrolled now."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """One line of the pane; one that cannot be painted says so."""
        try:
            return self.paint(y)
        except Exception as error:
            self._tell(error)
            return Strip([Segment(UNPAINTED, self.rich_style)]).adjust_cell_length(self.size.width, self.rich_style)

    async def _dispatch_message(self, message: Message) -> None:
        """Textual's; what a handler raises would end the program there."""
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        """Tells the owner; the same fault, which every line and every paint may have, once."""
        words = repr(error)
        if words != self._told:
            self._told = words
            self.post_message(self.Broken(error))

    def said(self, text: str, y: int) -> Strip:
        """A line of what stands where there is nothing to show, broken at the pane's width."""
        width = self.scrollable_content_region.width
        lines = [line for part in text.split("\n") for line in paragraph(part, width, first=" ")]
        return self.strip([Span(lines[y], Role.DIM)] if y < len(lines) else [])

    def notify_style_update(self) -> None:
        """The theme or a class changed: the colours are looked up anew."""
        super().notify_style_update()
        self._styles = {}
        self.refresh()

    def role_style(self, role: Role) -> Style:
        """The foreground of a role, without a background of its own."""
        if role not in self._styles:
            self._styles[role] = self.component_style(f"role--{role}")
        return self._styles[role]

    def component_style(self, name: str) -> Style:
        """A component's colours on this pane's background. What it does not set stays unset."""
        rules = self.get_component_styles(name)
        under = self.background_colors[1]
        color = (under + rules.color).rich_color if rules.has_rule("color") else None
        background = (under + rules.background).rich_color if rules.has_rule("background") else None
        return Style(color=color, bgcolor=background) + rules.text_style

    def strip(self, spans: Iterable[Span], offset: int = 0, over: Style | None = None) -> Strip:
        """One line at the pane's width, scrolled by `offset`, with `over` (a cursor) on top of its colours.

        Nothing is dim under a cursor: it would be hard to read there.
        """
        segments = []
        for span in spans:
            style = self.role_style(Role.PLAIN if over and span.role is Role.DIM else span.role)
            segments.append(Segment(visible(span.text), style + over if over else style))
        base = self.rich_style + over if over else self.rich_style
        width = self.scrollable_content_region.width
        return Strip(segments).crop_extend(offset, offset + width, base).apply_style(self.rich_style)
