"""What a firewall rule sees: the packet, its context, and the namespace it is in.

The walk makes views as it goes; explanations make the same views again from a recorded step.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.model.host import Netns
from engine.model.packet import Packet
from engine.model.trace import Context
from engine.path.fib import Fib
from engine.path.lookups import Lookups

#: What tells data from the handshake: fields of a packet, and that it belonged to no flow, or began one midway.
STRAY = "stray"
OF_ONE_PACKET = frozenset({"tcp flags", "ip length", "meta length", "ct status", STRAY})
#: What chance decides anew for each packet.
AT_RANDOM = frozenset({"nft numgen", "xt statistic"})
TELLING = OF_ONE_PACKET | AT_RANDOM


@dataclass(frozen=True, slots=True)
class View:
    """A packet at a hook, as a rule sees it. `lookups` keeps sets that were asked before, `told` the fields that were
    asked for and tell packets of one connection from each other (`TELLING`)."""

    netns: Netns
    fib: Fib
    packet: Packet
    context: Context
    hook: str
    lookups: Lookups = field(default_factory=Lookups, compare=False)
    told: set[str] = field(default_factory=set, compare=False)
