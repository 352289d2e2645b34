"""The manual page, made from the grammar of the command line: `python -m scripts.manual` writes docs/portscope.1."""

from __future__ import annotations

import os
import re
from pathlib import Path
from unittest import mock

from argparse_manpage.manpage import Manpage

from workbench.cli import build_parser

PAGE = Path(__file__).parents[1] / "docs" / "portscope.1"
ABOUT = {
    "prog": "portscope",
    "project_name": "portscope",
    "description": "why a container port can or cannot be reached",
    "manual_title": "User Commands",
}
#: The page has no date of its own: its version is the package's.
_DATE = re.compile(r'^(\.TH PORTSCOPE "1") "[^"]*"')


def text() -> str:
    """The page, the same on every day and in every terminal."""
    with mock.patch.dict(os.environ, {"COLUMNS": "80"}):
        return _DATE.sub(r'\1 ""', f"{Manpage(build_parser(), _data=dict(ABOUT))}".rstrip()) + "\n"


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
