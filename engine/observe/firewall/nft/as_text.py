"""nft's JSON expressions as nft writes them: `tcp dport { 22, 80-90 }`. For the texts of conditions and statements.

The words are for people; nothing is parsed from them. What has no form of its own here is shown as its JSON.
Source: libnftables-json(5), nft(8).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

#: A value of the JSON that nft prints; its shape is libnftables-json(5)'s, and is checked where it is used.
Json = Any

#: Order of the flags of a fib expression in its text and in the field's name.
FIB_FLAGS = ("saddr", "daddr", "mark", "iif", "oif")
_OPERATORS = ("&", "|", "^", "<<", ">>")


def listed(value: Json) -> list[Json]:
    """A list as it is, a single value as a list of one, nothing as an empty list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def words(value: Json) -> str:
    """An expression in nft's own words."""
    if isinstance(value, bool):
        return "exists" if value else "missing"
    if isinstance(value, list):
        return ",".join(words(each) for each in value)
    if isinstance(value, dict) and len(value) == 1:
        ((kind, inner),) = value.items()
        if kind in _OPERATORS:
            return f" {kind} ".join(words(each) for each in listed(inner))
        builder = _WORDS.get(kind)
        try:
            return builder(inner) if builder else _plain(value)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            return _plain(value)  # JSON of a shape that this nft does not print
    return str(value) if isinstance(value, str | int) else _plain(value)


def _plain(value: Json) -> str:
    if isinstance(value, dict) and len(value) == 1:
        ((kind, inner),) = value.items()
        return f"{kind} {_flat(inner)}".strip()
    return _flat(value)


def _flat(value: Json) -> str:
    if value is None:
        return ""
    return " ".join(json.dumps(value, separators=(", ", " ")).replace('"', "").split())


def condition(operator: str, left: Json, right: Json) -> str:
    """A match: the operator is silent where nft leaves it out, and marks are hexadecimal."""
    masked = isinstance(left, dict) and "&" in left
    shown = "" if operator in ("==", "in") and not masked else f"{operator} "
    inner = listed(left["&"])[0] if masked and listed(left["&"]) else left
    if inner in ({"meta": {"key": "mark"}}, {"ct": {"key": "mark"}}):
        return f"{_hexadecimal(left)} {shown}{_hexadecimal(right)}"
    return f"{words(left)} {shown}{words(right)}"


def _hexadecimal(value: Json) -> str:
    """The words of an expression whose plain numbers are marks."""
    if isinstance(value, dict) and "&" in value:
        return " & ".join(_hexadecimal(each) for each in listed(value["&"]))
    return f"{value:#x}" if isinstance(value, int) else words(value)


def _limit(inner: Json) -> str:
    over = "over " if inner.get("inv") else ""
    unit = f" {inner['rate_unit']}" if "rate_unit" in inner else ""
    return f"limit rate {over}{inner['rate']}{unit}/{inner['per']}"


def _quota(inner: Json) -> str:
    return f"quota {'over ' if inner.get('inv') else ''}{inner['val']} {inner['val_unit']}"


def _log(inner: Json) -> str:
    return " ".join(
        ["log", *(f'{key} "{value}"' if key == "prefix" else f"{key} {value}" for key, value in inner.items())]
    )


def lookup(keyword: str, key: Json, data: Json) -> str:
    """`KEY vmap { … }` and `KEY map @name`."""
    if not isinstance(data, dict):
        return f"{words(key)} {keyword} {words(data)}"
    entries = ", ".join(" : ".join(words(part) for part in entry) for entry in listed(data.get("set")))
    return f"{words(key)} {keyword} {{ {entries} }}"


def _ct(inner: Json) -> str:
    parts = ("ct", inner.get("dir"), inner.get("family"), inner["key"])
    return " ".join(part for part in parts if part)


def _meta(inner: Json) -> str:
    key = str(inner["key"])
    plain = ("iif", "oif", "iifname", "oifname", "iifgroup", "oifgroup", "iiftype", "oiftype")
    return key if key in plain else f"meta {key}"


def _payload(inner: Json) -> str:
    if "base" in inner:
        return f"@{inner['base']},{inner['offset']},{inner['len']}"
    return f"{inner['protocol']} {inner['field']}"


def fib_words(inner: Json) -> str:
    """`fib saddr . iif oif`, with the flags in one fixed order."""
    flags = [flag for flag in FIB_FLAGS if flag in listed(inner["flags"])]
    result = "oif" if inner["result"] == "check" else inner["result"]
    return f"fib {' . '.join(flags)} {result}"


def _verdict(name: str) -> Callable[[Json], str]:
    return lambda inner: f"{name} {inner['target']}" if inner else name


_WORDS: dict[str, Callable[[Json], str]] = {
    "payload": _payload,
    "meta": _meta,
    "ct": _ct,
    "fib": fib_words,
    "set": lambda inner: "{ " + ", ".join(words(each) for each in listed(inner)) + " }",
    "range": lambda inner: f"{words(inner[0])}-{words(inner[1])}",
    "prefix": lambda inner: f"{words(inner['addr'])}/{inner['len']}",
    "concat": lambda inner: " . ".join(words(each) for each in inner),
    "elem": lambda inner: words(inner["val"]),
    "map": lambda inner: lookup("map", inner["key"], inner["data"]),
    "numgen": lambda inner: f"numgen {inner['mode']} mod {inner['mod']}",
    "limit": _limit,
    "quota": _quota,
    "ct count": lambda inner: f"ct count {'over ' if inner.get('inv') else ''}{inner['val']}",
    "log": lambda inner: _log(inner) if inner else "log",
    "rt": lambda inner: f"rt {inner.get('family', '')} {inner['key']}".replace("  ", " "),
    "socket": lambda inner: f"socket {inner['key']}",
    "exthdr": lambda inner: f"{inner['name']} {inner.get('field', '')}".strip(),
    "tcp option": lambda inner: f"tcp option {inner['name']} {inner.get('field', '')}".strip(),
    "accept": _verdict("accept"),
    "drop": _verdict("drop"),
    "continue": _verdict("continue"),
    "return": _verdict("return"),
    "jump": _verdict("jump"),
    "goto": _verdict("goto"),
}
