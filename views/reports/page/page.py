"""The HTML page of a report: headings in order, one landmark each, and everything in it as text.

Every word of the host is escaped where it is written. The tables are open; the way of a packet is folded, because it is
long. Answers come first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import resources

from engine.model.verdict import Cause, Fix, Verdict
from views.reports import answer_text
from views.reports.answer_text import shell
from views.reports.document import Report
from views.reports.formats import svg
from views.reports.formats.names import xml
from views.reports.sheet import Sheet
from views.symptoms import MEANINGS
from views.verdict.card import HEADLINES, question_words

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
TRACE_WIDTH = 110


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
        yield from _answer(verdict, number)
    yield from _topology(report)
    for sheet in report.sheets:
        yield from _sheet(sheet)
    yield f"</main><script>{_own('script.js')}</script></body></html>"


def _own(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8").strip()


def _contents(report: Report) -> Iterator[str]:
    links = [(f"answer-{number}", question_words(verdict)) for number, verdict in enumerate(report.answers, 1)]
    links += [("topology", "Topology"), *((sheet.name, sheet.title) for sheet in report.sheets)]
    items = "".join(f'<li><a href="#{name}">{xml(words)}</a></li>' for name, words in links)
    yield f'<nav aria-label="Contents"><ul>{items}</ul></nav>'
    yield (
        '<div class="tools" role="search"><label for="search">Search the picture and the tables</label>'
        '<input id="search" type="search"><span id="found" role="status"></span></div>'
    )


def _answer(verdict: Verdict, number: int) -> Iterator[str]:
    words, _ = HEADLINES[verdict.reach]
    asked = xml(question_words(verdict))
    yield f'<section aria-labelledby="answer-{number}">'
    yield f'<h2 id="answer-{number}"><span class="{verdict.reach}">{words}</span> {asked}</h2>'
    yield f"<p><strong>{verdict.symptom}</strong>: {xml(MEANINGS[verdict.symptom])}</p>"
    for cause in verdict.causes:
        yield from _cause(cause)
    if verdict.assumptions:
        yield "<h3>This rests on</h3>" + _list(each.sentence for each in verdict.assumptions)
    if verdict.gaps:
        yield "<h3>Could not be read</h3>" + _list(f"{gap.source}: {gap.reason}" for gap in verdict.gaps)
    whole = xml_block(answer_text.render(verdict, TRACE_WIDTH))
    yield f"<details><summary>The whole answer with the packet's way, as text</summary><pre>{whole}</pre></details>"
    yield "</section>"


def _cause(cause: Cause) -> Iterator[str]:
    yield f'<div class="cause"><h3><code>{xml(cause.code)}</code> {xml(cause.sentence)}</h3>'
    where = cause.at.text or cause.at.name
    yield f"<p>At <code>{xml(where)}</code> in {xml(cause.at.netns)}; owner: {xml(cause.owner)}</p>"
    if cause.evidence:
        yield _list(cause.evidence)
    for missed in cause.near_misses:
        yield f"<p>Nearly: <code>{xml(missed.text)}</code>, but {xml(missed.because)}</p>"
    for fix in cause.fixes:
        yield from _fix(fix)
    yield "</div>"


def _fix(fix: Fix) -> Iterator[str]:
    checked = answer_text.VERIFIED_WORDS.get(fix.verified, fix.verified)
    yield f"<p>Fix: {xml(fix.title)} ({xml(checked)}: {fix.then})</p>"
    if fix.commands:
        yield "<pre>" + "\n".join(xml(shell(argv)) for argv in fix.commands) + "</pre>"
    if fix.side_effects:
        yield "<p>Besides:</p>" + _list(fix.side_effects)


def _list(sentences: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{xml(each)}</li>" for each in sentences) + "</ul>"


def xml_block(text: str) -> str:
    """A text of several lines; each of them is clean already, or is made so."""
    return "\n".join(xml_line(line) for line in text.rstrip("\n").split("\n"))


def xml_line(line: str) -> str:
    """One line with the spaces that it begins with."""
    indent = len(line) - len(line.lstrip(" "))
    return " " * indent + xml(line)


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
    yield f'<section aria-labelledby="{sheet.name}"><h2 id="{sheet.name}">{xml(sheet.title)}</h2>'
    yield f'<div class="sheet" tabindex="0" role="group" aria-labelledby="{sheet.name}"><table>'
    yield f"<caption>{xml(sheet.tells)} {len(sheet.rows)} rows.</caption>"
    heads = "".join(f'<th scope="col">{xml(column)}</th>' for column in sheet.columns)
    yield f"<thead><tr>{heads}</tr></thead><tbody>"
    for number, row in enumerate(sheet.rows):
        yield "<tr>" + "".join(_cell(sheet, number, column, cell) for column, cell in enumerate(row)) + "</tr>"
    yield "</tbody></table></div></section>"


def _cell(sheet: Sheet, row: int, column: int, text: str) -> str:
    """A cell; where it has a note, the note unfolds below it."""
    note = sheet.notes.get((row, column))
    if note is None:
        return f"<td>{xml(text)}</td>"
    return f"<td><details><summary>{xml(text)}</summary>{xml(note)}</details></td>"
