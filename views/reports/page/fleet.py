"""The HTML page of many hosts: what is reached and was not meant to be, in numbers and as a list with filters."""

from __future__ import annotations

from collections.abc import Iterator

from engine.records import dataclass
from views.reports.formats.names import xml
from views.reports.page.frame import framed
from views.reports.page.listing import Listing, listed
from views.reports.page.tables import section
from views.reports.sheet import Sheet


@dataclass(frozen=True, slots=True)
class FleetPage:
    """A fleet as a page: facts about it, tables above the list and below it."""

    title: str
    about: tuple[tuple[str, str], ...]
    above: tuple[Sheet, ...]
    listing: Listing
    below: tuple[Sheet, ...]


def render(page: FleetPage) -> str:
    """One HTML document."""
    return "\n".join(framed(page.title, page.about, _body(page), script="fleet.js")) + "\n"


def _body(page: FleetPage) -> Iterator[str]:
    parts: tuple[Sheet | Listing, ...] = (*page.above, page.listing, *page.below)
    items = "".join(f'<li><a href="#{part.name}">{xml(part.title)}</a></li>' for part in parts)
    yield f'<nav aria-label="Contents"><ul>{items}</ul></nav>'
    yield '<main id="content">'
    for sheet in page.above:
        yield from section(sheet)
    yield from listed(page.listing)
    for sheet in page.below:
        yield from section(sheet)
    yield "</main>"
