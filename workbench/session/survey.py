"""The board of the host that is watched: filled again when what its ports' packets come by is another one.

Other namespaces of a busy machine come and go without it, and where much changes it is filled once in `BOARD_PAUSE`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.model.host import Snapshot
from engine.path.lookup.device_topology import wired
from workbench.session.engine import Board
from workbench.session.stopping import Stopped

if TYPE_CHECKING:
    from engine.model.board import BoardRow

#: Seconds between two fillings.
BOARD_PAUSE = 1.0


class Survey:
    """The last board, by what it was filled for. `due`: there is a change that it does not know of yet."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._known: tuple[object, ...] = ()
        self._rows: tuple[BoardRow, ...] = ()
        self._at = -BOARD_PAUSE
        self.due = False

    def of(
        self, snapshot: Snapshot, interrupted: Callable[[], bool], *, at_once: bool = False
    ) -> tuple[BoardRow, ...] | None:
        """The board of a snapshot; None where it says what it said, was filled just now and is not wanted `at_once`, or
        something else is to be done."""
        near = wired(snapshot, (snapshot.host,))
        about = (snapshot.containers, snapshot.networks, *(each for each in snapshot.namespaces if each.id in near))
        self.due = not _alike(about, self._known)
        if not self.due or (not at_once and time.monotonic() - self._at < BOARD_PAUSE):
            return None

        def tried(_done: int, _whole: int) -> None:
            if interrupted():
                raise Stopped

        try:
            rows = self._board(snapshot, tried)
        except Stopped:
            return None
        self._known, self._at, self.due = about, time.monotonic(), False
        if rows == self._rows:
            return None
        self._rows = rows
        return rows


def _alike(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Whether they are the very same values, as a look shares them with the one before."""
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))
