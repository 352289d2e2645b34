"""nginx's `map`: variables whose value a table gives for another's, as far as that one is known.

A key is a word, compared without regard to case, or `~expression`; with `hostnames` it may be `*.tail`, `head.*` or
`.name` too. Words come first, then the longest of these, the first expression, and `default`, which is empty where it
is not given. Source: nginx.org/en/docs/http/ngx_http_map_module.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from engine.model.application.expressions import fits_expression
from engine.observe.proxies.nginx.rewrite import VARIABLE, filled
from engine.observe.proxies.nginx.syntax import Directive

#: The variables that are the Host a client asks for.
HOSTS = frozenset({"$host", "$http_host", "${host}", "${http_host}"})
_OF_REQUEST = frozenset({"host", "http_host", "scheme", "https"})
#: Words of a map that are no keys.
_OPTIONS = frozenset({"default", "hostnames", "volatile"})
#: A key that is an option's word is written with a backslash before it.
_ESCAPED = "\\"
#: Maps of maps are followed so deep.
_DEEPEST = 4


def is_map(block: Directive) -> bool:
    """Whether a directive is a map of one variable to another."""
    return block.name == "map" and len(block.words) == 2 and block.block is not None


def with_maps(maps: Sequence[Directive], values: Mapping[str, str]) -> Mapping[str, str]:
    """The values with those of variables that maps give. Of any Host but those of the configuration a map by name
    gives its default."""
    found = dict(values)
    for _ in range(_DEEPEST):
        before = len(found)
        for each in maps:
            name = each.words[1].lstrip("$")
            source = filled(each.words[0], found)
            if name not in found and (value := _value(each, source)) is not None:
                text = filled(value, found)
                found |= {name: text} if text is not None else {}
        if len(found) == before:
            break
    return found


def _value(block: Directive, source: str | None) -> str | None:
    """What a map gives for a value; None where that is not known."""
    pairs = [(each.name, each.words[0]) for each in block.block or () if each.name not in _OPTIONS and each.words]
    default = next((each.words[0] for each in block.all("default") if each.words), "")
    if source is None:
        return default if block.words[0] in HOSTS and not _has_patterns(pairs, block) else None
    folded = source.lower()
    words = {key.removeprefix(_ESCAPED).lower(): value for key, value in reversed(pairs) if not key.startswith("~")}
    if folded in words:
        return words[folded]
    if _by_name(block):
        tails = [key for key in words if _covers(key, folded)]
        if tails:
            return words[max(tails, key=lambda key: (not key.endswith(".*"), len(key)))]
    for key, value in pairs:
        if key.startswith("~") and fits_expression(key.lstrip("~").removeprefix("*"), source, folded=key[1:2] == "*"):
            return None if "$" in value and any(letter.isdecimal() for letter in value) else value
    return default


def _by_name(block: Directive) -> bool:
    return any(True for _ in block.all("hostnames"))


def _has_patterns(pairs: Iterable[tuple[str, str]], block: Directive) -> bool:
    """Whether another name than those that are written may have a value of its own."""
    return any(key.startswith("~") or (_by_name(block) and ("*" in key or key.startswith("."))) for key, _ in pairs)


def _covers(key: str, name: str) -> bool:
    if key.startswith("*."):
        return name.endswith(key[1:])
    if key.endswith(".*"):
        return name.startswith(key[:-1])
    return key.startswith(".") and f".{name}".endswith(key)


def names_in(maps: Iterable[Directive]) -> Iterator[str]:
    """The names that maps by Host have."""
    for each in maps:
        if each.words[0] in HOSTS:
            for entry in each.block or ():
                plain = entry.name not in _OPTIONS and not entry.name.startswith((".", "~", "*"))
                if plain and not entry.name.endswith(".*"):
                    yield entry.name.lower()


def of_request(maps: Iterable[Directive]) -> frozenset[str]:
    """The variables that maps give by what a request has: its Host or scheme, if by way of other maps."""
    every = list(maps)
    found = set(_OF_REQUEST)
    for _ in range(_DEEPEST):
        for each in every:
            if any((name[1] or name[2]) in found for name in VARIABLE.finditer(each.words[0])):
                found.add(each.words[1].lstrip("$"))
    return frozenset(found - _OF_REQUEST)
