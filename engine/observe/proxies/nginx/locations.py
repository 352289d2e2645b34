"""An nginx location as a route: what it does with a request, in the order in which nginx does it.

Rewrites and a `return` come first, then `try_files`, then the server that the location passes on to, else files.
Source: nginx.org/en/docs/http/ngx_http_rewrite_module.html, ngx_http_proxy_module.html, ngx_http_core_module.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.model.application.proxy import FILES, Action, PathMatch, ProxyRoute, ResolvedWhen, Upstream
from engine.observe.proxies.ends import PORTS, TLS, split_end
from engine.observe.proxies.nginx.askers import ANYBODY, Askers
from engine.observe.proxies.nginx.folders import NOWHERE, FolderScope
from engine.observe.proxies.nginx.names import PASSES
from engine.observe.proxies.nginx.rewrite import VARIABLE, RewriteEnd, run
from engine.observe.proxies.nginx.syntax import Directive
from engine.records import dataclass, field, replace

#: Directives that decide where a request goes, by means that are not followed.
_STRANGE = frozenset({"auth_request", "mirror", "js_content", "perl", "access_by_lua_block"})
_LUA = re.compile(r"(content|rewrite|access|balancer)_by_lua(_block|_file)?")
#: A server behind which a variable gives the path: `http://app:3000$request_uri`.
_WITH_PATH = re.compile(
    r"([^$]+:\d+|[^$:]+\.[^$:]+|[^$:]+)\$(?:request_uri|uri|is_args|args|\d|\{?\w*(?:uri|path)\}?).*"
)
_OF_CLIENT = re.compile(r"\$\{?(host|http_host|server_name)\}?(:.*)?")
_PROXY_HOST = re.compile(r"\$\{?proxy_host\b")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MATCHES = {"=": PathMatch.EXACT, "^~": PathMatch.FIRM, "~": PathMatch.REGEX, "~*": PathMatch.REGEX}


@dataclass(frozen=True, slots=True)
class Scope:
    """What holds where a directive stands: servers of upstream blocks, variables with constant values, resolvers,
    headers, the folder of files, who may ask, and maps."""

    groups: Mapping[str, tuple[Upstream, ...]]
    values: Mapping[str, str]
    resolvers: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    files: FolderScope = NOWHERE
    asked_by: Askers = ANYBODY
    maps: tuple[Directive, ...] = ()

    def within(self, block: Directive) -> Scope:
        """The same with the resolvers that a block names, and with its headers: these replace all that hold outside."""
        own = tuple(word for each in block.all("resolver") for word in each.words if "=" not in word)
        pairs = (each.words for each in block.all("proxy_set_header") if len(each.words) == 2)
        headers = {name.lower(): value for name, value in pairs}
        scope = replace(self, files=self.files.within(block), asked_by=self.asked_by.within(block))
        scope = replace(scope, resolvers=own) if own else scope
        return replace(scope, headers=headers) if headers else scope


def locations(block: Directive, scope: Scope, before: int = 0, outer: int = 0) -> Iterator[ProxyRoute]:
    """The routes of the locations in a block, each before those that stand in it. `before` routes of the site come
    first, and `outer` is the number of the one that the block is."""
    for each in block.all("location"):
        sign, pattern = each.words if len(each.words) == 2 else ("", each.words[0] if each.words else "/")
        match = PathMatch.NAMED if pattern.startswith("@") else _MATCHES.get(sign, PathMatch.PREFIX)
        inside = scope.within(each)
        slashed = pattern.endswith("/") and any(one.name in PASSES for one in each.block or ())
        route = of_block(each, inside, pattern, match)
        route = replace(route, folded=sign == "~*", within=outer, slashed=slashed)
        before += 1
        yield route
        inner = list(locations(each, inside, before, before))
        before += len(inner)
        yield from inner


def of_block(block: Directive, scope: Scope, pattern: str, match: PathMatch) -> ProxyRoute:
    """What a block does with a request, as one route: a block that says nothing of that answers from files."""
    end = run(block, scope.values, PASSES)
    tries = next((each.words for each in block.all("try_files") if len(each.words) > 1), ())
    if end.met:
        tries = ()  # an `if` is a location of its own, which has none
    plain = ProxyRoute(pattern, match, at=block.at, resolvers=scope.resolvers, rewrites=end.rewrites, tries=tries)
    if tries or any(each.test for each in end.rewrites):
        plain = replace(plain, folder=scope.files.folder())
    scope = replace(scope, values=end.values)
    decided = _decided(plain, end, scope)
    if decided is not None:
        return decided
    plain = scope.asked_by.of(plain)
    strange = next((each for each in block.block or () if each.name in _STRANGE or _LUA.fullmatch(each.name)), None)
    passed = next((each for each in block.block or () if each.name in PASSES and each.words), None)
    if strange is not None:
        return replace(plain, words=" ".join((strange.name, *strange.words)), at=strange.at)
    if passed is not None:
        return _passed(plain, passed, scope)
    return replace(plain, action=Action.ANSWER, words=FILES, folder=scope.files.folder())


def _decided(plain: ProxyRoute, end: RewriteEnd, scope: Scope) -> ProxyRoute | None:
    """What the rewrite phase makes of a request by itself; None where it goes on."""
    if end.unknown is not None:
        return replace(plain, words=" ".join((end.unknown.name, *end.unknown.words)), at=end.unknown.at)
    if end.decides is not None:
        return _returned(plain, end.decides)
    return _passed(plain, end.passes, scope) if end.passes is not None else None


def _returned(plain: ProxyRoute, returned: Directive) -> ProxyRoute:
    words = returned.words
    if returned.name == "rewrite":
        status = 301 if "permanent" in words else 302
        return replace(plain, action=Action.REDIRECT, status=status, location=words[1], at=returned.at)
    status = int(words[0]) if words and words[0].isdecimal() else 302
    location = words[-1] if words and (len(words) > 1 or not words[0].isdecimal()) else ""
    if status in _REDIRECTS or (words and not words[0].isdecimal()):
        return replace(plain, action=Action.REDIRECT, status=status, location=location, at=returned.at)
    return replace(plain, action=Action.ANSWER, status=status, at=returned.at)


def _passed(plain: ProxyRoute, passed: Directive, scope: Scope) -> ProxyRoute:
    """Where proxy_pass leads: a group of servers, a name or an address."""
    written = passed.words[0]
    target = VARIABLE.sub(lambda found: scope.values.get(found[1] or found[2], found[0]), written)
    scheme, separator, rest = target.partition("://")
    if not separator:
        scheme, rest = "http", target
    end = rest.partition("/")[0]
    end = found[1] if (found := _WITH_PATH.fullmatch(end)) else end
    plain = replace(plain, at=passed.at)
    if "$" in end or rest.startswith("unix:"):
        return replace(plain, words=f"{passed.name} {written}")
    plain = _sent(plain, end, rest if "$" not in written else "", scope)
    tls = scheme in TLS
    when = ResolvedWhen.EACH if "$" in written else ResolvedWhen.START
    plain = replace(plain, action=Action.PASS, when=when)
    if end in scope.groups:
        return replace(plain, upstreams=tuple(replace(each, tls=tls) for each in scope.groups[end]))
    host, port = split_end(end, PORTS.get(scheme, 80))
    return replace(plain, upstreams=(Upstream(host, port, tls, passed.at),))


def _sent(plain: ProxyRoute, end: str, rest: str, scope: Scope) -> ProxyRoute:
    """What a server is asked for: by default the name that proxy_pass has as Host; a path behind that name stands in
    the place of the location's (proxy_set_header, proxy_pass)."""
    host = scope.headers.get("host", "$proxy_host")
    if _OF_CLIENT.fullmatch(host):
        host = ""
    elif _PROXY_HOST.match(host):
        host = split_end(end, 80)[0]
    else:
        host = "" if "$" in host else host.partition(":")[0]
    _, slash, path = rest.partition("/")
    onto = f"/{path}" if slash and plain.match is not PathMatch.REGEX else None
    return replace(plain, host=host.lower(), onto=onto)
