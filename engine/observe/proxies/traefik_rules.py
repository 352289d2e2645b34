"""Traefik's rules, as cases: what a request has to be for one of them to hold.

Source: doc.traefik.io/traefik, "Rules and Priority" (3.x): matchers joined by `&&` and `||`, `!` before one or before
parentheses.
"""

from __future__ import annotations

import re
from itertools import islice, product

from engine.observe.proxies.conditions import RequestCase, TestedValues, names_for, paths_for
from engine.records import dataclass

#: Cases of one rule, and characters of it; one that has more is not understood.
MOST_CASES, LONGEST_RULE = 64, 4096
_WORDS = re.compile(r"\s*(&&|\|\||!|\(|\)|(\w+)\(((?:[^()`'\"]|`[^`]*`|'[^']*'|\"[^\"]*\")*)\))")
_QUOTED = re.compile(r"[`'\"]([^`'\"]*)[`'\"]")
_HOSTS = {"Host": "", "HostRegexp": "reg"}
_PATHS = {"Path": "", "PathPrefix": "beg", "PathRegexp": "reg"}
#: Matchers within matchers that are followed.
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class _Atom:
    """One matcher: its name, its values, and whether it is negated."""

    name: str
    values: tuple[str, ...]
    negated: bool = False


#: Matchers joined by "and" within, by "or" without.
_Joined = list[list[_Atom]]


class _NotUnderstood(ValueError):
    """The rule is none, or too large."""


def cases(rule: str) -> tuple[RequestCase, ...]:
    """The cases in which a rule holds; one that is not understood is an unknown case."""
    try:
        if len(rule) > LONGEST_RULE:
            raise _NotUnderstood
        reader = _Reader(rule)
        joined = reader.joined(negated=False)
        reader.end()
    except _NotUnderstood:
        return (RequestCase(unknown=True),)
    return tuple(case for each in joined if (case := _case(each)) is not None)


class _Reader:
    """Reads a rule from its start to its end."""

    def __init__(self, text: str) -> None:
        self._text, self._place, self._depth = text, 0, 0

    def end(self) -> None:
        """Raises _NotUnderstood where something is left."""
        if self._text[self._place :].strip():
            raise _NotUnderstood

    def joined(self, *, negated: bool) -> _Joined:
        """Terms joined by `||`; negated they are joined by "and"."""
        found = [self._term(negated=negated)]
        while self._takes("||"):
            found.append(self._term(negated=negated))
        return _all(found) if negated else _any(found)

    def _term(self, *, negated: bool) -> _Joined:
        found = [self._factor(negated=negated)]
        while self._takes("&&"):
            found.append(self._factor(negated=negated))
        return _any(found) if negated else _all(found)

    def _factor(self, *, negated: bool) -> _Joined:
        while self._takes("!"):
            negated = not negated
        if self._takes("("):
            self._depth += 1
            if self._depth > _DEEPEST:
                raise _NotUnderstood
            found = self.joined(negated=negated)
            self._depth -= 1
            if not self._takes(")"):
                raise _NotUnderstood
            return found
        word = _WORDS.match(self._text, self._place)
        if word is None or word[2] is None:
            raise _NotUnderstood
        self._place = word.end()
        return [[_Atom(word[2], tuple(_QUOTED.findall(word[3])), negated)]]

    def _takes(self, sign: str) -> bool:
        word = _WORDS.match(self._text, self._place)
        if word is None or word[1] != sign:
            return False
        self._place = word.end()
        return True


def _any(parts: list[_Joined]) -> _Joined:
    return _few([one for part in parts for one in part])


def _all(parts: list[_Joined]) -> _Joined:
    return _few([[atom for one in chosen for atom in one] for chosen in islice(product(*parts), MOST_CASES + 1)])


def _few(joined: _Joined) -> _Joined:
    if len(joined) > MOST_CASES:
        raise _NotUnderstood
    return joined


def _case(atoms: list[_Atom]) -> RequestCase | None:
    """Matchers that all hold, as a case; None where they never do for a plain request."""
    names: list[tuple[bool, TestedValues]] = []
    paths: list[tuple[bool, TestedValues]] = []
    unknown = False
    for atom in atoms:
        if atom.name in _HOSTS and not any("{" in value for value in atom.values):
            form = _HOSTS[atom.name]
            lower = tuple(value if form else value.lower() for value in atom.values)
            names.append((atom.negated, TestedValues(form, lower, True)))
        elif atom.name in _PATHS:
            paths.append((atom.negated, TestedValues(_PATHS[atom.name], atom.values)))
        elif atom.name == "Method":
            if ("GET" in atom.values) is atom.negated:
                return None
        else:
            unknown = True
    hosts, ways = names_for(names), paths_for(paths)
    return RequestCase(None, hosts or (), ways or (), unknown or hosts is None or ways is None)
