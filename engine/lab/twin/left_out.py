"""What a twin does not have, why, and what that does to answers. Nothing is left out without a line here."""

from __future__ import annotations

from engine.records import dataclass

#: Lines of one kind in a namespace; what is more is counted.
MOST_ALIKE = 20


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something of a snapshot that its twin lacks: where, what, why, and which answers may differ ("" for none)."""

    netns: str
    what: str
    why: str
    effect: str = ""

    def __str__(self) -> str:
        where = f"{self.netns}: " if self.netns else ""
        return f"{where}{self.what}: {self.why}" + (f"; {self.effect}" if self.effect else "")


class Omissions:
    """What is left out while a twin is planned, in its order."""

    def __init__(self) -> None:
        self._rows: list[LeftOut] = []
        self._alike: dict[tuple[str, str], int] = {}

    def leave(self, netns: str, what: str, why: str, effect: str = "") -> None:
        """Notes one thing. Of many for one reason in a namespace the first are kept, and the rest is counted."""
        key = (netns, why)
        self._alike[key] = self._alike.get(key, 0) + 1
        if self._alike[key] <= MOST_ALIKE:
            self._rows.append(LeftOut(netns, " ".join(what.split())[:200], why, effect))

    @property
    def rows(self) -> tuple[LeftOut, ...]:
        """All of it."""
        more = (
            LeftOut(netns, f"{count - MOST_ALIKE} more", why)
            for (netns, why), count in self._alike.items()
            if count > MOST_ALIKE
        )
        return (*self._rows, *more)
