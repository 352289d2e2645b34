"""draw.io (https://www.drawio.com/doc/faq/save-file-formats): an uncompressed mxfile that its editor opens.

Places are those of the SVG picture, so both look alike; in the editor they can be moved.
"""

from __future__ import annotations

from collections.abc import Iterator

from views.reports.formats.names import short_ids, xml
from views.reports.formats.placing import Box, place
from views.topology.network import Graph, Place, Spot

STYLES: dict[Place, str] = {
    Place.OUTSIDE: "ellipse;whiteSpace=wrap;html=1;",
    Place.HOST: "shape=cube;size=6;whiteSpace=wrap;html=1;",
    Place.BRIDGE: "shape=hexagon;size=8;perimeter=hexagonPerimeter2;whiteSpace=wrap;html=1;",
    Place.NAMESPACE: "rounded=1;whiteSpace=wrap;html=1;",
}


def render(graph: Graph) -> str:
    """One mxfile with one page."""
    return "\n".join(
        [
            '<mxfile host="portscope">',
            '  <diagram id="topology" name="topology">',
            '    <mxGraphModel grid="1" gridSize="10"><root>',
            '      <mxCell id="0"/>',
            '      <mxCell id="1" parent="0"/>',
            *_cells(graph),
            "    </root></mxGraphModel>",
            "  </diagram>",
            "</mxfile>",
            "",
        ]
    )


def _cells(graph: Graph) -> Iterator[str]:
    ids = short_ids(graph)
    boxes = place(graph).boxes
    for spot in graph.spots:
        yield _vertex(spot, ids[spot.id], boxes[spot.id])
    for number, wire in enumerate(graph.wires):
        style = "endArrow=none;html=1;" + ("" if wire.up else "dashed=1;") + ("strokeWidth=4;" if wire.traced else "")
        yield (
            f'      <mxCell id="e{number}" value="{_html(wire.label)}" style="{style}" edge="1" parent="1" '
            f'source="{ids[wire.one]}" target="{ids[wire.other]}"><mxGeometry relative="1" as="geometry"/></mxCell>'
        )


def _vertex(spot: Spot, name: str, box: Box) -> str:
    style = STYLES[spot.place] + ("" if spot.up else "dashed=1;")
    style += "strokeColor=#c00000;strokeWidth=4;" if spot.stop else "strokeWidth=4;" if spot.traced else ""
    stop = (f"✗ {spot.stop}",) if spot.stop else ()
    label = xml("<br>").join(_html(line) for line in (spot.label, *spot.lines, *stop))
    return (
        f'      <mxCell id="{name}" value="{label}" style="{style}" vertex="1" parent="1">'
        f'<mxGeometry x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" as="geometry"/></mxCell>'
    )


def _html(text: str) -> str:
    """A label is HTML inside an attribute: quoted for the one and for the other."""
    return xml(xml(text))
