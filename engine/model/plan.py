"""A change to a host as a value, and a plan: changes in the order in which they are made.

A `Plan` is what a fix offers and what a lab is built from. The kinds of changes are in `engine.change`; here is what
each of them can say of itself, so that a verdict can hold a plan and a view can show its commands.
"""

from __future__ import annotations

from engine.model.host import Snapshot
from engine.model.where import Argvs, Where
from engine.records import dataclass


class Change:
    """One change to a host. Pure: it is only described, by values of its own."""

    __slots__ = ()

    def argv(self, where: Where) -> Argvs:
        """The command lines that make it, in order, each a tuple of words for execve; () where no command can.

        Raises ValueError when it names a link, namespace or rule that `where` cannot express.
        """
        raise NotImplementedError

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot as it would be afterwards, with what the kernel does beside it.

        Raises `StaleChange` when it names something that is not in the snapshot.
        """
        raise NotImplementedError(f"{type(self).__name__} is not simulated")

    def inverse(self, before: Snapshot | None = None) -> Change | None:  # noqa: ARG002
        """The change that takes it back; None where nothing does.

        Some kinds need the snapshot before it to know what to write back, and give None without.
        """
        return None

    def holds(self, snapshot: Snapshot) -> bool:  # noqa: ARG002
        """Whether the snapshot is already as it says. What else is there does not matter."""
        return False


class StaleChange(ValueError):
    """A change names something that is not in the snapshot that it is applied to."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in the order in which they are made."""

    title: str
    changes: tuple[Change, ...]
