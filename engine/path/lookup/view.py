"""What a firewall rule sees: the packet, its context, and the namespace it is in.

The walk makes views as it goes; explanations make the same views again from a recorded step.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.host import Netns
from engine.model.packet import Packet
from engine.model.trace import Assumption, Context
from engine.model.traffic import Tuple4
from engine.path.lookup.fib import Fib
from engine.path.lookup.set_lookup import Lookups
from engine.records import dataclass, field

#: What tells data from the handshake: fields of a packet, and that it belonged to no flow, or began one midway.
STRAY = "stray"
MSS = frozenset({"tcp option maxseg size", "tcp option maxseg size or none"})
OPTIONS = frozenset(
    f"tcp option {name}" for name in ("sack-perm", "timestamp", "window", "sack", "md5sig", "mptcp", "fastopen")
)
OF_ONE_PACKET = (
    OPTIONS | frozenset({"tcp flags", "ip length", "meta length", "ct status", "tcp option maxseg", STRAY}) | MSS
)
#: What chance decides anew for each packet.
AT_RANDOM = frozenset({"nft numgen", "xt statistic"})
#: What programs may choose for the packets that they send, and do not unless they are told to: by field, what an answer
#: rests on that had to know it.
CHOSEN = {
    **dict.fromkeys(
        MSS, Assumption("ASSUME_SEGMENT_SIZE", "both ends announce an MSS for the MTU of their own device")
    ),
    **dict.fromkeys(
        ("ip dscp", "ip6 dscp", "ip tos", "ip6 tos"),
        Assumption("ASSUME_NO_DSCP", "programs set no DSCP: it is 0 unless a rule sets it"),
    ),
    **dict.fromkeys(
        ("ip ecn", "ip6 ecn"),
        Assumption("ASSUME_NO_ECN", "both ends use no ECN (Linux's default)"),
    ),
    **dict.fromkeys(
        OPTIONS,
        Assumption("ASSUME_TCP_OPTIONS", "both ends offer timestamps, window scaling and SACK only (Linux's default)"),
    ),
    **dict.fromkeys(
        [f"ct {way}{what}" for way in ("", "original ", "reply ") for what in ("bytes", "packets", "avgpkt")],
        Assumption("ASSUME_FIRST_PACKETS", "connbytes rules are evaluated for a connection's first packets"),
    ),
    **dict.fromkeys(
        ("clock", "clock second", "clock weekday", "clock day", "meta time"),
        Assumption("ASSUME_NOW", "rules about the time use the snapshot's time"),
    ),
    **dict.fromkeys(
        ("zoned", "zoned second", "zoned weekday", "zoned day", "meta hour", "meta day"),
        Assumption(
            "ASSUME_NOW",
            "rules about the time use the snapshot's time in UTC: the kernel has no time zone unless "
            "set by hwclock --systz",
        ),
    ),
}
PER_PACKET_FIELDS = OF_ONE_PACKET | AT_RANDOM | CHOSEN.keys()


@dataclass(frozen=True, slots=True)
class View:
    """A packet at a hook, as a rule sees it. `lookups` keeps sets that were asked before, `told` the fields that were
    read and differ between packets of one connection (`PER_PACKET_FIELDS`). `now` is the time of the snapshot, in
    seconds since 1970. `sockets` are those that the conversation has connected (`Setting.sockets`)."""

    netns: Netns
    fib: Fib
    packet: Packet
    context: Context
    hook: str
    lookups: Lookups = field(default_factory=Lookups, compare=False)
    told: set[str] = field(default_factory=set, compare=False)
    now: float | None = field(default=None, compare=False)
    sockets: Mapping[tuple[str, Tuple4], bool | None] = field(default_factory=dict, compare=False)
