"""What is to be said of a file beside its lab: what was left out, what is built in another way. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from engine.documents.yaml_value import MOST_NAMED, YamlValue
from engine.lab.reading.project import ReadProject


class Notes:
    """What is to be said of a file beside its lab."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._unused: dict[str, None] = {}
        self._lines: list[str] = []

    def say(self, value: YamlValue, text: str) -> None:
        """Something about one value."""
        self._lines.append(f"{value.file}:{value.line}: {value.name} {text}")

    def unused(self, key: str) -> None:
        """A key that a lab has no use for."""
        self._unused[key] = None

    def lines(self, read: ReadProject) -> tuple[str, ...]:
        """All of them, those about keys and variables as one line each."""
        found = list(self._lines)
        if self._unused:
            found.insert(0, f"{self._file}: left out, as a lab has no use for them: {some(self._unused)}")
        if read.asleep:
            found.append(f"{self._file}: not built without their profiles: {some(read.asleep)}")
        if read.missing:
            found.append(f"{self._file}: variables that are not set, taken as empty: {some(read.missing)}")
        return tuple(found)


def some(words: Iterable[str]) -> str:
    """Names in a sentence, a dozen of them."""
    distinct = list(dict.fromkeys(words))
    left = len(distinct) - MOST_NAMED
    return ", ".join(distinct[:MOST_NAMED]) + (f" and {left} more" if left > 0 else "")


def understood(value: YamlValue, keys: tuple[str, ...], unused: tuple[str, ...], notes: Notes) -> dict[str, YamlValue]:
    """A mapping's entries that are understood; those that Compose knows and a lab leaves out are noted."""
    found = value.entries((*keys, *unused))
    for key in found:
        if key in unused:
            notes.unused(key)
    return {key: child for key, child in found.items() if key in keys}
