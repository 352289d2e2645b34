"""From which addresses beyond an uplink a question ends how."""

from __future__ import annotations

from engine.model.address import IPNetwork
from engine.model.matrix import Cell
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class SourceRange:
    """Addresses from which the question ends alike: the networks that make them up, and how many they are. `cell` is
    the answer from one of them."""

    cell: Cell
    networks: tuple[IPNetwork, ...]
    addresses: int


@dataclass(frozen=True, slots=True)
class SourceRanges:
    """All ranges beyond a device, the largest first. `left_out` counts addresses that were not asked from; not `exact`
    where a condition divides the addresses in another way than by ranges."""

    device: str
    ranges: tuple[SourceRange, ...]
    left_out: int = 0
    exact: bool = True
