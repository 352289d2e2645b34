"""A snapshot in pieces that states share, and back.

1. A piece is a text with a number. Equal texts are one piece (`Pieces.put`), so a state costs what is new in it.
2. A snapshot, its namespaces, their firewalls, tables and chains are opened: each of their parts that is long is a
   piece of its own. A long list is cut into runs of entries, each a piece; where a run ends depends on the entries
   alone, so that an entry that comes or goes makes one new run, wherever it is.
3. In the place of a part stands {"#": NUMBER}, of a list in runs {"#": [NUMBER, …]}. No part looks so by itself.
4. What passes by itself is left out (`PASSING`): it says nothing of the state, and would make every state a new one.
5. Both ways remember: the writer the texts of the last states' nouns by their identity, the reader the nouns by number.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any, Protocol
from zlib import crc32

from engine.model.firewall import Chain, Firewall, Rule, Table
from engine.model.host import Netns, Snapshot
from engine.model.traffic import ConntrackEntry
from engine.observe.recording.codec import codec_of, parts_of
from engine.observe.recording.codec_values import Unreadable
from engine.recorder.errors import StoreDamaged

REFERENCE = "#"
_LARGE = "namespaces"
OPENED: tuple[type[Any], ...] = (Snapshot, Netns, Firewall, Table, Chain)
#: Fields that are another one at every look, by their noun.
PASSING: Mapping[type[Any], frozenset[str]] = {
    Snapshot: frozenset({"taken_at"}),
    Netns: frozenset({"pids"}),
    Rule: frozenset({"packets", "bytes"}),
    ConntrackEntry: frozenset({"timeout"}),
}
#: Characters of the longest part that stands where it is.
SHORT = 160
#: A run of a list ends after one entry in so many, by its text, and after `LONGEST_RUN` in any case.
RUN, LONGEST_RUN = 16, 64
#: States after which a writer forgets the texts that were not asked for since.
ROUND = 64
#: Nouns that a reader remembers.
MOST_REMEMBERED = 50_000
#: Documents of snapshots and namespaces that it remembers to compare them.
MOST_DOCUMENTS = 2000

_line = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode


class Pieces(Protocol):
    """Where the texts are."""

    def put(self, text: str) -> int:
        """Keeps a text, and gives its number: the old one where it is there already."""

    def get(self, number: int) -> str:
        """The text of a number. Raises StoreDamaged where there is none."""


# --- writing --------------------------------------------------------------------------------------------


class PieceWriter:
    """Puts one snapshot after another."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._known: dict[int, tuple[Any, str]] = {}
        self._fresh: dict[int, tuple[Any, str]] = {}
        self._states = 0

    def put(self, snapshot: Snapshot) -> int:
        """Keeps a snapshot, and gives the number of its piece."""
        self._states += 1
        if self._states % ROUND == 0:
            self._known, self._fresh = self._fresh, {}
        return self._pieces.put(self._opened(snapshot))

    def forget(self) -> None:
        """What was put may not be there any more."""
        self._known, self._fresh = {}, {}

    def _remembered(self, value: Any, make: Callable[[], str]) -> str:
        """The text of a noun, made once as long as the noun lives on from state to state."""
        key = id(value)
        found = self._fresh.get(key) or self._known.get(key)
        if found is None or found[0] is not value:
            found = value, make()
        self._fresh[key] = found
        return found[1]

    def _opened(self, noun: Any) -> str:
        members = []
        kind: Any = type(noun)
        for part in _parts(kind):
            value = getattr(noun, part.name)
            if value is not part.default and value != part.default:
                members.append(f"{part.key}:{self._part(part, value)}")
        return f"{{{','.join(members)}}}"

    def _part(self, part: _Part, value: Any) -> str:
        if part.item is not None:
            return self._remembered(value, partial(self._list, part, value))
        if part.opened:
            return self._remembered(value, partial(self._noun, value))
        return self._short(part.line(value))

    def _list(self, part: _Part, value: Sequence[Any]) -> str:
        """A list as it stands in its noun."""
        if part.opened:
            texts = [self._remembered(each, partial(self._noun, each)) for each in value]
        else:
            texts = [self._remembered(each, partial(part.line, each)) for each in value]
        whole = f"[{','.join(texts)}]"
        if len(whole) <= SHORT:
            return whole
        return f'{{"{REFERENCE}":{_line([self._pieces.put(run) for run in _runs(texts)])}}}'

    def _noun(self, value: Any) -> str:
        return self._short(self._opened(value))

    def _short(self, text: str) -> str:
        """A text where it is short, else what stands for it."""
        return text if len(text) <= SHORT else f'{{"{REFERENCE}":{self._pieces.put(text)}}}'


def _runs(texts: Sequence[str]) -> Iterator[str]:
    run: list[str] = []
    for text in texts:
        run.append(text)
        if crc32(text.encode()) % RUN == 0 or len(run) == LONGEST_RUN:
            yield f"[{','.join(run)}]"
            run = []
    if run:
        yield f"[{','.join(run)}]"


# --- reading --------------------------------------------------------------------------------------------


class PieceReader:
    """Gets snapshots by their numbers. What two of them share is the very same value in both."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._nouns: dict[tuple[Any, int], Any] = {}
        self._documents: dict[Any, Any] = {}

    def get(self, number: int) -> Snapshot:
        """The snapshot of a piece, without the time at which it was taken. Raises StoreDamaged."""
        if len(self._nouns) > MOST_REMEMBERED:
            self._nouns.clear()
        try:
            found: Snapshot = self._referred(Snapshot, number, partial(self._opened, Snapshot))
        except Unreadable as error:
            where = f" at {error.place}" if error.place else ""
            raise StoreDamaged(f"state {number} is damaged{where}: {error.reason}") from None
        except (ValueError, TypeError, RecursionError) as error:
            raise StoreDamaged(f"state {number} is damaged: {error}") from None
        return found

    def differing(self, one: int, other: int) -> set[tuple[str, str]]:
        """Where two snapshots differ: namespace and field of it, with an empty name for a field of the whole.

        Only the pieces in which they differ are looked at, and no noun is made of them. Raises StoreDamaged.
        """
        old, new = self._document(one), self._document(other)
        found = {("", name) for name in _unequal(old, new) if name != _LARGE}
        if old.get(_LARGE) == new.get(_LARGE):
            return found
        sides = [self._entries(each.get(_LARGE, [])) for each in (old, new)]
        pairs = list(zip(*sides, strict=False))
        for before, after in ((self._resolved(a), self._resolved(b)) for a, b in pairs if a != b):
            same = before.get("id") == after.get("id")
            found |= {(str(after.get("id")), name) for name in _unequal(before, after)} if same else {("", _LARGE)}
        return found if len(sides[0]) == len(sides[1]) else found | {("", _LARGE)}

    def _document(self, number: Any) -> dict[str, Any]:
        if number not in self._documents:
            if len(self._documents) > MOST_DOCUMENTS:
                self._documents.clear()
            self._documents[number] = json.loads(self._pieces.get(number))
        document = self._documents[number]
        if type(document) is not dict:
            raise StoreDamaged(f"piece {number} is no noun")
        return document

    def _entries(self, value: Any) -> list[Any]:
        runs = _number(value)
        return value if runs is None else [one for run in runs for one in json.loads(self._pieces.get(run))]

    def _resolved(self, value: Any) -> dict[str, Any]:
        number = _number(value)
        return value if number is None else self._document(number)

    def _referred(self, kind: Any, number: Any, read: Callable[[Any], Any]) -> Any:
        if type(number) is not int:
            raise Unreadable("expected the number of a piece")
        key = kind, number
        if key not in self._nouns:
            self._nouns[key] = read(json.loads(self._pieces.get(number)))
        return self._nouns[key]

    def _opened(self, noun: Any, document: Any) -> Any:
        if type(document) is not dict:
            raise Unreadable(f"expected a {noun.__name__}")
        known = {part.name: part for part in _parts(noun)}
        if unknown := document.keys() - known.keys():
            raise Unreadable(f"the field {min(unknown)!r:.60} is unknown; a newer portscope may have written it")
        return noun(**{name: self._part(known[name], value) for name, value in document.items()})

    def _part(self, part: _Part, value: Any) -> Any:
        if part.item is not None:
            return self._list(part, value)
        read = partial(self._opened, part.hint) if part.opened else part.read
        number = _number(value)
        return read(value) if number is None else self._referred(part, number, read)

    def _list(self, part: _Part, value: Any) -> tuple[Any, ...]:
        runs = _number(value)
        if runs is None:
            return self._run(part, value)
        if type(runs) is not list:
            raise Unreadable("expected the numbers of runs")
        found: list[tuple[Any, ...]] = [self._referred(part, run, partial(self._run, part)) for run in runs]
        return found[0] if len(found) == 1 else tuple(one for run in found for one in run)

    def _run(self, part: _Part, value: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise Unreadable("expected a list")
        return tuple(self._entry(part, each) for each in value)

    def _entry(self, part: _Part, value: Any) -> Any:
        if not part.opened:
            return part.read(value)
        number = _number(value)
        if number is None:
            return self._opened(part.item, value)
        return self._referred(part.item, number, partial(self._opened, part.item))


def _unequal(old: dict[str, Any], new: dict[str, Any]) -> set[str]:
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def _number(value: Any) -> Any:
    """What a reference refers to; None for what is no reference."""
    return value[REFERENCE] if type(value) is dict and value.keys() == {REFERENCE} else None


# --- the nouns ------------------------------------------------------------------------------------------


class _Part:
    """A field of an opened noun: how it is written and read. `item` is the kind of a list's entries."""

    def __init__(self, name: str, hint: Any, default: Any) -> None:
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        long = origin is Sequence or (origin is tuple and arguments[1:] == (Ellipsis,))
        self.name, self.key, self.hint, self.default = name, _line(name), hint, default
        self.item: Any = arguments[0] if long else None
        kind: Any = self.item if long else hint
        self.opened = kind in OPENED
        codec = codec_of(kind)
        self.read: Callable[[Any], Any] = codec.read
        self._write: Callable[[Any], Any] = codec.write
        self._passing = PASSING.get(kind, frozenset())

    def line(self, value: Any) -> str:
        """The text of a value of this kind that is not opened."""
        document = self._write(value)
        if self._passing:
            document = {name: each for name, each in document.items() if name not in self._passing}
        return _line(document)


@cache
def _parts(noun: type[Any]) -> tuple[_Part, ...]:
    passing = PASSING.get(noun, frozenset())
    return tuple(_Part(*each) for each in parts_of(noun) if each[0] not in passing)


def referred(text: str) -> Iterator[int]:
    """The numbers of the pieces that a piece's text refers to. Raises StoreDamaged."""
    try:
        left = [json.loads(text)]
    except (ValueError, RecursionError) as error:
        raise StoreDamaged(f"a piece is damaged: {error}") from None
    while left:
        value = left.pop()
        found = _number(value)
        if found is not None:
            yield from found if isinstance(found, list) else (found,)
        elif isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
