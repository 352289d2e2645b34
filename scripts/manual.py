"""The pages that are made from the grammar of the command line: `python -m scripts.manual` writes docs/portscope.1 and
docs/commands.md."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from argparse_manpage.manpage import Manpage

from workbench.cli import build_parser

DOCS = Path(__file__).parents[1] / "docs"
PAGE, COMMANDS = DOCS / "portscope.1", DOCS / "commands.md"
ABOUT = {
    "prog": "portscope",
    "project_name": "portscope",
    "description": "why a container port can or cannot be reached",
    "manual_title": "User Commands",
}
HEAD = """# Commands

Made from the grammar of the command line; `portscope COMMAND --help` and `man portscope` say the same. An option of the
whole program (`--color`) may stand behind a command as well.
"""
#: The page has no date of its own: its version is the package's.
_DATE = re.compile(r'^(\.TH PORTSCOPE "1") "[^"]*"')


def text() -> str:
    """The manual page, the same on every day and in every terminal."""
    with mock.patch.dict(os.environ, {"COLUMNS": "80"}):
        return _DATE.sub(r'\1 ""', f"{Manpage(build_parser(), _data=dict(ABOUT))}".rstrip()) + "\n"


def commands() -> str:
    """All commands with their options, as Markdown; it does not depend on how a version of argparse writes its help."""
    return "\n".join([HEAD, *_of(build_parser(), 2)]).rstrip() + "\n"


def _of(parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    """A command's section, then those of the commands below it."""
    yield f"{'#' * level} {parser.prog}\n"
    yield f"{_cell(parser.description or '')}\n"
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    hidden = (argparse._HelpAction, argparse._SubParsersAction)
    own = [each for each in parser._actions if not isinstance(each, hidden) and each.help != argparse.SUPPRESS]
    if own:
        yield from ("| argument | what it says |", "| --- | --- |")
        yield from (f"| {_name(each)} | {_cell(each.help or '')} |" for each in own)
        yield ""
    if parser.epilog:
        yield f"```text\n{parser.epilog.strip(chr(10)).rstrip()}\n```\n"
    for action in below:
        for each in action.choices.values():
            yield from _of(each, min(level + 1, 4))


def _name(action: argparse.Action) -> str:
    """An option with its value, or an argument, as one types it."""
    words = action.option_strings or [""]
    value = action.metavar or (
        "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()
    )
    takes = action.nargs != 0 and not isinstance(action, argparse._StoreTrueAction | argparse._CountAction)
    return ", ".join(_code(f"{word} {value}".strip() if takes else word) for word in words)


def _code(words: str) -> str:
    return "`" + words.replace("|", "\\|") + "`"


def _cell(words: str) -> str:
    """A text that means in Markdown what it says."""
    return re.sub(r"([|<>*_\[\]])", r"\\\1", words).replace("\n", " ")


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
    COMMANDS.write_text(commands(), encoding="utf-8")
