"""Where a snapshot stands in a file that is more than one: a case, a report in JSON, a report as a page."""

from __future__ import annotations

#: A host with the answer to a question and what a real attempt showed: its snapshot is one of its fields.
CASE = "portscope.case/1"
#: A report, whose snapshot is a field where it was embedded.
REPORT = "portscope.report/1"
#: How a page begins, and where its snapshot is.
PAGE = b"<!doctype html>"
BEGIN, END = '<script type="application/json" id="portscope-snapshot">', "</script>"


def of_page(text: str) -> str | None:
    """The snapshot's document in a page; None where it has none."""
    _, found, rest = text.partition(BEGIN)
    return rest.partition(END)[0] if found else None
