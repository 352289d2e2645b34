"""What making a change consists of: where it is made, the act, and the inverse that is written down first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.apply.hands import Hands
from engine.apply.inverse import Inverse
from engine.model.firewall import Rule
from engine.model.where import Where
from engine.records import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Site:
    """Where changes are made: by which hands, in which world, under which mark, in which namespaces of its own.

    `notes` takes sentences about what was made in another way than usual, or left out.
    """

    hands: Hands
    where: Where
    mark: str
    own: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)

    def bare(self, rules: Sequence[Rule] | None = None) -> Where:
        """The world seen from inside the namespace that a change is for: nothing to enter."""
        here = replace(self.where, path=lambda _: None)
        return here if rules is None else replace(here, rules=lambda _: rules)


@dataclass(frozen=True, slots=True)
class ApplyStep:
    """A change that is ready to be made. `act` may give an inverse that is only known once it is made."""

    act: Callable[[], Inverse | None]
    inverse: Inverse | None = None


def step_in(site: Site, netns: str, inverse: Callable[[], Inverse], act: Callable[[], object]) -> ApplyStep:
    """A step in a namespace; one of the lab's own needs no inverse, since what is in it goes with it."""

    def made() -> None:
        act()

    return ApplyStep(made, None if netns in site.own else inverse())
