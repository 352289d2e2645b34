"""All about one node of the topology: a namespace with what it serves, or a link with its address. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from views.text import Line, Role, Span, paragraph
from views.topology.graph import Node, State

STATES = {State.UP: "up", State.DOWN: "down", State.UNKNOWN: "outside of the snapshot"}


def node_lines(node: Node, cut_off: Sequence[str], width: int) -> list[Line]:
    """The node as lines, nothing cut; `cut_off` are the places that have no way out without it."""
    head = (
        Span(f"{node.state.value} {node.name}", Role.HEAD),
        Span(f"  {node.kind} · {STATES[node.state]}", Role.DIM),
    )
    lines = [Line(head)]
    if node.detail:
        lines.append(Line((Span(f"  {node.detail}"),)))
    for fact in node.facts:
        lines += [Line((Span(line),)) for line in paragraph(str(fact), width, first="  · ")]
    if cut_off:
        told = f"Without it {', '.join(cut_off)} {'is' if len(cut_off) == 1 else 'are'} cut off."
        lines += [Line((Span(line, Role.WARN),)) for line in paragraph(told, width, first="  ", rest="  ")]
    return lines
