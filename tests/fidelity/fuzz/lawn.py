"""Where a rule of nftables stands, and the named sets and maps of its table that it refers to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.fidelity.fuzz.words import Ground


@dataclass
class Sets:
    """Named sets and maps of a table, each a line."""

    lines: list[str] = field(default_factory=list)

    def name(self, kind: str, words: str) -> str:
        """Adds one; its reference."""
        name = f"{kind[0]}{len(self.lines)}"
        self.lines.append(f"{kind} {name} {{ {words} }}")
        return f"@{name}"


@dataclass(frozen=True)
class Lawn(Ground):
    """Ground of a table of nftables. `mixed` tables (inet) have rules for both IP versions."""

    sets: Sets = field(default_factory=Sets)
    mixed: bool = False

    @property
    def ip(self) -> str:
        """The name of the network header."""
        return "ip" if self.family == 4 else "ip6"


def negated(lawn: Lawn) -> str:
    """An operator that is there or not."""
    return "!= " if lawn.dice.chance(0.2) else ""


def several(values: Sequence[str]) -> str:
    """An anonymous set."""
    return "{ " + ", ".join(dict.fromkeys(values)) + " }"
