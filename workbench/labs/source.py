"""A standing lab as a source: its host's namespace, with the lab's services as containers.

What the lab consists of is read from its record at each look, so that a container that was added a moment ago is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

from engine.apply.namespaces import run_in
from engine.lab import breaking, description, faults, lifecycle
from engine.lab.errors import LabError
from engine.model.host import Snapshot
from engine.observe.watch.watch import Update
from engine.records import dataclass, replace
from views.verdict.ask import Ask
from workbench import world
from workbench.labs import rounds, work
from workbench.session.first_look import FirstLook
from workbench.session.looking import watch_apart
from workbench.session.sources import Watch


@dataclass(frozen=True, slots=True)
class LabSource:
    """A lab that is up, by its name."""

    lab: str
    live: bool = True
    writable: bool = True
    careful: bool = False
    recorded: None = None

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

    def _watch(self, stop: Event) -> Iterator[Update | FirstLook]:
        """From a process that enters the lab. Raises `Refusal`."""
        for seen in watch_apart(stop, self.lab, str(lifecycle.host_path(self.lab))):
            if isinstance(seen, Update):
                yield replace(seen, snapshot=description.alone(seen.snapshot, work.stands(self.lab).lab))
            else:
                yield seen


def question(name: str) -> Ask | None:
    """The question of a lab: that of a fault which is about one, else its first published port, asked from its first
    client. None where there is none, and while a round of the dojo is on, where asking costs points."""
    lab = work.stands(name).lab
    if rounds.current(name) is not None:
        return None
    there = [faults.find(each) for each in breaking.broken(name, work.place())]
    try:
        client, target = faults.question(lab, next((fault for fault in there if fault.asks), None))
    except LabError:
        return None
    return Ask(target, f"ns:{lab.netns_by_node[client]}")
