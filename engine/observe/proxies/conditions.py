"""Tests of a Host and a path, put together: what proxies' rules ask for, as names and routes.

Several tests of one kind, and negated ones, become one regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from engine.model.application.proxy import ClientTest, PathMatch, PathTest
from engine.records import dataclass

#: Stands for any port behind a name.
ANY_PORT = ":*"
#: Characters of an expression that stands for several tests.
LONGEST = 400


@dataclass(frozen=True, slots=True)
class RequestCase:
    """What a request has to be: by TLS or not (None: either), one of these Hosts (none: any) and paths, and from whom.
    `unknown` says that something is asked for besides, which is not known."""

    tls: bool | None = None
    names: tuple[str, ...] = ()
    paths: tuple[PathTest, ...] = (PathTest(),)
    unknown: bool = False
    clients: tuple[ClientTest, ...] = ()


@dataclass(frozen=True, slots=True)
class TestedValues:
    """What one test compares: `form` is that of the comparison ("": the whole)."""

    form: str
    values: tuple[str, ...]
    folded: bool = False
    any_port: bool = False

    def expression(self) -> str:
        """The values as one expression."""
        port = r"(?::\d+)?" if self.any_port else ""
        forms = {
            "": "^{0}" + port + "$",
            "beg": "^{0}",
            "end": "{0}" + port + "$",
            "dom": r"(?:^|\.){0}(?:[.:]|$)",
            "dir": "/{0}(?:/|$)",
            "sub": "{0}",
            "reg": "{0}",
        }
        each = (value if self.form == "reg" else re.escape(value) for value in self.values)
        return "|".join(forms[self.form].replace("{0}", one) for one in each)


def names_for(tests: Sequence[tuple[bool, TestedValues]]) -> tuple[str, ...] | None:
    """Names of a site for these tests; None where they are too long for one expression."""
    if not tests:
        return ()
    (negated, only), *more = tests
    port = ANY_PORT if only.any_port else ""
    if not more and not negated and only.form == "":
        return tuple(f"{value}{port}" for value in only.values)
    found = _together(tests)
    return (f"~{found}",) if found is not None else None


def paths_for(tests: Sequence[tuple[bool, TestedValues]]) -> tuple[PathTest, ...] | None:
    """Paths of routes for these tests; None where they are too long for one expression."""
    if not tests:
        return (PathTest(),)
    (negated, only), *more = tests
    plain = {"": PathMatch.EXACT, "beg": PathMatch.PREFIX, "reg": PathMatch.REGEX}.get(only.form)
    if not more and not negated and plain is not None and (plain is PathMatch.REGEX or not only.folded):
        return tuple(PathTest(value, plain, only.folded) for value in only.values)
    found = _together(tests)
    return (PathTest(found, PathMatch.REGEX),) if found is not None else None


def _together(tests: Iterable[tuple[bool, TestedValues]]) -> str | None:
    """One expression that fits where all of the tests hold."""
    parts = (
        f"(?{'!' if negated else '='}.*(?{'i' if values.folded else ''}:{values.expression()}))"
        for negated, values in tests
    )
    whole = "^" + "".join(parts)
    return whole if len(whole) <= LONGEST else None
