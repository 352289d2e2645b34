"""The filter that draws the whole screen in ASCII, whatever widget a glyph is from."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from views.ascii import in_ascii


class PlainGlyphs(LineFilter):
    """Every line of the screen, one character for one."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The segments with ASCII texts."""
        return [Segment(in_ascii(segment.text), segment.style, segment.control) for segment in segments]
