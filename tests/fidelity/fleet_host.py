"""Which host of a random fleet is meant: what is sent to a worker."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FleetHost:
    """The host of this number in the fleet of a seed."""

    seed: int
    number: int

    @property
    def name(self) -> str:
        """What it is called."""
        return f"fleet-{self.seed}-{self.number}"
