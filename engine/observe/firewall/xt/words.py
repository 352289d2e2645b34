"""Splits a line of iptables-save into words and options. Hand-written, for speed: no regular expression, no shlex.

A word in double quotes may hold spaces and backslash escapes (xtables_save_string in iptables' libxtables); it comes
back as a `Quoted`, which is never taken for an option. An `Option` is `[!] --name value…`, with the match module
(`-m`) that it stands behind; "" before the first, and "-j" behind the target.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.observe.firewall.errors import FirewallTextError

#: Options whose one value may look like an option when the tool left it unquoted.
_FREE_TEXT = frozenset(
    ("--comment", "--log-prefix", "--nflog-prefix", "--string", "--hex-string", "--bytecode", "--u32", "--name")
)
_TARGETS = frozenset(("-j", "-g", "--jump", "--goto"))


class Quoted(str):
    """A word that stood in quotes."""

    __slots__ = ()


class Option(NamedTuple):
    """One option of a rule, in the order in which the tool printed it."""

    module: str
    name: str
    values: tuple[str, ...] = ()
    negate: bool = False

    @property
    def text(self) -> str:
        """The option as its tool writes it."""
        words = " ".join((self.name, *map(quote, self.values)))
        return f"! {words}" if self.negate else words


def quote(word: str) -> str:
    """The word as iptables-save would print it."""
    if type(word) is not Quoted:
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'")
    return f'"{escaped}"'


def split(line: str) -> list[str]:
    """The words of a line. Raises `FirewallTextError` for a quote that is never closed."""
    if '"' not in line and "\\" not in line:
        return line.split()
    words: list[str] = []
    at, end = 0, len(line)
    while at < end:
        if line[at] == " ":
            at += 1
        elif line[at] == '"':
            word, at = _quoted(line, at + 1)
            words.append(Quoted(word))
        else:
            stop = line.find(" ", at)
            stop = end if stop < 0 else stop
            words.append(line[at:stop])
            at = stop
    return words


def _quoted(line: str, at: int) -> tuple[str, int]:
    """The text up to the closing quote, and the place behind it."""
    end = line.find('"', at)
    if end >= 0 and line.find("\\", at, end) < 0:
        return line[at:end], end + 1
    letters: list[str] = []
    while at < len(line):
        letter = line[at]
        if letter == '"':
            return "".join(letters), at + 1
        if letter == "\\" and at + 1 < len(line):
            at += 1
            letter = line[at]
        letters.append(letter)
        at += 1
    raise FirewallTextError(f"quote without an end in {line!r}")


def options(words: list[str]) -> list[Option]:
    """The options among the words behind `-A CHAIN`. Raises `FirewallTextError` for a word that belongs to none."""
    found: list[Option] = []
    # An option, or the `!` before one: neither quoted nor a negative number.
    begins = [
        type(word) is str and (word == "!" or (word[0] == "-" and len(word) > 1 and not word[1].isdigit()))
        for word in words
    ]
    module, negate, at, end = "", False, 0, len(words)
    while at < end:
        word = words[at]
        if not begins[at]:
            raise FirewallTextError(f"word {word!r} belongs to no option")
        at += 1
        if word == "!":
            negate = True
            continue
        start = at
        if word in _FREE_TEXT:
            at = min(at + 1, end)
        else:
            while at < end and not begins[at]:
                at += 1
        values = tuple(words[start:at])
        if word in ("-m", "--match") and values:
            module = values[0]
        elif word in _TARGETS:
            module = "-j"
        found.append(Option(module, word, values, negate))
        negate = False
    return found
