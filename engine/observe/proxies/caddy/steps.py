"""Directives of a Caddyfile as handlers with their settings, as Caddy's own adapter makes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.observe.proxies.caddy.matchers import long_form
from engine.observe.proxies.caddy.syntax import CaddyLine
from engine.observe.proxies.caddy.tree import REWRITE, CaddyHandler, CaddyRoute, Settings
from engine.observe.proxies.ends import TLS, split_url

_Words = Sequence[str]
#: Words for the status of a redirect; "html" is a page that leads on.
_CODES = {"permanent": 301, "temporary": 302, "html": 200}
#: Where a file was found.
RELATIVE = "{http.matchers.file.relative}"
PATH = "{http.request.uri.path}"
HOST = "Host"


def of(line: CaddyLine, words: _Words) -> tuple[CaddyHandler, ...]:
    """A directive's handlers; `words` are those behind its name and matcher."""
    name = line.words[0]
    kind, settings = _KINDS.get(name, _same)(line, [long_form(each) for each in words])
    return (CaddyHandler(kind or name, settings, line.at, " ".join(line.words)),)


def _same(_line: CaddyLine, _words: _Words) -> tuple[str, Settings]:
    return "", {}


def _redirect(_line: CaddyLine, words: _Words) -> tuple[str, Settings]:
    code = "".join(words[1:2])
    status = int(code) if code.isdecimal() else _CODES.get(code, 302 if not code else 0)
    if status == _CODES["html"]:
        return "static_response", {"status_code": status}
    return "static_response", {"status_code": status or code, "headers": {"Location": [*words[:1]]}}


def _respond(line: CaddyLine, words: _Words) -> tuple[str, Settings]:
    """`respond STATUS`, `respond BODY [STATUS]`."""
    if len(words) == 1 and len(words[0]) == 3 and words[0].isdecimal():
        return "static_response", {"status_code": int(words[0])}
    inner = next((each.words[1] for each in line.block or () if each.words[:1] == ("status",)), None)
    status = next(iter(words[1:2]), inner)
    return "static_response", {"body": "".join(words[:1]), **({"status_code": status} if status else {})}


def _error(_line: CaddyLine, words: _Words) -> tuple[str, Settings]:
    """`error STATUS`, `error MESSAGE [STATUS]`."""
    if len(words) == 1 and len(words[0]) == 3 and words[0].isdecimal():
        return "error", {"status_code": words[0]}
    return "error", {"status_code": "".join(words[1:2]) or 500}


def _rewrite(_line: CaddyLine, words: _Words) -> tuple[str, Settings]:
    return REWRITE, {"uri": "".join(words[:1])}


def _uri(_line: CaddyLine, words: _Words) -> tuple[str, Settings]:
    kind, *values = words or [""]
    if kind in ("strip_prefix", "strip_suffix") and values:
        return REWRITE, {kind.replace("strip", "strip_path"): values[0]}
    if kind == "replace" and len(values) > 1:
        return REWRITE, {"uri_substring": [{"find": values[0], "replace": values[1]}]}
    if kind == "path_regexp" and len(values) > 1:
        return REWRITE, {"path_regexp": [{"find": values[0], "replace": values[1]}]}
    return "uri", {}


def _password(_line: CaddyLine, _words: _Words) -> tuple[str, Settings]:
    return "authentication", {"providers": {"http_basic": {}}}


def _abort(_line: CaddyLine, _words: _Words) -> tuple[str, Settings]:
    return "static_response", {"abort": True}


def _files(line: CaddyLine, _words: _Words) -> tuple[str, Settings]:
    return "file_server", {each.words[0]: True for each in line.block or () if each.words}


def _passed(line: CaddyLine, words: _Words) -> tuple[str, Settings]:
    """reverse_proxy: servers in its line, and in the `to` lines of its block."""
    targets: list[tuple[str, CaddyLine]] = [(word, line) for word in words]
    settings: dict[str, Any] = {}
    for each in line.block or ():
        name, *values = each.words
        if name == "to":
            targets += [(word, each) for word in values]
        elif name == "header_up" and len(values) == 2 and values[0].title() == HOST:
            settings["headers"] = {"request": {"set": {HOST: [long_form(values[1])]}}}
        elif name in ("health_uri", "health_port", "health_path"):
            settings["health_checks"] = {"active": {}}
        elif name == REWRITE and values:
            settings[REWRITE] = {"uri": long_form(values[-1])}
        elif name == "dynamic":
            settings["dynamic_upstreams"] = {}
        elif name == "transport" and any(part.words[0].startswith("tls") for part in each.block or () if part.words):
            settings["transport"] = {"tls": {}}
    return "reverse_proxy", {**settings, "upstreams": [_server(word, at) for word, at in targets]}


def _server(word: str, line: CaddyLine) -> Settings:
    """A server: as the JSON has it, with whether it is spoken to by TLS, and where it is written."""
    if "{" in word or word.startswith("unix/"):
        return {"dial": word}
    scheme, host, port, _ = split_url(word)
    return {"dial": f"{host or 'localhost'}:{port}", "tls": scheme in TLS, "at": line.at}


def _asked_first(line: CaddyLine, words: _Words) -> tuple[str, Settings]:
    """forward_auth: what comes behind it does so where that server agrees."""
    kind, settings = _passed(line, words)
    return kind, {**settings, "handle_response": [{"match": {"status_code": [2]}}]}


_KINDS: dict[str, Callable[[CaddyLine, _Words], tuple[str, Settings]]] = {
    "redir": _redirect,
    "respond": _respond,
    "error": _error,
    "rewrite": _rewrite,
    "uri": _uri,
    "basicauth": _password,
    "basic_auth": _password,
    "abort": _abort,
    "file_server": _files,
    "reverse_proxy": _passed,
    "forward_auth": _asked_first,
}


def _step(line: CaddyLine, uri: str) -> CaddyHandler:
    return CaddyHandler(REWRITE, {"uri": uri}, line.at, " ".join(line.words))


def tried(line: CaddyLine, words: _Words) -> tuple[CaddyRoute, ...]:
    """try_files: a route for the names without a query, and one for each that has one."""
    found: list[CaddyRoute] = []
    plain: list[str] = []
    for word in map(long_form, words):
        name, mark, query = word.partition("?")
        if mark:
            found += _found(line, plain, RELATIVE)
            found += _found(line, [name], f"{RELATIVE}?{query}")
            plain = []
        else:
            plain.append(word)
    return (*found, *_found(line, plain, RELATIVE))


def _found(line: CaddyLine, names: list[str], uri: str) -> list[CaddyRoute]:
    if not names:
        return []
    return [CaddyRoute((_step(line, uri),), line.at, ({"file": {"try_files": list(names)}},))]


def php(line: CaddyLine, words: _Words) -> tuple[CaddyRoute, ...]:
    """php_fastcgi: a folder gets its slash, other paths the index file, and programs are passed on."""
    options = {each.words[0]: each.words[1:] for each in line.block or () if each.words}
    index = next(iter(options.get("index", ())), "index.php")
    ending = next(iter(options.get("split", ())), ".php")
    names = [long_form(each) for each in options.get("try_files", (PATH, f"{PATH}/{index}", index))]
    kind, settings = _passed(line, words)
    step = CaddyHandler(kind, settings, line.at, " ".join(line.words))
    passes = CaddyRoute((step,), line.at, ({"path": [f"*{ending}"]},))
    if index == "off":
        return (passes,)
    slash = CaddyHandler(
        "static_response", {"status_code": 308, "headers": {"Location": [f"{PATH}/"]}}, line.at, " ".join(line.words)
    )
    folder = {"file": {"try_files": [f"{PATH}/{index}"]}, "not": [{"path": ["*/"]}]}
    return (
        CaddyRoute((slash,), line.at, (folder,)),
        CaddyRoute((_step(line, RELATIVE),), line.at, ({"file": {"try_files": names}},)),
        passes,
    )
