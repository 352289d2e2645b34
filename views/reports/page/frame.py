"""What every page has around its contents: its policy, its style, a title with facts, a way to the content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import resources

from views.reports.formats.names import xml

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def framed(title: str, about: Iterable[tuple[str, str]], body: Iterable[str], *, script: str) -> Iterator[str]:
    """The lines of a document; `body` has the element `main` with the id `content`."""
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield f"<title>{xml(title)}</title>"
    yield f"<style>{_own('style.css')}</style></head><body>"
    yield '<a class="skip" href="#content">to the content</a>'
    yield f"<header><h1>{xml(title)}</h1>"
    facts = "".join(f"<div><dt>{label}</dt><dd>{xml(text)}</dd></div>" for label, text in about)
    yield f'<dl class="about">{facts}</dl></header>'
    yield from body
    yield f"<script>{_own(script)}</script></body></html>"


def _own(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8").strip()
