"""The HTML page of a report: headings in order, one landmark each, and everything in it as text.

Every word of the host is escaped where it is written. Answers come first (`answer`), then the picture and the tables.
What is good or bad has its mark or word beside its colour.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

from views.reports.document import Report
from views.reports.formats import svg
from views.reports.formats.names import xml
from views.reports.page.answer import answer
from views.reports.sheet import Sheet
from views.verdict.outline import question_text

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
#: A table of more columns than this does not fit a printed page unless words are broken.
WIDE = 9
#: The class of a cell by the mark that it begins with.
MARKS = {"✓": "yes", "✗": "no", "?": "depends"}


def render(report: Report) -> str:
    """One HTML document."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield f"<title>{xml(report.title)}</title>"
    yield f"<style>{_own('style.css')}</style></head><body>"
    yield '<a class="skip" href="#content">to the content</a>'
    yield f"<header><h1>{xml(report.title)}</h1>"
    about = "".join(f"<div><dt>{label}</dt><dd>{xml(text)}</dd></div>" for label, text in report.about)
    yield f'<dl class="about">{about}</dl></header>'
    yield from _contents(report)
    yield '<main id="content">'
    for number, verdict in enumerate(report.answers, 1):
        yield from answer(verdict, number)
    yield from _topology(report)
    for sheet in report.sheets:
        yield from _sheet(sheet)
    yield f"</main><script>{_own('script.js')}</script></body></html>"


def _own(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8").strip()


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


def _sheet(sheet: Sheet) -> Iterator[str]:
    wide = ' class="wide"' if len(sheet.columns) > WIDE else ""
    yield f'<section aria-labelledby="{sheet.name}"><h2 id="{sheet.name}">{xml(sheet.title)}</h2>'
    yield f'<div class="sheet" tabindex="0" role="group" aria-labelledby="{sheet.name}"><table{wide}>'
    count = f"{len(sheet.rows)} {'row' if len(sheet.rows) == 1 else 'rows'}"
    yield f"<caption>{xml(sheet.tells)} {count}.</caption>"
    heads = "".join(f'<th scope="col">{xml(column)}</th>' for column in sheet.columns)
    yield f"<thead><tr>{heads}</tr></thead><tbody>"
    for number, row in enumerate(sheet.rows):
        head = ' class="head"' if number in sheet.heads else ""
        yield f"<tr{head}>" + "".join(_cell(sheet, number, place, cell) for place, cell in enumerate(row)) + "</tr>"
    yield "</tbody></table></div></section>"


def _cell(sheet: Sheet, row: int, column: int, text: str) -> str:
    """A cell; where it has a note, the note unfolds below it."""
    note = sheet.notes.get((row, column))
    mark = MARKS.get(text[:1], "")
    kind = f' class="{mark}"' if mark else ""
    if note is None:
        return f"<td{kind}>{xml(text)}</td>"
    return f"<td{kind}><details><summary>{xml(text)}</summary>{xml(note)}</details></td>"
