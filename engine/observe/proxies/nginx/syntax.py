"""nginx's configuration as directives: words, a place, and a block of more of them.

Pure but for the functions that give a file's text. The grammar is nginx's own (src/core/ngx_conf_file.c): words end
at a blank, a semicolon or a brace, quotes and backslashes keep these in a word, `#` begins a comment at the start of
a word, and `${` opens no block.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

from engine.model.application.proxy import ConfigPlace
from engine.observe.proxies.trouble import SyntaxTrouble
from engine.records import dataclass

#: Directives of one configuration, files of it, and blocks within blocks; whatever has more is not read to its end.
MOST_DIRECTIVES, MOST_FILES, DEEPEST = 100_000, 200, 32


#: What of Lua decides where a block ends: strings, comments and braces (Lua 5.1, "Lexical Conventions").
_LUA = re.compile(r"--[^\n]*|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[{}]")


@dataclass(frozen=True, slots=True)
class Directive:
    """A name with its words, and the directives of its block (None: it has none)."""

    name: str
    words: tuple[str, ...]
    at: ConfigPlace
    block: tuple[Directive, ...] | None = None

    def all(self, name: str) -> Iterator[Directive]:
        """The directives of that name in its block."""
        return (each for each in self.block or () if each.name == name)

    def first(self, name: str) -> Directive | None:
        """The first of them."""
        return next(self.all(name), None)


class NginxReader:
    """Reads files and those that they include, each once, and within limits."""

    def __init__(self, read: Callable[[str], str], listed: Callable[[str], list[str]], home: str) -> None:
        self._read, self._listed, self._home = read, listed, home
        self._files = 0
        self._directives = 0
        self._open: list[str] = []

    def file(self, path: str) -> tuple[Directive, ...]:
        """The directives of a file. Raises SyntaxTrouble, OSError."""
        self._files += 1
        if path in self._open:
            raise SyntaxTrouble(f"{path} includes itself")
        if self._files > MOST_FILES:
            raise SyntaxTrouble(f"more than {MOST_FILES} files")
        self._open.append(path)
        tokens = _tokens(self._read(path), path)
        found = tuple(self._block(tokens, path, 0))
        self._open.pop()
        return found

    def _block(self, tokens: Iterator[tuple[str, int, bool]], path: str, depth: int) -> Iterator[Directive]:
        """Directives up to the brace that closes their block, or the end."""
        if depth > DEEPEST:
            raise SyntaxTrouble(f"{path}: blocks are nested more than {DEEPEST} deep")
        words: list[str] = []
        line = 0
        for word, number, quoted in tokens:
            line = line or number
            if quoted or word not in ("{", "}", ";"):
                words.append(word)
                continue
            if word == "}" and not words:
                return
            if word == "}" or not words:
                raise SyntaxTrouble(f"{path}:{number}: unexpected {word!r}")
            yield from self._directive(words, ConfigPlace(path, line), tokens if word == "{" else None, depth)
            words, line = [], 0
        if words:
            raise SyntaxTrouble(f"{path}:{line}: {words[0]!r} is not closed")

    def _directive(
        self, words: list[str], at: ConfigPlace, tokens: Iterator[tuple[str, int, bool]] | None, depth: int
    ) -> Iterator[Directive]:
        self._directives += 1
        if self._directives > MOST_DIRECTIVES:
            raise SyntaxTrouble(f"more than {MOST_DIRECTIVES} directives")
        name, *rest = words
        if name == "include" and tokens is None and rest:
            yield from self.matching(rest[0])
            return
        block = tuple(self._block(tokens, at.file, depth + 1)) if tokens is not None else None
        yield Directive(name, tuple(rest), at, block)

    def matching(self, pattern: str) -> Iterator[Directive]:
        """The directives of the files that a pattern names, sorted by name; one that is no pattern must be there."""
        path = pattern if pattern.startswith("/") else f"{self._home}/{pattern}"
        if not any(letter in path for letter in "*?["):
            yield from self.file(path)
            return
        folder, _, name = path.rpartition("/")
        try:
            names = self._listed(folder)
        except OSError:
            return
        for each in names:
            hidden = each.startswith(".") and not name.startswith(".")
            if fnmatchcase(each, name) and not hidden:
                yield from self.file(f"{folder}/{each}")


def _after_lua(text: str, start: int) -> int:
    """The place of the brace that closes a block of Lua: those in its strings and comments do not count."""
    depth = 0
    for found in _LUA.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if not depth:
            return found.start()
    return len(text)


def _tokens(text: str, path: str) -> Iterator[tuple[str, int, bool]]:
    """Words with their lines, and whether they were quoted; the signs `{`, `}` and `;` are words of their own."""
    place, line, size = 0, 1, len(text)
    lua = False
    while place < size:
        letter = text[place]
        if letter == "{" and lua:
            yield "{", line, False
            end = _after_lua(text, place)
            line += text.count("\n", place, end)
            place, lua = end, False
        elif letter == "\n":
            line += 1
            place += 1
        elif letter in " \t\r\ufeff":
            place += 1
        elif letter == "#":
            end = text.find("\n", place)
            place = size if end < 0 else end
        elif letter in "{};":
            yield letter, line, False
            place += 1
        elif letter in "\"'":
            word, place, lines = _quoted(text, place, f"{path}:{line}")
            yield word, line, True
            line += lines
        else:
            word, place, lines = _bare(text, place)
            lua = word.endswith("_by_lua_block")
            yield word, line, False
            line += lines


def _quoted(text: str, start: int, where: str) -> tuple[str, int, int]:
    """A word in quotes: the word, the place behind it, and how many lines it has."""
    quote, place = text[start], start + 1
    parts: list[str] = []
    while place < len(text):
        letter = text[place]
        if letter == "\\" and place + 1 < len(text):
            following = text[place + 1]
            parts.append(following if following in "\"'\\" else letter + following)
            place += 2
        elif letter == quote:
            word = "".join(parts)
            return word, place + 1, word.count("\n")
        else:
            parts.append(letter)
            place += 1
    raise SyntaxTrouble(f"{where}: a quote is not closed")


def _bare(text: str, start: int) -> tuple[str, int, int]:
    """A word without quotes; `${name}` is part of it."""
    place = start
    while place < len(text):
        letter = text[place]
        if letter == "\\":
            place += 2
        elif letter == "$" and text[place + 1 : place + 2] == "{":
            end = text.find("}", place)
            place = len(text) if end < 0 else end + 1
        elif letter in " \t\r\n;{}":
            break
        else:
            place += 1
    word = text[start:place]
    return word, min(place, len(text)), word.count("\n")
