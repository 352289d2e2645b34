"""A standing lab as a source: its host's namespace, with the lab's services as containers.

What the lab consists of is read from its record at each look, so that a container that was added a moment ago is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event
from typing import TYPE_CHECKING

from engine.apply.namespaces import enter, run_in
from engine.lab import description, faults, lifecycle
from engine.lab.errors import LabError
from engine.model.host import Snapshot
from engine.records import dataclass, replace
from views.verdict.ask import Ask
from workbench import world
from workbench.exits import refused
from workbench.labs import rounds, work
from workbench.session.sources import Watch

if TYPE_CHECKING:
    from engine.observe.watch.watch import Update


@dataclass(frozen=True, slots=True)
class LabSource:
    """A lab that is up, by its name."""

    lab: str
    live: bool = True
    writable: bool = True
    careful: bool = False

    @property
    def title(self) -> str:
        """For the header."""
        return f"lab {self.lab}"

    @property
    def watch(self) -> Watch:
        """The lab's updates."""
        return self._watch

    def traffic(self) -> dict[str, int]:
        """What the devices of the lab's host have carried; nothing once the lab is gone."""
        try:
            return run_in(lifecycle.host_path(self.lab), world.traffic)
        except OSError:
            return {}

    def look(self) -> Snapshot:
        """The lab now. Raises `Refusal`."""
        return work.look(work.stands(self.lab))

    def _watch(self, stop: Event) -> Iterator[Update]:
        """The thread that asks for them enters the lab for good. Raises `Refusal`."""
        try:
            enter(lifecycle.host_path(self.lab))
        except OSError as error:
            raise refused(f"cannot enter lab {self.lab}: {error.strerror}; was it removed?") from error
        for update in world.watch(stop, world.of_lab(self.lab)):
            yield replace(update, snapshot=description.alone(update.snapshot, work.stands(self.lab).lab))


def question(name: str) -> Ask | None:
    """The question of a lab: its first published port, asked from its first client. None where there is none, and while
    a round of the dojo is on, where asking costs points."""
    lab = work.stands(name).lab
    if rounds.current(name) is not None:
        return None
    try:
        client, target = faults.question(lab)
    except LabError:
        return None
    return Ask(target, f"ns:{lab.netns_by_node[client]}")
