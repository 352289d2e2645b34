"""The board: the ports that others may ask for, from the LAN, the host and containers, before anybody asks a thing."""

from __future__ import annotations

from enum import StrEnum

from engine.model.matrix import MatrixPort
from engine.model.verdict import Cause, Question, Reach
from engine.records import dataclass

#: The worst first.
WORST = (Reach.NO, Reach.DEPENDS, Reach.YES)


class BoardPlace(StrEnum):
    """Where people ask from."""

    LAN = "LAN"
    HOST = "host"
    CONTAINERS = "containers"


@dataclass(frozen=True, slots=True)
class BoardCell:
    """What a place gets, and the question of it that gets the worst."""

    place: BoardPlace
    reach: Reach
    question: Question


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A port with its cells, and the first cause of the first cell that fails."""

    port: MatrixPort
    cells: tuple[BoardCell, ...]
    cause: Cause | None = None

    @property
    def worst(self) -> BoardCell:
        """The cell that says most: the first that fails, else the first that depends, else the first."""
        return min(self.cells, key=lambda cell: WORST.index(cell.reach))
