"""The pages that come with portscope: in its folder of documents, or beside its code in a checkout."""

from __future__ import annotations

import sysconfig
from pathlib import Path

#: Where the wheel puts them, and where a checkout has them.
FOLDERS = (Path(sysconfig.get_path("data")) / "share" / "doc" / "portscope", Path(__file__).parents[2] / "docs")


def page(name: str) -> str:
    """The text of a page; what to read instead, where it was not installed."""
    for folder in FOLDERS:
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    return f"{name} was not installed with portscope"
