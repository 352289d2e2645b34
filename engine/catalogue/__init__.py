"""What an answer's words mean: the code of each cause, and the terms of its sentences. Pure; values only.

codes    every code of a cause: what it means, what the client sees, what fixes it
words    the terms of Linux networking that answers use, each in one line
"""

from __future__ import annotations

from engine.catalogue.codes import CODES, Code

__all__ = ["CODES", "Code", "page_of"]

#: Where the documents are published, one page for each code (docs/causes).
SITE = "https://portscope.readthedocs.io/en/stable/"


def page_of(code: str) -> str:
    """The address of a code's page, which stays."""
    return f"{SITE}causes/{code}/"
