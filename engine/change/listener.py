"""Programs that must listen."""

from __future__ import annotations

from engine.model.host import Snapshot
from engine.model.plan import Change, StaleChange
from engine.model.traffic import Listener
from engine.model.where import Argvs, Where
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class Listen(Change):
    """A program listens, perhaps instead of where it does. No command can make it: its owner must."""

    netns: str
    listener: Listener
    instead_of: Listener | None = None

    def argv(self, where: Where) -> Argvs:  # noqa: ARG002
        """None."""
        return ()

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The listener, in the place of the other one."""
        netns = snapshot.by_id[self.netns]
        kept = tuple(each for each in netns.listeners if each != self.instead_of)
        return snapshot.with_netns(replace(netns, listeners=(*kept, self.listener)))


@dataclass(frozen=True, slots=True)
class StopListening(Change):
    """A program listens no more. No command of ours makes it: its owner must stop it."""

    netns: str
    listener: Listener

    def argv(self, where: Where) -> Argvs:  # noqa: ARG002
        """None."""
        return ()

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The namespace without the listener."""
        netns = snapshot.by_id[self.netns]
        if self.listener not in netns.listeners:
            raise StaleChange(f"nothing listens on {self.listener} in {self.netns}")
        kept = tuple(each for each in netns.listeners if each != self.listener)
        return snapshot.with_netns(replace(netns, listeners=kept))

    def inverse(self, before: Snapshot | None = None) -> Change | None:  # noqa: ARG002
        """It listens again."""
        return Listen(self.netns, self.listener)
