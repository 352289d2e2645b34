"""What the workbench looks at: this host, a file, or something given by its functions (a lab, a snapshot).

A source can be looked at, which takes as long as reading everything does. One that is `live` may be watched as well:
then its updates come when something changes, and nothing is read in between. Watching runs in a thread of its own,
which may enter another network namespace for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Event
from typing import TYPE_CHECKING, Protocol

from engine.model.host import Snapshot
from engine.records import dataclass
from views.verdict.timeline import Earlier
from workbench import world
from workbench.session.first_look import FirstLook

if TYPE_CHECKING:
    from engine.observe.watch.watch import Update


#: Gives the host now, then each time that it is another one, until the event is set; before the first time how far the
#: first look is. Raises `Refusal`.
Watch = Callable[[Event], "Iterator[Update | FirstLook]"]
Traffic = Callable[[], Mapping[str, int]]


def _watch(stop: Event) -> Iterator[Update | FirstLook]:
    from workbench.session.looking import watch_apart  # noqa: PLC0415 - a file is not watched

    return watch_apart(stop)


class Recorded(Protocol):
    """The moments of a source that a recorder has kept."""

    def before(self, at: str) -> Sequence[Earlier]:
        """The last ones before a time, the last one first; none where there is no store, or none that can be read."""

    def snapshot(self, number: int) -> Snapshot:
        """The source at one of them. Raises `Refusal`."""


class Source(Protocol):
    """Something to look at. `title` is for the header; a source that is not `live` is looked at once.

    One that is `writable` may be changed by a fix that the user has seen and accepted; where it is `careful` as well (a
    real host), he accepts it twice. `watch` is None where it can only be looked at. `traffic` gives the packets that
    the host's devices have carried, by their names; it is None where nobody knows. `lab` is the
    name of the lab that it is, or empty. `recorded` is its past, where a recorder keeps it.
    """

    @property
    def title(self) -> str: ...  # noqa: D102

    @property
    def live(self) -> bool: ...  # noqa: D102

    @property
    def writable(self) -> bool: ...  # noqa: D102

    @property
    def careful(self) -> bool: ...  # noqa: D102

    @property
    def watch(self) -> Watch | None: ...  # noqa: D102

    @property
    def lab(self) -> str: ...  # noqa: D102

    @property
    def traffic(self) -> Traffic | None: ...  # noqa: D102

    @property
    def recorded(self) -> Recorded | None: ...  # noqa: D102

    def look(self) -> Snapshot:
        """What it is now. Raises `Refusal` with a line for the user."""
        ...


@dataclass(frozen=True, slots=True)
class LiveHost:
    """The host that portscope runs on: the network namespace of the session's thread."""

    title: str = "this host"
    live: bool = True
    writable: bool = False
    careful: bool = True
    watch: Watch | None = _watch
    traffic: Traffic | None = world.traffic
    lab: str = ""
    recorded: Recorded | None = None

    def look(self) -> Snapshot:
        """Reads the kernel and the container engines."""
        return world.look()


@dataclass(frozen=True, slots=True)
class Given:
    """A source by its functions."""

    title: str
    take: Callable[[], Snapshot]
    live: bool = False
    writable: bool = False
    careful: bool = False
    watch: Watch | None = None
    traffic: Traffic | None = None
    lab: str = ""
    recorded: Recorded | None = None

    def look(self) -> Snapshot:
        """Calls the function."""
        return self.take()
