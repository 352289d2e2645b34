"""mod_rewrite, as far as a rule ends a request: redirects, refusals, and what is proxied, each with its conditions.

The request is that of curl or a browser that comes directly: GET, without a query or headers of other proxies, by a
scheme and a Host that are given. A rewrite within the site is not followed. What a condition says of anything else is
not known, and then neither is the route.
Source: httpd.apache.org/docs/2.4/mod/mod_rewrite.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from engine.model.application.expressions import fits_expression
from engine.model.application.proxy import Action, ConfigPlace, PathMatch, ProxyRoute, Upstream
from engine.observe.proxies.ends import TLS, split_url
from engine.records import dataclass, replace

#: What a direct request has, whatever it is for.
DIRECT = {"REQUEST_METHOD": "GET", "QUERY_STRING": "", "IS_SUBREQ": "false"}
_VARIABLE = re.compile(r"%\{([^{}]+)\}|([$%]\d)")
#: Expressions that fit every path.
_EVERY = frozenset(
    {"^", ".*", "^.*", "^.*$", "(.*)", "^(.*)", "^(.*)$", "^/", "^/(.*)", "^/(.*)$", "/(.*)", "^/?(.*)", "^/?(.*)$"}
)
_ABSOLUTE = re.compile(r"(https?|wss?|ftp)://|%\{REQUEST_SCHEME\}://")
_STATUSES = {"permanent": 301, "temp": 302, "seeother": 303}


@dataclass(frozen=True, slots=True)
class RewriteLine:
    """A RewriteCond or RewriteRule: its words, and where it stands."""

    name: str
    words: tuple[str, ...]
    at: ConfigPlace


def routes(lines: Sequence[RewriteLine], values: Mapping[str, str]) -> Iterator[ProxyRoute]:
    """The routes of rules that end a request of these values, in their order."""
    conditions: list[tuple[bool | None, bool]] = []
    for line in lines:
        if line.name == "rewritecond":
            flags = _flags(line, 2)
            conditions.append((_met(line.words, values, folded="NC" in flags or "NOCASE" in flags), "OR" in flags))
            continue
        met = _together(conditions)
        conditions = []
        if met is not False and (route := _route(line)) is not None:
            yield route if met else ProxyRoute(route.pattern, route.match, words=_text(line), at=line.at)


def asks_for_host(lines: Sequence[RewriteLine]) -> bool:
    """Whether a condition looks at the Host."""
    return any("HTTP_HOST" in word or "SERVER_NAME" in word for line in lines for word in line.words[:1])


def _text(line: RewriteLine) -> str:
    return " ".join(("RewriteRule", *line.words))


def _flags(line: RewriteLine, place: int) -> dict[str, str]:
    words = "".join(line.words[place : place + 1]).strip("[]").split(",")
    pairs = (word.strip().partition("=") for word in words)
    return {name.upper(): value for name, _, value in pairs if name}


def _route(line: RewriteLine) -> ProxyRoute | None:
    """What a rule does with the requests that it fits; None for one that lets them go on."""
    pattern, target = (*line.words[:2], "", "")[:2]
    flags = _flags(line, 2)
    match = PathMatch.PREFIX if pattern in _EVERY else PathMatch.REGEX
    plain = ProxyRoute("/" if pattern in _EVERY else pattern, match, at=line.at, folded="NC" in flags)
    if pattern.startswith("!"):
        plain = replace(plain, pattern="/", match=PathMatch.PREFIX)
        ends = {"R", "P", "F", "G"} & flags.keys() or _ABSOLUTE.match(target)
        return replace(plain, words=_text(line)) if ends else None
    for flag, status in (("F", 403), ("FORBIDDEN", 403), ("G", 410), ("GONE", 410)):
        if flag in flags:
            return replace(plain, action=Action.ANSWER, status=status)
    if "P" in flags or "PROXY" in flags:
        scheme, host, port, _ = split_url(target)
        if "%" in host or "$" in host:
            return replace(plain, words=_text(line))
        return replace(plain, action=Action.PASS, upstreams=(Upstream(host, port, scheme in TLS, line.at),))
    given = flags.get("R", flags.get("REDIRECT"))
    if given is None and not _ABSOLUTE.match(target):
        return None
    status = _STATUSES.get(given or "", 0) or (int(given) if given and given.isdecimal() else 302)
    if not 300 <= status < 400:
        return replace(plain, action=Action.ANSWER, status=status)
    return replace(plain, action=Action.REDIRECT, status=status, location=_location(target))


def _location(target: str) -> str:
    """A target with the words that are known elsewhere for the request's own."""
    for theirs, ours in (("%{HTTP_HOST}", "$host"), ("%{SERVER_NAME}", "$host"), ("%{REQUEST_URI}", "$request_uri")):
        target = target.replace(theirs, ours)
    return target


def _together(conditions: list[tuple[bool | None, bool]]) -> bool | None:
    """All conditions; those that are joined by OR count as one."""
    whole: bool | None = True
    group: bool | None = False
    for met, joined in conditions:
        group = True if True in (group, met) else None if None in (group, met) else False
        if not joined:
            whole = False if False in (whole, group) else None if None in (whole, group) else True
            group = False
    return whole


def _met(words: tuple[str, ...], values: Mapping[str, str], *, folded: bool) -> bool | None:
    """Whether one condition holds; None where that is not known."""
    text, pattern = (*words[:2], "", "")[:2]
    value = _filled(text, values)
    wanted = not pattern.startswith("!")
    pattern = pattern.removeprefix("!")
    if value is None or pattern.startswith(("-", "<", ">")):
        return None
    if pattern.startswith("="):
        against = pattern.removeprefix("=").strip('"')
        same = value.lower() == against.lower() if folded else value == against
        return same is wanted
    return fits_expression(pattern, value, folded=folded) is wanted


def _filled(text: str, values: Mapping[str, str]) -> str | None:
    """A text with the values of its variables; None where one is not known. Headers are empty."""
    missing = False

    def value(found: re.Match[str]) -> str:
        nonlocal missing
        name = found[1] or ""
        header = name.startswith("HTTP:") and name.upper() != "HTTP:HOST"
        missing = missing or not (name in values or header)
        return values.get(name, "")

    whole = _VARIABLE.sub(value, text)
    return None if missing else whole
