"""What nft's document has beside chains, rules and sets: flowtables and stateful objects, as nouns. Pure.

Objects are noted: rules name them, but what they have counted so far decides no packet that can be told from here, and
changes with every look. So their text has what they are told, and not what they hold.
Source: libnftables-json(5).
"""

from __future__ import annotations

from engine.model.nft_object import FirewallObject, Flowtable
from engine.observe.firewall.nft.as_text import Json, listed

#: The kinds of object, by the words of nft's document.
KINDS = frozenset(
    ("counter", "quota", "limit", "synproxy", "secmark", "tunnel", "ct helper", "ct timeout", "ct expectation")
)
#: What places an object, and what it holds.
_NOT_TOLD = frozenset(("family", "table", "name", "handle", "packets", "bytes used", "used", "comment"))


def firewall_object(kind: str, item: Json) -> FirewallObject:
    """An object; `kind` is one of `KINDS`. Raises KeyError for one without a name."""
    left_out = _NOT_TOLD | ({"bytes"} if kind == "counter" else set())
    told = [f"{key} {_words(value)}" for key, value in item.items() if key not in left_out]
    return FirewallObject(kind, str(item["name"]), ", ".join(told), _handle(item))


def flowtable(item: Json) -> Flowtable:
    """A flowtable. Raises KeyError for one without a name."""
    devices = tuple(sorted(str(device) for device in listed(item.get("dev"))))
    priority = item.get("prio", 0)
    return Flowtable(
        str(item["name"]),
        str(item.get("hook", "ingress")),
        priority if type(priority) is int else 0,
        devices,
        _handle(item),
    )


def _handle(item: Json) -> int | None:
    value = item.get("handle")
    return value if type(value) is int else None


def _words(value: Json) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key} {_words(part)}" for key, part in value.items())
    if isinstance(value, list):
        return " ".join(_words(part) for part in value)
    return str(value)
