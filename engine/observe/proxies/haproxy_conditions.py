"""Conditions of HAProxy's rules: the Hosts, paths and schemes that they ask for.

Source: HAProxy's configuration manual (3.0), section 7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.model.application.proxy import PathMatch, ProxyDoor

#: Fetches of a Host. It has its port with it where that is not the usual one, unless it is cut off.
_HOSTS = frozenset({"hdr(host)", "req.hdr(host)"})
_CUT = frozenset({"field(1,:)", "host_only", "lower,field(1,:)", "host_only,lower", "lower,host_only"})
_DOMAIN = "hdr_dom(host)"
#: The fetch that says whether a request came by TLS, and a test of it.
_TLS = "ssl_fc"
_OF_TLS = re.compile(r"(!?) ?\{ ssl_fc \}")
#: Stands for any port behind a name.
ANY_PORT = ":*"
_PATHS = {"path_beg": PathMatch.PREFIX, "path": PathMatch.EXACT, "path_reg": PathMatch.REGEX}


def of_scheme(
    doors: tuple[ProxyDoor, ...],
    asked: list[str],
    conditions: Mapping[str, list[tuple[str, ...]]],
    *,
    unless: bool,
) -> tuple[tuple[ProxyDoor, ...], list[str]]:
    """The doors at which conditions about TLS (`ssl_fc`, and conditions named so) hold, and the other conditions.

    Behind `unless` such a condition counts where it stands alone.
    """
    text = " ".join(asked)
    named = [name for name, tests in conditions.items() if tests == [(_TLS,)]]
    for name in named:
        text = re.sub(rf"(?<!\S)(!? ?){re.escape(name)}(?!\S)", rf"\1{{ {_TLS} }}", text)
    found = _OF_TLS.findall(text)
    rest = _OF_TLS.sub(" ", text).split()
    if not found or (unless and (rest or len(found) > 1)) or "||" in rest or "or" in rest:
        return doors, asked
    for negated in found:
        wanted = (not negated.strip()) is not unless
        doors = tuple(door for door in doors if door.tls is wanted)
    return doors, rest


def asked_for(
    words: list[str], conditions: Mapping[str, list[tuple[str, ...]]]
) -> tuple[tuple[str, ...], list[tuple[str, PathMatch]]] | None:
    """The Hosts and paths that conditions ask for; None where one is not known."""
    names: list[str] = []
    paths: list[tuple[str, PathMatch]] = []
    text = " ".join(words)
    if "||" in words or "or" in words or "!" in text:
        return None
    tests: list[tuple[str, ...]] = []
    inside: list[str] | None = None
    for word in words:
        if word == "{":
            inside = []
        elif word == "}" and inside is not None:
            tests.append(tuple(inside))
            inside = None
        elif inside is not None:
            inside.append(word)
        else:
            found = conditions.get(word)
            if not found:
                return None
            tests += found
    for test in tests:
        if not _of_test(test, names, paths):
            return None
    return tuple(names), paths


def _of_test(test: tuple[str, ...], names: list[str], paths: list[tuple[str, PathMatch]]) -> bool:
    """Takes one test in; False for one that is not known."""
    fetch, *values = test or ("",)
    plain = [value for value in values if not value.startswith("-")]
    fetch, _, cut = fetch.partition(",")
    if "-m" in values and values[values.index("-m") + 1 : values.index("-m") + 2] not in (["str"], ["beg"]):
        return False
    plain = [value for value in plain if value not in ("str", "beg")] if "-m" in values else plain
    if fetch in _HOSTS and (not cut or cut in _CUT):
        names += [f"{value.lower()}{ANY_PORT if cut else ''}" for value in plain]
        return True
    if fetch == _DOMAIN:
        names += [f".{value.lower()}{ANY_PORT}" for value in plain]
        return True
    match = PathMatch.PREFIX if fetch == "path" and "beg" in values else _PATHS.get(fetch)
    if match is None:
        return False
    paths += [(value, match) for value in plain]
    return True
