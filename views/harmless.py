"""The border for text that a host, a file or an argument chooses, on its way to a terminal, a file or a log. Pure.

What could steer a terminal or turn a line round (control characters, bidirectional overrides, surrogates) is written
as it is in a program: `\\x1b`. Every painter of text for people ends in one of these two functions.
Source: ECMA-48; Unicode Standard Annex 9; https://trojansource.codes for what bidirectional overrides do.
"""

from __future__ import annotations

import re

#: All that steers, but for the ends of lines and the tab.
_STEERING = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
    "|\r(?!\n)"
)
#: The same, with them.
STEERING = re.compile(f"{_STEERING.pattern}|[\t\n\r]")


def harmless(text: str) -> str:
    """The text with everything that could steer a terminal made visible; its lines stay lines.

    >>> harmless("a\\x1b[31m\\n")
    'a\\\\x1b[31m\\n'
    """
    return _STEERING.sub(escaped, text)


def clean(text: str) -> str:
    """The same on one line, without white space at its ends and with one space for any other."""
    return STEERING.sub(escaped, " ".join(text.split()))


def escaped(found: re.Match[str]) -> str:
    """A character as it is written in a program."""
    return found[0].encode("unicode_escape").decode()
