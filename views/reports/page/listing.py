"""A long table that is filtered in the page: its rows are data, of which the script shows those that match.

Words are there once, and rows are their numbers, so that twenty thousand rows are a page of one or two megabytes.
Where no script runs, the first rows are there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from engine.records import dataclass
from views.harmless import clean
from views.reports.formats.names import xml
from views.reports.page.tables import head

#: Rows that are in the page without its script.
FIRST = 50
#: What separates the values of a cell that has several.
BETWEEN = ", "


@dataclass(frozen=True, slots=True)
class Listing:
    """A long table; `filters` are columns whose values are chosen from, `whole` counts rows that are not here too."""

    name: str
    title: str
    about: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    filters: tuple[int, ...]
    whole: int


def listed(listing: Listing) -> Iterator[str]:
    """A section with its heading, its filters, its first rows and its data."""
    yield f'<section aria-labelledby="{listing.name}"><h2 id="{listing.name}">{xml(listing.title)}</h2>'
    yield f'<p>{xml(listing.about)} <span id="count" role="status">{_count(listing)}</span></p>'
    yield '<div class="tools" role="search"><label for="words">Any words</label><input id="words" type="search">'
    for place in listing.filters:
        yield from _filter(listing, place)
    yield "</div>"
    yield f'<div class="sheet" tabindex="0" role="group" aria-labelledby="{listing.name}"><table class="wide">'
    yield f'{head(listing.columns)}<tbody id="list">'
    for row in listing.rows[:FIRST]:
        yield "<tr>" + "".join(f"<td>{xml(cell)}</td>" for cell in row) + "</tr>"
    yield '</tbody></table></div><p><button type="button" id="more" hidden>show more</button></p></section>'
    yield f'<script type="application/json" id="rows">{_data(listing)}</script>'


def _count(listing: Listing) -> str:
    here = f"{min(len(listing.rows), FIRST)} of {listing.whole}"
    return f"{here} are shown." if listing.whole else "None."


def _filter(listing: Listing, place: int) -> Iterator[str]:
    column = listing.columns[place]
    values = sorted({value for row in listing.rows for value in row[place].split(BETWEEN)})
    yield f'<label for="filter-{place}">{xml(column)}</label><select id="filter-{place}" data-column="{place}">'
    yield '<option value="">all</option>'
    yield "".join(f"<option>{xml(value)}</option>" for value in values if value)
    yield "</select>"


def _data(listing: Listing) -> str:
    """The rows; no text of a host can end the element that they are in."""
    words: dict[str, int] = {}
    rows = [[words.setdefault(clean(cell), len(words)) for cell in row] for row in listing.rows]
    data = {"words": list(words), "rows": rows, "whole": listing.whole, "between": BETWEEN}
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
