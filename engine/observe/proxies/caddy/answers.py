"""A handler that ends a request, as a route: a server that it is passed on to, an answer, or what is not understood."""

from __future__ import annotations

from typing import Any

from engine.model.application.proxy import FILES, Action, ProxyRoute, Upstream
from engine.observe.proxies.caddy.rewriting import changed
from engine.observe.proxies.caddy.steps import HOST, PATH
from engine.observe.proxies.caddy.tree import CaddyHandler
from engine.observe.proxies.ends import split_end
from engine.records import replace

#: Handlers that let a request go on as it is.
_GO_ON = (
    "headers encode vars request_body log_append tracing map push copy_response copy_response_headers intercept "
    "templates header request_header root fs method skip_log log_skip log_name"
)
PASSING = frozenset(_GO_ON.split())
_HTTP, _HTTPS = 80, 443
_UPSTREAM = "{http.reverse_proxy.upstream."
#: Placeholders of an address that a client is sent to, in nginx's words.
_SENT_TO = (
    ("{http.request.host}", "$host"),
    ("{http.request.uri}", "$request_uri"),
    (PATH, "$uri"),
    ("{http.request.scheme}", "$scheme"),
)


def answered(step: CaddyHandler, here: ProxyRoute) -> ProxyRoute:
    """The route of a handler, for the requests of `here`."""
    here = replace(here, action=Action.UNKNOWN, at=step.at)
    if step.kind == "reverse_proxy":
        return _passed(step, here)
    if step.kind in ("static_response", "error"):
        return _static(step, here)
    if step.kind == "file_server" and not step.settings.get("pass_thru"):
        return replace(here, action=Action.ANSWER, words=FILES)
    if step.kind == "metrics":
        return replace(here, action=Action.ANSWER)
    if step.kind == "authentication" and set(step.settings.get("providers") or ()) == {"http_basic"}:
        return replace(here, action=Action.ANSWER, status=401)
    return replace(here, words=step.words)


def _static(step: CaddyHandler, here: ProxyRoute) -> ProxyRoute:
    status = str(step.settings.get("status_code") or (200 if step.kind == "static_response" else 500))
    location = (step.settings.get("headers") or {}).get("Location")
    if step.settings.get("abort") or not status.isdecimal():
        return replace(here, words=step.words)
    if not location:
        return replace(here, action=Action.ANSWER, status=int(status))
    target = str(location[0])
    for placeholder, word in _SENT_TO:
        target = target.replace(placeholder, word)
    return replace(here, action=Action.REDIRECT, status=int(status), location=target)


def _passed(step: CaddyHandler, here: ProxyRoute) -> ProxyRoute:
    """reverse_proxy. What only passes some answers on, and others not, depends on those."""
    settings = step.settings
    servers = settings.get("upstreams") or ()
    dials = [str(each.get("dial", "")) for each in servers]
    asks_first = any(2 in ((each.get("match") or {}).get("status_code") or ()) for each in _list(settings))
    if not dials or asks_first or "dynamic_upstreams" in settings or any(map(_is_open, dials)):
        return replace(here, words=step.words)
    tls = "tls" in (settings.get("transport") or {})
    checked = "active" in (settings.get("health_checks") or {})
    upstreams = tuple(_upstream(each, step, tls=tls, checked=checked) for each in servers)
    route = replace(here, action=Action.PASS, upstreams=upstreams, host=_host(settings, upstreams))
    moves = next(changed(replace(step, settings=settings.get("rewrite") or {}), ProxyRoute(), {}), None)
    if moves is not None and moves.action is Action.UNKNOWN:
        return replace(here, words=step.words)
    return route if moves is None else replace(route, rewrites=moves.rewrites)


def _list(settings: Any) -> list[Any]:
    found = settings.get("handle_response")
    return found if isinstance(found, list) else []


def _is_open(dial: str) -> bool:
    return "{" in dial or dial.startswith("unix/")


def _upstream(entry: Any, step: CaddyHandler, *, tls: bool, checked: bool) -> Upstream:
    tls = tls or bool(entry.get("tls"))
    host, port = split_end(str(entry.get("dial", "")).removeprefix("tcp/"), _HTTPS if tls else _HTTP)
    return Upstream(host or "localhost", port, tls, entry.get("at", step.at), checked)


def _host(settings: Any, upstreams: tuple[Upstream, ...]) -> str:
    """The Host that servers are asked by, where it is not the client's."""
    wanted = ((settings.get("headers") or {}).get("request") or {}).get("set", {}).get(HOST)
    text = str(wanted[0]) if wanted else ""
    if text.startswith(_UPSTREAM):
        return upstreams[0].host if len({each.host for each in upstreams}) == 1 else ""
    return "" if "{" in text else text.rpartition(":")[0] or text
