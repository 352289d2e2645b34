"""The HTML page of a report: headings in order, one landmark each, and everything in it as text.

Every word of the host is escaped where it is written. Answers come first (`answer`), then the picture and the tables.
What is good or bad has its mark or word beside its colour.
"""

from __future__ import annotations

from collections.abc import Iterator

from views.reports.document import Report
from views.reports.formats import svg
from views.reports.formats.names import xml
from views.reports.page.answer import answer
from views.reports.page.frame import framed
from views.reports.page.tables import section
from views.verdict.outline import question_text


def render(report: Report) -> str:
    """One HTML document."""
    return "\n".join(framed(report.title, report.about, _body(report), script="script.js")) + "\n"


def _body(report: Report) -> Iterator[str]:
    yield from _contents(report)
    yield '<main id="content">'
    for number, verdict in enumerate(report.answers, 1):
        yield from answer(verdict, number)
    yield from _topology(report)
    for sheet in report.sheets:
        yield from section(sheet)
    yield "</main>"


def _contents(report: Report) -> Iterator[str]:
    links = [(f"answer-{number}", question_text(verdict)) for number, verdict in enumerate(report.answers, 1)]
    links += [("topology", "Topology"), *((sheet.name, sheet.title) for sheet in report.sheets)]
    items = "".join(f'<li><a href="#{name}">{xml(words)}</a></li>' for name, words in links)
    yield f'<nav aria-label="Contents"><ul>{items}</ul></nav>'
    yield (
        '<div class="tools" role="search"><label for="search">Search the picture and the tables</label>'
        '<input id="search" type="search"><span id="found" role="status"></span></div>'
    )


def _topology(report: Report) -> Iterator[str]:
    yield '<section aria-labelledby="topology"><h2 id="topology">Topology</h2>'
    yield (
        '<div class="tools"><button type="button" data-map="in">zoom in</button>'
        '<button type="button" data-map="out">zoom out</button>'
        '<button type="button" data-map="fit">show all</button>'
        "<span>drag to move; with the picture focused: arrows, + - 0, or the wheel</span></div>"
    )
    picture = svg.element(report.graph)
    yield f'<div class="map" tabindex="0" role="group" aria-label="Picture of the topology">{picture}</div>'
    yield f"<p>{xml(svg.describe(report.graph))}</p></section>"
