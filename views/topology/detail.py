"""All about one node of the topology: a namespace with what it serves, or a link with its address. Pure."""

from __future__ import annotations

from views.text import Line, Role, Span, paragraph
from views.topology.graph import Node, State

STATES = {State.UP: "up", State.DOWN: "down", State.UNKNOWN: "outside of the snapshot"}


def node_lines(node: Node, width: int) -> list[Line]:
    """The node as lines, nothing cut."""
    head = (
        Span(f"{node.state.value} {node.name}", Role.HEAD),
        Span(f"  {node.kind} · {STATES[node.state]}", Role.DIM),
    )
    lines = [Line(head)]
    if node.detail:
        lines.append(Line((Span(f"  {node.detail}"),)))
    for fact in node.facts:
        lines += [Line((Span(line),)) for line in paragraph(str(fact), width, first="  · ")]
    return lines
