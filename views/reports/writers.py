"""The formats of a report, as one table: name, what it is for, and the function that writes it.

A writer's module is loaded when its format is asked for: networkx alone takes longer than all the others together.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from engine.records import dataclass
from views.harmless import harmless

if TYPE_CHECKING:
    from views.reports.document import Report


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its name on the command line, a file's ending, what it is for, and its writer."""

    name: str
    suffix: str
    tells: str
    module: str
    write: Callable[[Callable[..., str], Report], str]


def _whole(writer: Callable[..., str], report: Report) -> str:
    return writer(report)


def _picture(writer: Callable[..., str], report: Report) -> str:
    return writer(report.graph)


def _topology(writer: Callable[..., str], report: Report) -> str:
    return writer(report.graph, report.snapshot)


def _matrix(writer: Callable[..., str], report: Report) -> str:
    from engine.model.matrix import Matrix  # noqa: PLC0415 - nobody else needs it to know the formats' names

    return writer(report.matrix or Matrix((), ()))


FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        Format("html", ".html", "one page with picture, tables and answers", "page.page:render", _whole),
        Format("md", ".md", "Markdown with a Mermaid picture", "markdown:render", _whole),
        Format("text", ".txt", "plain text for a ticket", "plain:render", _whole),
        Format("json", ".json", "everything, for scripts", "report_json:dumps", _whole),
        Format("csv", ".csv", "the reachability matrix, a row for each cell", "grid:write_csv", _matrix),
        Format("svg", ".svg", "the picture alone", "formats.svg:render", _picture),
        Format("dot", ".dot", "Graphviz", "formats.dot:render", _picture),
        Format("mermaid", ".mmd", "a Mermaid flowchart", "formats.mermaid:render", _picture),
        Format("graphml", ".graphml", "GraphML, for graph programs", "formats.graphml:render", _picture),
        Format("node-link", ".graph.json", "node-link JSON, for d3 and scripts", "formats.node_link:render", _picture),
        Format("drawio", ".drawio", "draw.io", "formats.drawio:render", _picture),
        Format("containerlab", ".clab.yml", "a containerlab topology", "formats.containerlab:render", _topology),
    )
}


def write(report: Report, name: str) -> str:
    """The report in the format of that name. Raises `KeyError` for a format that is not in the table."""
    chosen = FORMATS[name]
    module, _, function = chosen.module.partition(":")
    return harmless(chosen.write(getattr(import_module(f"views.reports.{module}"), function), report))
