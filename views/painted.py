"""The base of the drawn panes: a scrolling widget that paints lines of roles in the theme's colours.

Each role is a component class, so a theme changes every picture at once. A subclass gives the number of
lines and the spans of one line; only lines in view are ever asked for, so size costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.scroll_view import ScrollView
from textual.strip import Strip

from views.text import Role, Span


class Painted(ScrollView, can_focus=True):
    """A pane of lines made of roles."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"role--{role}" for role in Role} | {"cursor", "cursor-blurred"}
    DEFAULT_CSS = """
    Painted {
        scrollbar-size: 1 1;
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

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._styles: dict[Role, Style] = {}

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
            segments.append(Segment(span.text, style + over if over else style))
        base = self.rich_style + over if over else self.rich_style
        width = self.scrollable_content_region.width
        return Strip(segments).crop_extend(offset, offset + width, base).apply_style(self.rich_style)
