"""Variables in the values of a Compose file, and the files that set them. Pure.

    $NAME  ${NAME}               its value; empty where it is not set
    ${NAME:-x}  ${NAME-x}        x where it is not set (with the colon: or empty)
    ${NAME:+x}  ${NAME+x}        x where it is set
    ${NAME:?why}  ${NAME?why}    an error where it is not set
    $$                           one dollar sign

What stands after the sign may have variables itself.
Source: the Compose Specification, Interpolation; Docker's documentation, .env file syntax (python-dotenv reads that).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SIGN = re.compile(r":?[-+?]")
#: Levels of variables in the words of another one, and characters of a text with all of them filled in.
DEEPEST, LONGEST = 20, 1 << 16
FORMS = "write $NAME, ${NAME}, ${NAME:-VALUE}, or $$ for a dollar sign"


class SubstitutionError(Exception):
    """What is wrong with the variables of a text, and what would be right."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


class Variables:
    """The variables that a file's values may name."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known
        #: Those that were asked for: with their values, and that are not set.
        self.used: dict[str, str] = {}
        self.missing: list[str] = []

    def filled(self, text: str) -> str:
        """A text with its variables filled in. Raises SubstitutionError."""
        return self._filled(text, 0) if "$" in text else text

    def _filled(self, text: str, depth: int) -> str:
        if depth > DEEPEST:
            raise SubstitutionError("has variables within variables without end", FORMS)
        found: list[str] = []
        at = 0
        while (dollar := text.find("$", at)) >= 0:
            found.append(text[at:dollar])
            word, at = self._one(text, dollar + 1, depth)
            found.append(word)
        whole = "".join(found) + text[at:]
        if len(whole) > LONGEST:
            raise SubstitutionError(f"has more than {LONGEST} characters with its variables", "shorten them")
        return whole

    def _one(self, text: str, at: int, depth: int) -> tuple[str, int]:
        """What stands for the variable after a dollar sign, and where the text goes on."""
        if text[at : at + 1] == "$":
            return "$", at + 1
        braced = text[at : at + 1] == "{"
        name = _NAME.match(text, at + braced)
        if name is None:
            raise SubstitutionError(f"has a dollar sign that names no variable: {text!r}", FORMS)
        if not braced:
            return self._value(name[0]), name.end()
        end = _closing(text, name.end())
        inside = text[name.end() : end]
        sign = _SIGN.match(inside)
        if inside and sign is None:
            raise SubstitutionError(f"has ${{{name[0]}{inside}}}", FORMS)
        return self._chosen(name[0], sign[0] if sign else "", inside[sign.end() :] if sign else "", depth), end + 1

    def _chosen(self, name: str, sign: str, word: str, depth: int) -> str:
        """A variable's value or the word beside it."""
        if not sign:
            return self._value(name)
        value = self._known.get(name)
        if value is not None:
            self.used[name] = value
        is_set = bool(value) if sign.startswith(":") else value is not None
        if sign.endswith("+"):
            return self._filled(word, depth + 1) if is_set else ""
        if is_set:
            return value or ""
        if sign.endswith("?"):
            why = f": {self._filled(word, depth + 1)}" if word else ""
            raise SubstitutionError(f"needs the variable {name}{why}", f"set {name} in .env or in the environment")
        return self._filled(word, depth + 1)

    def _value(self, name: str) -> str:
        value = self._known.get(name)
        if value is None:
            if name not in self.missing:
                self.missing.append(name)
            return ""
        self.used[name] = value
        return value


class _Literal(Variables):
    """Texts are taken as they are written."""

    def filled(self, text: str) -> str:
        return text


LITERAL = _Literal({})


def _closing(text: str, at: int) -> int:
    """Where the brace that is open ends. Raises SubstitutionError."""
    depth = 1
    for position in range(at, len(text)):
        if text.startswith("${", position):
            depth += 1
        elif text[position] == "}":
            depth -= 1
            if not depth:
                return position
    raise SubstitutionError(f"has a brace that nothing closes: {text!r}", FORMS)


def environment(text: str, known: Mapping[str, str]) -> dict[str, str]:
    """The variables of a `.env` file; `known` ones go before them. A line that cannot be read is left out."""
    from io import StringIO  # noqa: PLC0415 - few labs have such a file

    from dotenv import dotenv_values  # noqa: PLC0415

    found = dict(known)
    for name, written in dotenv_values(stream=StringIO(text), interpolate=False).items():
        if name in known:
            continue
        try:
            found[name] = Variables(found).filled(written or "")
        except SubstitutionError:
            found[name] = written or ""
    return found
