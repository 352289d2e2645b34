"""The pages that come with portscope: those of causes, and the glossary. The wheel has them in this folder."""

from __future__ import annotations

from pathlib import Path

#: Where the wheel puts them (pyproject.toml), and where a checkout has them.
FOLDERS = (Path(__file__).parent, Path(__file__).parents[2] / "docs")


def page(name: str) -> str:
    """The text of a page, as `causes/FW_RULE_DROP.md`; what to read instead, where it was not installed."""
    for folder in FOLDERS:
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    return f"{name} was not installed with portscope"
