"""Regular expressions of strangers' configurations, within limits."""

from __future__ import annotations

import re

#: A longer pattern is not tried, nor one that repeats a group or a repetition, nor one whose repetitions could try more
#: ways than this on its text.
_LONGEST_PATTERN = 400
_NESTED = re.compile(r"\)[+*{]|[+*}][+*{]")
_REPEATED = re.compile(r"[+*{]")
#: The name of a group as others write it; looking back begins in the same way.
_GROUP_NAME = re.compile(r"\(\?<(?![=!])")
MOST_WAYS = 10**6
#: What an expression is read by, as far as groups are concerned: an escaped character and a set of characters are no
#: begin and no end of one (re, "Regular Expression Syntax").
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?[=!]|\(|\)|.", re.DOTALL)
_MOST_REPEATED = 3


def fits_expression(pattern: str, text: str, *, folded: bool) -> bool:
    """Whether a regular expression is found in a text. One that is not understood, or that could take for ever, is
    not."""
    return found_in(pattern, text, folded=folded) is not None


def found_in(pattern: str, text: str, *, folded: bool = False) -> re.Match[str] | None:
    """Where a regular expression is found in a text, with its groups; None as for `fits_expression`."""
    if max((len(text) + 1) ** len(_REPEATED.findall(part)) for part in _independent(pattern)) > MOST_WAYS:
        return None
    compiled = _compiled(pattern, folded=folded)
    return None if compiled is None else compiled.search(text)


def is_understood(pattern: str) -> bool:
    """Whether a regular expression is one that can be tried on a text of some length."""
    return _compiled(pattern, folded=False) is not None and len(_REPEATED.findall(pattern)) <= _MOST_REPEATED


def _independent(pattern: str) -> list[str]:
    """The parts of an expression that is nothing but looks ahead from the begin of the text: each is tried by itself,
    and what one of them could try does not multiply by the others. Any other expression is one part."""
    if not pattern.startswith(("^(?=", "^(?!")):
        return [pattern]
    parts, depth, begun = list[str](), 0, 1
    for token in _TOKEN.finditer(pattern, 1):
        if not depth and token[0] not in ("(?=", "(?!"):
            return [pattern]
        if token[0].startswith("("):
            begun = begun if depth else token.start()
            depth += 1
        elif token[0] == ")":
            depth -= 1
            parts += [] if depth else [pattern[begun : token.end()]]
    return [pattern] if depth or not parts else parts


def _compiled(pattern: str, *, folded: bool) -> re.Pattern[str] | None:
    if len(pattern) > _LONGEST_PATTERN or _NESTED.search(pattern):
        return None
    try:
        return re.compile(_GROUP_NAME.sub("(?P<", pattern), re.IGNORECASE if folded else 0)
    except (re.error, OverflowError, RecursionError):
        return None
