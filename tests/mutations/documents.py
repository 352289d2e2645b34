"""Changes of a JSON document at random, as a value: what a damaged, old, hand-made or malicious file may look like."""

from __future__ import annotations

import copy
import random
from typing import Any

#: Texts that steer, lead out, or look like markup and formulas.
HOSTILE = (
    *(
        "",
        " ",
        "\x00",
        "a\x1b[31mb",
        "\u202ex",
        "</script><secx>",
        "=cmd()",
        " =cmd()",
        "\n@SUM(1)",
        "../../x",
        "/",
        ".",
    ),
    *(
        "..",
        "a" * 3000,
        "⑧",
        "١٢",
        "-1",
        "1e9",
        "0x10",
        "None",
        "'",
        '"',
        "`x`",
        "$(x)",
        "%s%n",
        "{x}",
        "a b",
        "\ud800",
    ),
    *("0.0.0.0/0", "::", "255.255.255.255", "fe80::1%eth0", "ff:ff:ff:ff:ff:ff", "eth0", "lo", "accept", "drop"),
)
NUMBERS = (0, 1, -1, 2, 127, 255, 65535, 65536, 2**31, 2**32, 2**63, 2**64, 10**40)
OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [[]], [None], {"a": 1}, 1.5, -0.0)

Path = tuple[Any, ...]


def mutated(dice: random.Random, document: Any, changes: int = 0) -> Any:
    """The document with one to a few changes."""
    made = copy.deepcopy(document)
    for _ in range(changes or dice.choice((1, 1, 1, 2, 4, 8))):
        places = list(_places(made))
        dice.choice(CHANGES)(dice, made, dice.choice(places))
    return made


def _places(node: Any, path: Path = ()) -> Any:
    """Every place below the top."""
    rows = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in rows:
        yield (*path, key)
        yield from _places(value, (*path, key))


def _at(document: Any, path: Path) -> Any:
    for key in path:
        document = document[key]
    return document


def _leave_out(_dice: random.Random, document: Any, path: Path) -> None:
    del _at(document, path[:-1])[path[-1]]


def _replace(dice: random.Random, document: Any, path: Path) -> None:
    _at(document, path[:-1])[path[-1]] = dice.choice((*HOSTILE, *NUMBERS, *OTHERS))


def _same_kind(dice: random.Random, document: Any, path: Path) -> None:
    """Another value of the kind that stands there, so that it is read and reaches what thinks."""
    holder = _at(document, path[:-1])
    value = holder[path[-1]]
    if isinstance(value, bool):
        holder[path[-1]] = not value
    elif isinstance(value, int):
        holder[path[-1]] = dice.choice((value + 1, value - 1, *NUMBERS))
    elif isinstance(value, str):
        holder[path[-1]] = dice.choice(HOSTILE)
    elif isinstance(value, list):
        holder[path[-1]] = dice.choice((value * 2, value[:1], [], value[::-1]))


def _exchange(dice: random.Random, document: Any, path: Path) -> None:
    """A value from elsewhere in the document, of the same kind: a name, an index, an address of another thing."""
    holder = _at(document, path[:-1])
    value = holder[path[-1]]
    alike = [found for place in _places(document) if type(found := _at(document, place)) is type(value)]
    holder[path[-1]] = copy.deepcopy(dice.choice(alike[:2000]))


def _repeat(_dice: random.Random, document: Any, path: Path) -> None:
    holder = _at(document, path[:-1])
    if isinstance(holder, list):
        holder.append(copy.deepcopy(holder[path[-1]]))


CHANGES = (_leave_out, _replace, _same_kind, _same_kind, _exchange, _exchange, _repeat)
