"""Tracked flows of one namespace, as ctnetlink tells them.

1. `read_conntrack` runs in a thread that is already in the namespace. Its fill level was read with the sysctls: a
   namespace that tracks nothing is not asked.
2. A table of up to `LIMIT` entries is read whole. Of a larger one the kernel is asked only for what can decide an
   answer, UDP flows with another destination than the client's packet has, and a `Gap` says so.
3. Looking changes nothing: where the kernel would have to load nf_conntrack_netlink first, a `Gap` says so.
4. Flows of protocols that no question asks about (GRE, UDP-Lite, …) are left out. ICMP has no ports.

Sources: include/uapi/linux/netfilter/nfnetlink_conntrack.h, nf_conntrack_common.h, nf_conntrack_tcp.h,
nf_conntrack_sctp.h; net/netfilter/nf_conntrack_netlink.c (ctnetlink_alloc_filter).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from engine.model.host import Gap
from engine.model.packet import PROTOCOL_NUMBERS, Protocol
from engine.model.traffic import ConntrackEntry, Tuple4
from engine.observe.base.errors import NetlinkError, gap
from engine.observe.base.kernel_modules import answers
from engine.observe.netlink import decode
from engine.observe.netlink.client import Message, Netlink, attributes
from engine.observe.netlink.reader import Reader

SOURCE = "conntrack"
#: Entries of the largest table that is read whole, which takes about a tenth of a second.
LIMIT = 10_000

NETLINK_NETFILTER = 12
_GET = 1 << 8 | 1  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET
#: struct nfgenmsg: family (unspecified: both), version, resource id.
_ANY_FAMILY = bytes(4)
#: A filter by tuple is for one family at a time.
_FAMILIES = (decode.AF_INET, decode.AF_INET6)

_TUPLE_ORIG, _TUPLE_REPLY, _STATUS, _PROTOINFO = 1, 2, 3, 4
_TIMEOUT, _MARK, _ZONE, _LABELS, _FILTER, _STATUS_MASK = 7, 8, 18, 22, 25, 26
_IP, _PROTO, _TUPLE_ZONE = 1, 2, 3
_V4_SRC, _V4_DST, _V6_SRC, _V6_DST = 1, 2, 3, 4
_PROTO_NUM, _SRC_PORT, _DST_PORT = 1, 2, 3
_FILTER_ORIG_FLAGS, _FILTER_REPLY_FLAGS = 1, 2
#: CTA_FILTER_F_CTA_PROTO_NUM: of the tuple that comes with the filter, the protocol counts.
_BY_PROTOCOL = 1 << 3
_NESTED = 0x8000
_DNAT_BIT = 5

#: enum ip_conntrack_status by bit; the words are nft's where it has one (ct status).
STATUS: tuple[str, ...] = (
    "expected",
    "seen-reply",
    "assured",
    "confirmed",
    "snat",
    "dnat",
    "seq-adjust",
    "snat-done",
    "dnat-done",
    "dying",
    "fixed-timeout",
    "template",
    "nat-clash",
    "helper",
    "offload",
    "hw-offload",
)
_TCP_STATES = (
    "NONE",
    "SYN_SENT",
    "SYN_RECV",
    "ESTABLISHED",
    "FIN_WAIT",
    "CLOSE_WAIT",
    "LAST_ACK",
    "TIME_WAIT",
    "CLOSE",
    "SYN_SENT2",
)
_SCTP_STATES = (
    "NONE",
    "CLOSED",
    "COOKIE_WAIT",
    "COOKIE_ECHOED",
    "ESTABLISHED",
    "SHUTDOWN_SENT",
    "SHUTDOWN_RECD",
    "SHUTDOWN_ACK_SENT",
    "HEARTBEAT_SENT",
)
#: By protocol: the part of CTA_PROTOINFO that holds its state, and the names of the states by number.
STATES: dict[Protocol, tuple[int, tuple[str, ...]]] = {Protocol.TCP: (1, _TCP_STATES), Protocol.SCTP: (3, _SCTP_STATES)}
_PROTOCOLS = {number: protocol for protocol, number in PROTOCOL_NUMBERS.items()}

_be32 = struct.Struct("!I").unpack

#: The tuple of most flows, IPv4 with ports, which the kernel always lays out like this: headers and values in turn.
_PLAIN_V4 = struct.Struct("!8s4s4s4s8sB3x4sH2x4sH2x")
_PLAIN_HEADERS = (
    struct.pack("=HHHH", 20, _IP | _NESTED, 8, _V4_SRC),
    struct.pack("=HH", 8, _V4_DST),
    struct.pack("=HHHH", 28, _PROTO | _NESTED, 5, _PROTO_NUM),
    struct.pack("=HH", 6, _SRC_PORT),
    struct.pack("=HH", 6, _DST_PORT),
)

Entries = tuple[ConntrackEntry, ...]


def read_conntrack(netns: str, count: int, limit: int = LIMIT) -> tuple[Entries, tuple[Gap, ...]]:
    """The tracked flows of the calling thread's namespace, in a steady order; `count` is its nf_conntrack_count.

    `netns` is the namespace's id, for the gaps. Raises nothing.
    """
    if not count:
        return (), ()
    if not answers("nf_conntrack_netlink"):
        reason = f"{count} flows are not shown; `modprobe nf_conntrack_netlink` shows them"
        return (), (Gap(SOURCE, netns, reason),)
    try:
        netlink = Netlink(NETLINK_NETFILTER)
    except OSError as error:
        return (), (gap(SOURCE, netns, error),)
    with netlink:
        reader = Reader(netlink, netns)
        if count <= limit:
            return reader.read(SOURCE, _GET, _ANY_FAMILY, parse_conntrack), tuple(reader.gaps)
        questions = [bytes([family, 0, 0, 0]) + redirected_datagrams() for family in _FAMILIES]
        entries = tuple(entry for body in questions for entry in reader.read(SOURCE, _GET, body, parse_conntrack))
    reason = f"holds {count} flows; only UDP flows with a translated destination were read"
    return entries, (*reader.gaps, Gap(SOURCE, netns, reason))


def redirected_datagrams() -> bytes:
    """The attributes of a dump request for UDP flows with DNAT only.

    A kernel before 5.8 knows neither filter and sends everything (nla_parse leaves unknown attributes out).
    """
    udp = _attribute(_PROTO | _NESTED, _attribute(_PROTO_NUM, bytes([PROTOCOL_NUMBERS[Protocol.UDP]])))
    flags = _attribute(_FILTER_ORIG_FLAGS, struct.pack("=I", _BY_PROTOCOL))
    flags += _attribute(_FILTER_REPLY_FLAGS, struct.pack("=I", 0))
    dnat = struct.pack("!I", 1 << _DNAT_BIT)
    return b"".join(
        (
            _attribute(_TUPLE_ORIG | _NESTED, udp),
            _attribute(_FILTER | _NESTED, flags),
            _attribute(_STATUS, dnat),
            _attribute(_STATUS_MASK, dnat),
        )
    )


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


@decode.decodes("a tracked flow")
def parse_conntrack(messages: Sequence[Message]) -> Entries:
    """The flows in the messages of a dump, by protocol and first packet. Raises NetlinkError for damaged bytes."""
    found = [entry for _, body in messages if (entry := _entry(body))]
    return tuple(sorted(found, key=_order))


def _entry(body: bytes) -> ConntrackEntry | None:
    parts = attributes(body, 4)
    number, original = _tuple(parts[_TUPLE_ORIG])
    protocol = _PROTOCOLS.get(number)
    if protocol is None:
        return None
    return ConntrackEntry(
        protocol,
        original,
        _tuple(parts[_TUPLE_REPLY])[1],
        status_words(_number(parts.get(_STATUS))),
        _state(protocol, parts.get(_PROTOINFO)),
        _number(parts.get(_MARK)),
        _zone(parts),
        _number(parts.get(_TIMEOUT)),
        int.from_bytes(parts.get(_LABELS, b""), "little"),
    )


def status_words(bits: int) -> frozenset[str]:
    """The names of the bits that are set. Bits that have no name yet are left out."""
    return _STATUS_WORDS.get(bits) or _STATUS_WORDS.setdefault(
        bits, frozenset(word for number, word in enumerate(STATUS) if bits >> number & 1)
    )


#: Sets of words that were asked for: the flows of a host share a handful.
_STATUS_WORDS: dict[int, frozenset[str]] = {}


def _tuple(raw: bytes) -> tuple[int, Tuple4]:
    """Protocol number, addresses and ports of one direction."""
    if len(raw) == _PLAIN_V4.size:
        one, source, two, destination, three, number, four, sport, five, dport = _PLAIN_V4.unpack(raw)
        if (one, two, three, four, five) == _PLAIN_HEADERS:
            return number, Tuple4(decode.address(source), decode.address(destination), sport, dport)
    parts = attributes(raw)
    ip, proto = attributes(parts[_IP]), attributes(parts[_PROTO])
    source, destination = ip.get(_V4_SRC) or ip.get(_V6_SRC), ip.get(_V4_DST) or ip.get(_V6_DST)
    if source is None or destination is None:
        raise NetlinkError("the kernel sent a tracked flow without addresses")
    sport, dport = proto.get(_SRC_PORT), proto.get(_DST_PORT)
    ports = (decode.be16(sport) if sport else None, decode.be16(dport) if dport else None)
    return proto[_PROTO_NUM][0], Tuple4(decode.address(source), decode.address(destination), *ports)


def _state(protocol: Protocol, raw: bytes | None) -> str:
    """The state of a flow whose protocol has states, as conntrack(8) prints it."""
    if raw is None or protocol not in STATES:
        return ""
    part, names = STATES[protocol]
    number = attributes(attributes(raw).get(part, b"")).get(1, b"\0")[0]
    return names[number] if number < len(names) else str(number)


def _zone(parts: dict[int, bytes]) -> int:
    """The zone of the flow, or of its first direction where the other one has none."""
    raw, there = parts.get(_ZONE), parts[_TUPLE_ORIG]
    if raw is None and len(there) != _PLAIN_V4.size:
        raw = attributes(there).get(_TUPLE_ZONE)
    return decode.be16(raw) if raw else 0


def _number(raw: bytes | None) -> int:
    return int(_be32(raw)[0]) if raw else 0


def _order(entry: ConntrackEntry) -> tuple[object, ...]:
    flow = entry.original
    ports = (flow.dport or 0, flow.sport or 0)
    return (entry.protocol, flow.src.version, int(flow.src), int(flow.dst), *ports, entry.zone)
