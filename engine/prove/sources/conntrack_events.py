"""Connection tracking's own events: what became of the flow, as the kernel tells listeners.

Sources: include/uapi/linux/netfilter/nfnetlink_conntrack.h, net/netfilter/nf_conntrack_netlink.c. The kernel makes
events only while somebody listens, or always (net.netfilter.nf_conntrack_events).
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.model.proof import FlowSeen
from engine.observe.netlink.client import Message
from engine.observe.netlink.conntrack import parse_conntrack
from engine.prove.sources.nfnetlink import (
    GROUP_CONNTRACK_DESTROY,
    GROUP_CONNTRACK_NEW,
    GROUP_CONNTRACK_UPDATE,
    SUBSYSTEM_CONNTRACK,
    NfnetlinkListener,
)

_NEW, _DELETE = SUBSYSTEM_CONNTRACK << 8, SUBSYSTEM_CONNTRACK << 8 | 2


def listen() -> NfnetlinkListener:
    """Hears of the flows of the calling thread's namespace. Raises OSError."""
    return NfnetlinkListener((GROUP_CONNTRACK_NEW, GROUP_CONNTRACK_UPDATE, GROUP_CONNTRACK_DESTROY))


def parse_events(netns: str, messages: Iterable[Message]) -> tuple[FlowSeen, ...]:
    """The events in order, without those of protocols that no question asks about. Raises NetlinkError."""
    found: list[FlowSeen] = []
    known: set[object] = set()
    for kind, body in messages:
        if kind not in (_NEW, _DELETE):
            continue
        for entry in parse_conntrack([(kind, body)]):
            flow = entry.protocol, entry.original
            event = "destroy" if kind == _DELETE else "update" if flow in known else "new"
            known.add(flow)
            found.append(FlowSeen(netns, event, entry))
    return tuple(found)
