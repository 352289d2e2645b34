"""IPsec as the kernel holds it (ip-xfrm(8)): policies, which say what packets need, and how many states there are."""

from __future__ import annotations

from engine.model.address import IPNetwork
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class IpsecPolicy:
    """One policy. `direction` is `in`, `fwd` or `out`; a smaller `priority` comes first.

    A packet meets it that goes from `source` to `destination`, with `protocol` (None: any), ports and mark that are the
    value under the mask of each pair, by the device of index `link` (0: any). `blocks` drops it; one that `transforms`
    has what leaves wrapped up, and takes nothing in that was not. `text` is what `ip xfrm policy` says of it.
    """

    direction: str
    source: IPNetwork
    destination: IPNetwork
    protocol: int | None = None
    sport: tuple[int, int] = (0, 0)
    dport: tuple[int, int] = (0, 0)
    mark: tuple[int, int] = (0, 0)
    link: int = 0
    priority: int = 0
    blocks: bool = False
    transforms: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Ipsec:
    """The policies of a namespace in the order in which the kernel asks them, and how many states it has."""

    policies: tuple[IpsecPolicy, ...] = ()
    states: int = 0
