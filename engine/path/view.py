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


@dataclass(frozen=True, slots=True)
class View:
    """A packet at a hook, as a rule sees it. `lookups` keeps sets that were asked before."""

    netns: Netns
    fib: Fib
    packet: Packet
    context: Context
    hook: str
    lookups: Lookups = field(default_factory=Lookups, compare=False)
