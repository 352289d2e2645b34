"""The styles of roles in lines that are no pane: the band of the answer, the line of the time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.content import Content

from views.text import Role, Span

STYLES: Mapping[Role, str] = {
    Role.GOOD: "$text-success bold",
    Role.BAD: "$text-error bold",
    Role.WARN: "$text-warning bold",
    Role.STRONG: "bold",
    Role.TRACED: "$text-accent bold",
    Role.DIM: "$foreground 60%",
}


def styled(spans: Iterable[Span], styles: Mapping[Role, str] = STYLES) -> Content:
    """One line; a role without a style is plain."""
    return Content.assemble(*((span.text, styles.get(span.role, "")) for span in spans))
