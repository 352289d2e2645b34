"""What a `rewrite` handler makes of a path, as rewrites of the model, and where that is not known.

Groups of an expression are those of the route's own matcher (caddyserver.com/docs/json/apps/http/servers/routes/handle/
rewrite/).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.model.application.proxy import Action, PathMatch, PathTest, ProxyRoute
from engine.model.application.web_paths import SAME, Rewrite, RewriteThen
from engine.observe.proxies.caddy.matchers import long_form
from engine.observe.proxies.caddy.tree import CaddyHandler
from engine.records import replace

_PLACEHOLDER = re.compile(r"\{http\.([^{}]*)\}")
#: Placeholders of a path.
_OWN = frozenset({"request.uri.path", "request.uri"})
_EVERY = "^"


def changed(step: CaddyHandler, here: ProxyRoute, expression: Mapping[str, Any]) -> Iterator[ProxyRoute]:
    """Routes that change the path, in their order, each for the requests of `here`. `expression` is the matcher that
    these came by, where it is one."""
    settings = step.settings
    moves: list[Rewrite | None] = []
    if uri := str(settings.get("uri") or ""):
        moves.append(_onto(uri, step, expression))
    for name, pattern in (("strip_path_prefix", "^(?i:{0})(.*)$"), ("strip_path_suffix", "^(.*)(?i:{0})$")):
        if part := str(settings.get(name) or ""):
            written = f"/{part.lstrip('/')}" if name.endswith("prefix") else part
            moves.append(None if "{" in part else _move(pattern.replace("{0}", re.escape(written)), "$1", step))
    if moves:
        inside = replace(here, action=Action.INSIDE, rewrites=tuple(each for each in moves if each is not None))
        yield replace(here, words=step.words) if None in moves else inside
    for each in settings.get("uri_substring") or ():
        yield from _replaced(str(each.get("find", "")), str(each.get("replace", "")), step, here.within)
    for each in settings.get("path_regexp") or ():
        test = PathTest(str(each.get("find", "")), PathMatch.REGEX)
        yield tested(ProxyRoute(at=step.at, words=step.words, within=here.within), ((test,),))


def _move(pattern: str, onto: str, step: CaddyHandler) -> Rewrite:
    return Rewrite(pattern, onto, RewriteThen.GO_ON, words=step.words, line=step.at.line)


def _onto(uri: str, step: CaddyHandler, expression: Mapping[str, Any]) -> Rewrite | None:
    """A rewrite to another path; None where that depends on something else."""
    path = long_form(uri).partition("?")[0].partition("#")[0]
    if "$" in path:
        return None
    if not path:
        return _move(_EVERY, SAME, step)
    grouped = False

    def value(found: re.Match[str]) -> str:
        nonlocal grouped
        kind, _, rest = found[1].partition(".")
        if found[1] in _OWN:
            return SAME
        if found[1] == "request.uri.query":
            return ""
        name, _, group = rest.rpartition(".")
        if kind == "regexp" and group.isdecimal() and name in ("", str(expression.get("name", "") or "")):
            grouped = True
            return f"${{{int(group)}}}" if expression else found[0]
        return found[0]

    onto = _PLACEHOLDER.sub(value, path)
    if "{" in onto.replace("${", ""):
        return None
    return _move(str(expression["pattern"]) if grouped else _EVERY, onto, step)


def _replaced(find: str, put: str, step: CaddyHandler, outer: int) -> Iterator[ProxyRoute]:
    """A text in the path that becomes another: where it is there once; of several it is not followed."""
    plain = ProxyRoute(at=step.at, words=step.words, within=outer)
    twice = PathTest(f"{re.escape(find)}.*{re.escape(find)}", PathMatch.REGEX)
    if not find or "{" in find + put or "$" in put:
        yield plain
        return
    yield tested(plain, ((twice,),))
    once = _move(f"^(.*){re.escape(find)}(.*)$", f"${{1}}{put}${{2}}", step)
    yield replace(plain, action=Action.INSIDE, rewrites=(once,))


# --- tests ----------------------------------------------------------------------------------------------

#: Characters of tests as words.
_LONGEST = 200
_FORMS = {PathMatch.PREFIX: "{0}*", PathMatch.SUFFIX: "*{0}", PathMatch.PART: "*{0}*", PathMatch.REGEX: "~ {0}"}


def tested(route: ProxyRoute, tests: tuple[tuple[PathTest, ...], ...]) -> ProxyRoute:
    """A route for the paths of some tests."""
    if tests == ((),):
        return route
    if len(tests) == len(tests[0]) == 1 and tests[0][0].holds and tests[0][0].pattern not in ("", "/"):
        only = tests[0][0]
        return replace(route, pattern=only.pattern, match=only.match, folded=only.folded)
    words = " or ".join(" and ".join(map(_as_words, each)) for each in tests)
    return replace(route, pattern=words[:_LONGEST], match=PathMatch.TESTS, tests=tests)


def _as_words(test: PathTest) -> str:
    text = _FORMS.get(test.match, "{0}").replace("{0}", test.pattern)
    return text if test.holds else f"not {text}"
