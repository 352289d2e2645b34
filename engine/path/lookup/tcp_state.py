"""What connection tracking makes of a TCP segment: the state that it takes a flow to, or that it does not belong there.

A segment from the middle of a connection that is not tracked begins a flow, too, as long as `nf_conntrack_tcp_loose`
is on; a SYN/ACK and a reset never do. Nothing may acknowledge what tracking has not seen, in a flow whose SYN it has:
of a conversation's segments that is said by the server's after its SYN/ACK, which acknowledge the client's data.

Source: net/netfilter/nf_conntrack_proto_tcp.c (tcp_conntracks, tcp_new, tcp_in_window, nf_conntrack_tcp_packet).
"""

from __future__ import annotations

from engine.model.host import Netns
from engine.model.packet import TCP_ACK, TCP_RST, TCP_SYN, Packet

LOOSE, LIBERAL = "net.netfilter.nf_conntrack_tcp_loose", "net.netfilter.nf_conntrack_tcp_be_liberal"
NONE, SENT, RECEIVED, ESTABLISHED, CLOSE = "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "CLOSE"
#: The segment stays with its flow and changes nothing.
IGNORED = "IGNORED"
#: The segment belongs to no flow.
INVALID = "INVALID"

_STATES = (NONE, SENT, RECEIVED, ESTABLISHED, "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", CLOSE, "SYN_SENT2")
_SHORT = {
    "SS": SENT,
    "SR": RECEIVED,
    "ES": ESTABLISHED,
    "CW": "CLOSE_WAIT",
    "TW": "TIME_WAIT",
    "CL": CLOSE,
    "S2": "SYN_SENT2",
    "ig": IGNORED,
    "--": INVALID,
}
#: Where each kind of segment leads from each of `_STATES`, by whether it goes in the reply direction.
_TABLE = {
    ("syn", False): "SS SS ig ig ig ig ig SS SS S2",
    ("synack", False): "-- -- SR -- -- -- -- -- -- SR",
    ("ack", False): "ES -- ES ES CW CW TW TW CL --",
    ("rst", False): "-- CL CL CL CL CL CL CL CL CL",
    ("syn", True): "-- S2 -- -- -- -- -- SS -- S2",
    ("synack", True): "-- SR ig ig ig ig ig ig ig SR",
    ("ack", True): "-- ig SR ES CW CW TW TW CL ig",
    ("rst", True): "-- CL CL CL CL CL CL CL CL CL",
}
_NEXT = {
    (kind, reply, state): _SHORT[short]
    for (kind, reply), row in _TABLE.items()
    for state, short in zip(_STATES, row.split(), strict=True)
}


def kind_of(packet: Packet) -> str:
    """What a segment is by its flags (get_conntrack_index)."""
    if packet.tcp_flags & TCP_RST:
        return "rst"
    if packet.tcp_flags & TCP_SYN:
        return "synack" if packet.tcp_flags & TCP_ACK else "syn"
    return "ack"


def after(state: str, packet: Packet, *, reply: bool) -> str:
    """The state of a flow in `state` after the segment; IGNORED or INVALID where it leads to none."""
    return _NEXT[kind_of(packet), reply, state or ESTABLISHED]


def begins(netns: Netns, packet: Packet) -> bool:
    """Whether a segment without a flow begins one here."""
    first = after(NONE, packet, reply=False)
    return first == SENT or (first != INVALID and bool(netns.sysctl(LOOSE, 1)))


def in_window(netns: Netns, packet: Packet, *, sent: bool | None) -> bool:
    """Whether an answer may come in a flow; `sent` says whether data of who began the flow was seen."""
    acknowledges = kind_of(packet) == "ack"
    return not acknowledges or sent is not False or bool(netns.sysctl(LIBERAL))


def assures(before: str, now: str) -> bool:
    """Whether a segment of a flow with answers completes its handshake, so that a full table keeps it."""
    return before in (RECEIVED, ESTABLISHED) and now == ESTABLISHED
