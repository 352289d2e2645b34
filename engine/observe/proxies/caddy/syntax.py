"""A Caddyfile as entries: a line's words, and the lines of its block (caddyserver.com, "Caddyfile concepts").

`import` of a snippet gives the snippet's lines, and of a pattern those of the files that it names. A placeholder with a
default, `{$NAME:default}`, is its default: the environment is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from engine.model.application.proxy import ConfigPlace
from engine.observe.proxies.root_files import RootFiles
from engine.observe.proxies.trouble import SyntaxTrouble
from engine.records import dataclass

MOST_ENTRIES, MOST_FILES, DEEPEST = 50_000, 100, 24
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|`([^`]*)`|(\S+)')
_DEFAULT = re.compile(r"\{\$[A-Za-z0-9_]+(?::([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class CaddyLine:
    """The words of a line, without its brace, and the lines of its block (None: it has none)."""

    words: tuple[str, ...]
    at: ConfigPlace
    block: tuple[CaddyLine, ...] | None = None


class _Reader:
    def __init__(self, files: RootFiles) -> None:
        self._files = files
        self._snippets: dict[str, CaddyLine] = {}
        self._count = 0
        self._read = 0

    def file(self, path: str, depth: int = 0) -> tuple[CaddyLine, ...]:
        self._read += 1
        if self._read > MOST_FILES or depth > DEEPEST:
            raise SyntaxTrouble(f"{path}: too many files")
        lines = iter(_lines(self._files.text(path), path))
        return tuple(self._entries(lines, path, depth))

    def _entries(self, lines: Iterator[tuple[tuple[str, ...], int]], path: str, depth: int) -> Iterator[CaddyLine]:
        if depth > DEEPEST:
            raise SyntaxTrouble(f"{path}: blocks are nested more than {DEEPEST} deep")
        waiting: list[str] = []
        for written, number in lines:
            self._count += 1
            if self._count > MOST_ENTRIES:
                raise SyntaxTrouble(f"more than {MOST_ENTRIES} lines")
            if written == ("}",):
                return
            if written[-1].endswith(",") and depth == 0:
                waiting += written
                continue
            words = (*waiting, *written)
            waiting = []
            at = ConfigPlace(path, number)
            if words[-1] == "{":
                entry = CaddyLine(words[:-1], at, tuple(self._entries(lines, path, depth + 1)))
                if entry.words and entry.words[0].startswith("("):
                    self._snippets[entry.words[0].strip("()")] = entry
                yield entry
            elif words[0] == "import" and len(words) > 1:
                yield from self._imported(words[1], path, depth)
            else:
                yield CaddyLine(words, at)

    def _imported(self, name: str, path: str, depth: int) -> Iterator[CaddyLine]:
        snippet = self._snippets.get(name)
        if snippet is not None:
            yield from snippet.block or ()
            return
        target = name if name.startswith("/") else f"{path.rpartition('/')[0]}/{name}"
        folder, _, pattern = target.rpartition("/")
        try:
            names = [each for each in self._files.listed(folder) if fnmatchcase(each, pattern)]
        except OSError:
            return
        for each in names:
            yield from self.file(f"{folder}/{each}", depth + 1)


def parse(files: RootFiles, path: str) -> tuple[CaddyLine, ...]:
    """The entries of a file and of those that it imports. Raises OSError, SyntaxTrouble."""
    return _Reader(files).file(path)


def _lines(text: str, path: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Each line's words; a line that ends with a backslash goes on."""
    carried: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        plain = _DEFAULT.sub(lambda found: found[1] or "", line)
        words = [next(part for part in found if part is not None) for found in _words(plain)]
        if words and words[-1] == "\\":
            carried += words[:-1]
            continue
        words = carried + words
        carried = []
        if words:
            yield tuple(words), number
    if carried:
        raise SyntaxTrouble(f"{path}: the last line goes on")


def _words(line: str) -> Iterator[tuple[str | None, ...]]:
    for found in _WORD.finditer(line):
        if found[3] is not None and found[3].startswith("#"):
            return
        yield found.groups()
