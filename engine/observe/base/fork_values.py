"""How values travel from a forked worker to its parent: as their fields, by pickle.

The reader calls the class with them, so a noun's own rules hold on arrival as well.
Source: pickle of the standard library (`reducer_override`).
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from operator import attrgetter
from typing import Any


def packed(value: object) -> memoryview:
    """A value as bytes."""
    out = io.BytesIO()
    _Pickler(out, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
    return out.getbuffer()


def unpacked(data: bytes) -> dict[int, Any]:
    """The results that a worker sent; none where it was ended before that."""
    found: dict[int, Any] = {}
    with suppress(EOFError, pickle.UnpicklingError):
        found = pickle.loads(data)  # from a copy of this very process
    return found


@cache
def _parts(kind: Any) -> Callable[[Any], Any] | None:
    """What gives the fields of a dataclass as a tuple; None for any other class."""
    if not is_dataclass(kind):
        return None
    names = [field.name for field in fields(kind) if field.init]
    return attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """Called for each object that is not of a built-in type."""
        kind: Any = type(value)
        if kind is IPv4Address or kind is IPv6Address:
            return kind, (value.packed,)
        if kind is IPv4Network or kind is IPv6Network:
            return kind, ((value.network_address.packed, value.prefixlen),)
        parts = _parts(kind)
        return NotImplemented if parts is None else (kind, parts(value))
