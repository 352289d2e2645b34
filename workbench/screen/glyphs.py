"""The filters through which the whole screen goes, whatever widget a character is from: one character for one.

Words come from the host, and must not steer the terminal; and some terminals have ASCII alone.
"""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from views.ascii import in_ascii
from views.text import visible


class Harmless(LineFilter):
    """Every character can be printed."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The segments with control characters as pictures of them."""
        if all(segment.text.isprintable() for segment in segments):
            return segments
        return [Segment(visible(segment.text), segment.style, segment.control) for segment in segments]


class PlainGlyphs(LineFilter):
    """Every character is ASCII."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The segments with ASCII texts."""
        return [Segment(in_ascii(segment.text), segment.style, segment.control) for segment in segments]


HARMLESS, PLAIN = Harmless(), PlainGlyphs()
