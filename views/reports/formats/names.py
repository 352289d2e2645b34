"""Names that any of the formats can carry.

Words come from the host: a label may hold quotes, markup, control characters or a half surrogate. XML 1.0 has no
way to write most control characters at all, so they are written as their escapes before any format quotes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from views.harmless import clean
from views.topology.network import Graph


def short_ids(graph: Graph) -> Mapping[str, str]:
    """For each node's id a short one that every format accepts: `n0`, `n1`, … in order."""
    return {spot.id: f"n{number}" for number, spot in enumerate(graph.spots)}


def xml(text: str) -> str:
    """Text for XML or HTML, in an element or in a double-quoted attribute."""
    return escape(clean(text), quote=True)
