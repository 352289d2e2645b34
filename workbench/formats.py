"""The format of a report: the one that its file's name tells."""

from __future__ import annotations

from pathlib import Path

from views.reports.writers import FORMATS
from workbench.exits import usage

#: What it is where no file is named.
DEFAULT = "text"


def format_of(path: Path | None) -> str:
    """The format that a file's name asks for."""
    if path is None:
        return DEFAULT
    found = sorted((len(each.suffix), each.name) for each in FORMATS.values() if path.name.endswith(each.suffix))
    if not found:
        endings = " ".join(each.suffix for each in FORMATS.values())
        raise usage(f"cannot tell the format of {path.name!r}: use an extension ({endings}) or --format")
    return found[-1][1]
