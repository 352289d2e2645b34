"""Whether what an nginx server block does depends on the request's name or scheme, and which names it may be asked by.

Source: nginx.org/en/docs/http/request_processing.html.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from engine.observe.proxies.nginx.rewrite import VARIABLE
from engine.observe.proxies.nginx.syntax import Directive

#: Directives that send a request on to a server.
PASSES = ("proxy_pass", "grpc_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass")
_USING = ("set", "return", "rewrite")
#: What a request has of its own, in a directive.
_OF_REQUEST = re.compile(r"\$\{?(scheme|host|http_host|https)\b")
_ASKED_HOST = re.compile(r"\(\$(?:host|http_host) !?= \"?([A-Za-z0-9_.-]+)\"? ?\)")


def varies(block: Directive, mapped: Collection[str] = ()) -> bool:
    """Whether anything in a block depends on the scheme or the name; `mapped` are variables that do."""
    return any(
        each.name == "if"
        or varies(each, mapped)
        or (each.name in (*PASSES, *_USING) and (_OF_REQUEST.search(" ".join(each.words)) or _uses(each, mapped)))
        for each in block.block or ()
    )


def uses(block: Directive, variables: Collection[str]) -> bool:
    """Whether a block, or one within it, has one of these variables."""
    return bool(variables) and any(_uses(each, variables) or uses(each, variables) for each in block.block or ())


def _uses(directive: Directive, variables: Collection[str]) -> bool:
    return any((found[1] or found[2]) in variables for word in directive.words for found in VARIABLE.finditer(word))


def others(block: Directive, servers: Sequence[Directive], mapped: Iterable[str] = ()) -> tuple[str, ...]:
    """Names in the conditions of a server block, and those that its maps have, that no block has: it gets them where it
    is the first of a door."""
    asked = dict.fromkeys((*_hosts_in(block), *mapped))
    if not asked or not any(_is_first(listen, block, servers) for listen in block.all("listen")):
        return ()
    taken = [word for each in servers for names in each.all("server_name") for word in names.words]
    if any(word.startswith("~") for word in taken):
        return ()
    tails = tuple(word.lstrip("*") for word in taken if word.startswith(("*.", ".")))
    return tuple(name for name in asked if name not in taken and not (tails and f".{name}".endswith(tails)))


def _hosts_in(block: Directive) -> Iterator[str]:
    for each in block.block or ():
        if each.name == "if" and (found := _ASKED_HOST.fullmatch(" ".join(each.words))):
            yield found[1].lower()
        yield from _hosts_in(each)


def _is_first(listen: Directive, block: Directive, servers: Sequence[Directive]) -> bool:
    """Whether a server block gets the Hosts of a door that no block has."""
    if not listen.words or "default_server" in listen.words:
        return bool(listen.words)
    same = [(each, other) for each in servers for other in each.all("listen") if other.words[:1] == listen.words[:1]]
    return not any("default_server" in other.words for _, other in same) and same[0][0] is block
