"""The recorder's moments for the workbench's timeline: opened each time that somebody looks, as a recorder goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from engine.model.host import Snapshot
from engine.recorder.errors import StoreError
from engine.recorder.history import History
from engine.records import dataclass
from views.verdict.timeline import Earlier
from workbench.exits import refused
from workbench.recording.past import default_store, opened

#: Moments that the timeline goes back.
MOST = 500


@dataclass(frozen=True, slots=True)
class Store:
    """The past of this host; in `folder`, or where the machine's recorder keeps it."""

    folder: Path | None = None

    def before(self, at: str) -> Sequence[Earlier]:
        """The last moments before a time, the last one first; none where there is no store, or none that can be
        read."""
        try:
            with History(self.folder or default_store()) as history:
                time = datetime.fromisoformat(at)
                kept = [each for each in history.moments if each.at < time][-MOST:]
                flips: dict[int, list[str]] = {}
                for flip in history.flips():
                    flips.setdefault(flip.moment, []).append(f"{flip.ask}: {flip.after}")
                return [
                    Earlier(
                        each.number,
                        f"{each.at.astimezone():%a %m-%d %H:%M:%S}",
                        tuple(map(str, history.changes(each))),
                        tuple(flips.get(each.number, ())),
                    )
                    for each in reversed(kept)
                ]
        except (StoreError, ValueError):
            return ()

    def snapshot(self, number: int) -> Snapshot:
        """The host at a moment. Raises `Refusal`, also where the moment has gone meanwhile."""
        with opened(self.folder) as history:
            moment = next((each for each in history.moments if each.number == number), None)
            if moment is None:
                raise refused("the recorder has let go of that moment meanwhile")
            return history.state(moment)
