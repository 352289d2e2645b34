"""nginx's rewrite phase, run for one kind of request: `set`, `if`, `return`, `rewrite` and `break` in their order.

The request is that of curl or a browser that comes directly: GET, without a query, with a Host and a scheme that are
given, and without headers of other proxies. A path, or a Host that is not given, that is compared with one is taken to
be another one. What depends on anything else is not known: it matters where its block would end the request. Rewrites
of some paths are kept in their order, with a condition about the path's file where they have one.
Source: nginx.org/en/docs/http/ngx_http_rewrite_module.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.model.application.expressions import fits_expression
from engine.model.application.web_paths import SAME, Rewrite, RewriteThen
from engine.observe.proxies.nginx.syntax import Directive
from engine.records import dataclass, field, replace

#: What a direct request has, whatever it is for; its other headers are empty.
DIRECT = {"request_method": "GET", "args": "", "query_string": "", "is_args": "", "http_user_agent": "client"}
_HEADER = re.compile(r"(http_(?!host$)|arg_|cookie_)\w+")
#: A variable in a text.
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_ABSOLUTE = re.compile(r"(https?|\$scheme|\$\{scheme\})://")
#: Expressions that fit every path.
_EVERY = frozenset(
    {"^", ".*", "^.*", "^/", "(.*)", "^(.*)", "^(.*)$", "^.*$", "^/(.*)$", "^/(.*)", "^/.*$", "/(.*)", "^/?(.*)$"}
)
_FILE_TEST = re.compile(
    r"\( ?(!?-[fe]) (?:\$request_filename|\$document_root/?(?:\$uri|\$fastcgi_script_name|\$document_uri)?) ?\)"
)
_NOTHING = ("", "0")
#: A longer value is not kept, nor a text with more variables filled.
_LONGEST, _MOST = 512, 32
#: Variables that are rarely the one value that they are compared with.
_ONE_OF_MANY = frozenset({"$host", "$http_host", "$request_uri", "$uri", "$document_uri"})


@dataclass(frozen=True, slots=True)
class RewriteEnd:
    """How the phase ends: by a directive that decides, at one that is not understood, or (neither) with the request
    going on. `values` are the variables that are known then, `passes` is where the last `if` that was met sends it,
    `rewrites` what happens to some paths before. `met`: the condition of an `if` holds for every path."""

    decides: Directive | None = None
    passes: Directive | None = None
    unknown: Directive | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    broken: bool = False
    rewrites: tuple[Rewrite, ...] = ()
    met: bool = False


def run(block: Directive, values: Mapping[str, str], passes: tuple[str, ...] = ()) -> RewriteEnd:
    """Runs the directives of a block. `passes` are those that send a request elsewhere, also from within an `if`: the
    phase goes on after it, and a `return` still counts."""
    known = dict(values)
    passed: Directive | None = None
    ever = False
    kept: list[Rewrite] = []
    for each in block.block or ():
        if each.name == "set" and len(each.words) == 2:
            _set(known, each.words[0].lstrip("$"), each.words[1])
        elif each.name == "return" or _leaves(each):
            return RewriteEnd(each, values=known, rewrites=tuple(kept))
        elif each.name == "rewrite":
            kept += _kept(each)
        elif each.name == "break":
            return RewriteEnd(passes=passed, values=known, broken=True, rewrites=tuple(kept))
        elif each.name == "if":
            met = _met(each.words, known)
            ever = ever or met is True
            inside = _if(each, known, passes, met=met)
            passed = inside.passes if met else passed
            kept += inside.rewrites
            if inside.decides is not None or inside.unknown is not None or inside.broken:
                return replace(inside, rewrites=tuple(kept))
            known = dict(inside.values)
    return RewriteEnd(passes=passed, values=known, rewrites=tuple(kept), met=ever)


def _if(block: Directive, known: dict[str, str], passes: tuple[str, ...], *, met: bool | None) -> RewriteEnd:
    if met:
        return replace(
            run(block, known, passes), passes=next((each for name in passes for each in block.all(name)), None)
        )
    if met is None:
        test = _file_test(block.words)
        if test and all(each.name in ("rewrite", "break") for each in block.block or ()):
            return RewriteEnd(
                values=known, rewrites=tuple(each for one in block.block or () for each in _kept(one, test))
            )
        if _decides(block, passes):
            return RewriteEnd(unknown=block, values=known)
        lost = {each.words[0].lstrip("$") for each in block.all("set") if each.words}
        return RewriteEnd(values={name: value for name, value in known.items() if name not in lost})
    return RewriteEnd(values=known)


def _decides(block: Directive, passes: tuple[str, ...]) -> bool:
    """Whether a block may end the phase or the request, or send it elsewhere."""
    return any(each.name in ("return", "break", "rewrite", *passes) for each in block.block or ())


def _kept(directive: Directive, test: str = "") -> Iterator[Rewrite]:
    """A rewrite or break of some paths. `test` is the condition about the path's file that it stands in."""
    words, line = " ".join((directive.name, *directive.words)), directive.at.line
    if directive.name == "break":
        yield Rewrite("", SAME, RewriteThen.STAY, test, words=words, line=line)
    elif len(directive.words) > 1:
        pattern, onto, *flags = directive.words
        then = {"last": RewriteThen.AGAIN, "break": RewriteThen.STAY}.get(flags[0] if flags else "", RewriteThen.GO_ON)
        away = "permanent" in flags or "redirect" in flags or _ABSOLUTE.match(onto) is not None
        status = 301 if "permanent" in flags else 302
        if away:
            yield Rewrite(pattern, onto, RewriteThen.REDIRECT, test, status, words, line)
        else:
            yield Rewrite(pattern, onto, then, test, 0, words, line)


def _file_test(words: tuple[str, ...]) -> str:
    """A condition about the file of the request's path, in nginx's own word; "" for any other condition."""
    found = _FILE_TEST.fullmatch(" ".join(words))
    return found[1] if found else ""


def _leaves(each: Directive) -> bool:
    """A rewrite of every path to another site: a redirect."""
    words = each.words
    return each.name == "rewrite" and len(words) > 1 and words[0] in _EVERY and _ABSOLUTE.match(words[1]) is not None


def _set(known: dict[str, str], name: str, text: str) -> None:
    value = filled(text, known)
    if value is None or len(value) > _LONGEST:
        known.pop(name, None)
    else:
        known[name] = value


def filled(text: str, known: Mapping[str, str]) -> str | None:
    """A text with the values of its variables; None where one of them is not known."""
    if text.count("$") > _MOST:
        return None
    missing: list[str] = []

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name not in known and not _HEADER.fullmatch(name):
            missing.append(name)
        return known.get(name, "")

    whole = VARIABLE.sub(value, text)
    return None if missing else whole


def _met(words: tuple[str, ...], known: Mapping[str, str]) -> bool | None:
    """Whether the condition of an `if` holds; None where that is not known."""
    parts = [part for part in (words[0].removeprefix("("), *words[1:]) if part] if words else []
    if parts:
        parts[-1] = parts[-1].removesuffix(")")
    parts = [part for number, part in enumerate(parts) if part or number == 2]
    value = filled(parts[0], known) if parts and parts[0].startswith("$") else None
    if len(parts) == 1:
        return None if value is None else value not in _NOTHING
    if len(parts) < 2:
        return None
    sign, against = parts[1], filled(parts[2], known) if len(parts) > 2 else ""
    if parts[0] in _ONE_OF_MANY and value is None and sign in ("=", "!="):
        return sign == "!="
    if value is None or (against is None and sign in ("=", "!=")):
        return None
    return _compared(value, sign, against if sign in ("=", "!=") else (parts[2] if len(parts) > 2 else ""))


def _compared(value: str, sign: str, against: str | None) -> bool | None:
    text = against or ""
    if sign in ("=", "!="):
        return (value == text) is (sign == "=")
    if sign.lstrip("!") in ("~", "~*"):
        return fits_expression(text, value, folded=sign.endswith("*")) is not sign.startswith("!")
    return None
