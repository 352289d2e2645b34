"""One packet at one place, for tests of a single module of the walk."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from engine.model.host import Snapshot
from engine.model.packet import TCP_SYN, Packet, Protocol
from engine.model.trace import Context
from engine.path.choices import Choices
from engine.path.journey import Journey, Setting
from engine.path.lookup.flow import Tracks
from engine.path.lookup.view import View
from engine.path.world import World as Walked


def packet(src: str, dst: str, dport: int = 80, protocol: Protocol = Protocol.TCP, **more: Any) -> Packet:
    """A first packet from port 50000, a SYN where it is TCP."""
    given = {"sport": 50000, "dport": dport, "tcp_flags": TCP_SYN if protocol is Protocol.TCP else 0, **more}
    return Packet(ip_address(src), ip_address(dst), protocol, **given)


def journey(snapshot: Snapshot, netns: str, sent: Packet, script: tuple[int, ...] = (), **context: Any) -> Journey:
    """The packet in a namespace; `context` is what rules see beside its headers."""
    made = Journey(Setting(Walked(snapshot), Tracks(), Choices(script)), netns, sent)
    made.context = Context(**context)
    return made


def view(snapshot: Snapshot, netns: str, sent: Packet, hook: str = "forward", **context: Any) -> View:
    """The packet at a hook, as a rule sees it."""
    walked = Walked(snapshot)
    space = walked.netns(netns)
    return View(space, walked.fib(space), sent, Context(**context), hook)
