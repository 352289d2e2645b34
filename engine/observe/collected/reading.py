"""Reads one section after the other of a namespace, and turns what fails into gaps: `Reader`, for collected files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from engine.model.host import Gap
from engine.observe.collected.sections import Section
from engine.observe.firewall.errors import FirewallTextError

Value = TypeVar("Value")
#: A row of a tool's JSON.
Row = Mapping[str, Any]
#: What a parser of a text may meet in a damaged one.
DAMAGE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, FirewallTextError)


class Reading:
    """The sections of one namespace; `gaps` collects what failed."""

    def __init__(self, netns: str, sections: Mapping[str, Section]) -> None:
        self.netns = netns
        self.sections = sections
        self.gaps: list[Gap] = []

    def gap(self, source: str, reason: str) -> None:
        """Notes what could not be read."""
        self.gaps.append(Gap(source, self.netns, reason))

    def text(self, source: str) -> str | None:
        """What the tool of a source printed; None where it was not asked or failed (then a gap says so)."""
        section = self.sections.get(source)
        if section is None:
            return None
        if section.status:
            self.gap(source, section.complaint or f"the tool failed with exit code {section.status}")
            return None
        return section.text

    def read(self, source: str, parse: Callable[[str], Value]) -> Value | None:
        """What `parse` makes of a source's text; None, where it was not gathered or, with a gap, makes no sense."""
        text = self.text(source)
        if text is None:
            return None
        try:
            return parse(text)
        except DAMAGE as error:
            words = " ".join(f"{error}".split())[:120]
            self.gap(source, f"what the tool printed makes no sense: {words or type(error).__name__}")
            return None


def rows(text: str) -> list[Row]:
    """The rows of a tool's JSON list; nothing printed is no row, and older tools print {} for a row they left out."""
    found = json.loads(text) if text.strip() else []
    if not isinstance(found, list):
        raise ValueError("the JSON is no list")
    return [row for row in found if isinstance(row, dict) and row]


def documents(text: str) -> list[Row]:
    """JSON documents, one a line."""
    return [found for line in text.splitlines() if line.strip() and isinstance(found := json.loads(line), dict)]
