"""The words of the field: those that once were a dialect of ours stay out of everything that a user reads.

docs/glossary.md has the words to use instead. Names of commands and options (`lab mend`, `--tell`) are not sentences.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.test_rules import ROOT, SOURCES, name, parsed

DIALECT = re.compile(
    r"\b(anew|answerer|asker|believe[sd]?|carr(y|ies|ied) out|could not be read|for good|goes round|heard|hears"
    r"|(in|out of) view|mended|mends|nobody|not to be had|swallowed|tak(e|es|en|ing) back|telling|tells|told|untold"
    r"|way (back|there)|whoever|whom)\b",
    re.IGNORECASE,
)
#: What stands for a value that a text is filled with, and names of files and commands.
PLACEHOLDER = re.compile(r"\{\w+\}|`[^`]*`")
PAGES = [
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / f"{page}.md" for page in ("README", "CHANGELOG", "CONTRIBUTING")),
]


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of a module that are no docstrings and more than a word, with their lines."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(parsed(path))
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(parsed(path)):
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        if isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


def offenders(place: str, lines: Iterator[tuple[int, str]]) -> list[str]:
    return [f"{place}:{number}: {line}" for number, line in lines if DIALECT.search(PLACEHOLDER.sub("", line))]


def test_no_sentence_of_the_program_is_in_a_dialect() -> None:
    assert [line for path in SOURCES for line in offenders(name(path), texts(path))] == []


def test_no_page_is_in_a_dialect() -> None:
    pages = ((name(path), enumerate(path.read_text(encoding="utf-8").splitlines(), 1)) for path in PAGES)
    assert [line for place, lines in pages for line in offenders(place, lines)] == []


def test_the_pattern_knows_the_dialect_when_it_sees_it() -> None:
    assert offenders("x", iter([(1, "the client is told of it"), (2, "the client gets an error")])) == [
        "x:1: the client is told of it"
    ]
