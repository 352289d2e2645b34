"""The kernel's own account of the rules that a packet met: nf_tables' trace messages. The project's one reader of them.

The kernel queues the messages while it handles the packet, so that after a packet has come to its end they are all
there. Only packets that a rule has marked are told of (`marking`). Rules of iptables-nft and of nft are in it, those of
iptables-legacy are not.

Sources: include/uapi/linux/netfilter/nf_tables.h (enum nft_trace_attributes), net/netfilter/nf_tables_trace.c.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from engine.model.packet import Packet
from engine.model.proof import RuleSeen
from engine.observe.base.errors import NetlinkError
from engine.observe.netlink.client import Message, attributes
from engine.observe.netlink.decode import decodes, text
from engine.prove.packets.headers import parse_packet
from engine.prove.sources.nfnetlink import FAMILIES, GROUP_TRACE, SUBSYSTEM_NFTABLES, NfnetlinkListener
from engine.prove.sources.nftrace_rules import PREFIX

_TRACE = SUBSYSTEM_NFTABLES << 8 | 17
_TABLE, _CHAIN, _HANDLE, _TYPE, _VERDICT, _ID, _NETWORK, _TRANSPORT, _POLICY = 1, 2, 3, 4, 5, 6, 8, 9, 16
_VERDICT_CODE, _VERDICT_CHAIN = 1, 2
_TYPE_POLICY, _TYPE_RULE = 1, 3
#: Verdicts by number, in nft's words (enum nf_inet_verdict, enum nft_verdicts).
CODES = {
    0: "drop",
    1: "accept",
    2: "stolen",
    3: "queue",
    -1: "continue",
    -2: "break",
    -3: "jump",
    -4: "goto",
    -5: "return",
}
_NAMES = {value: name for name, value in FAMILIES.items()}


def listen() -> NfnetlinkListener:
    """Hears the traces of the calling thread's namespace. Raises OSError."""
    return NfnetlinkListener((GROUP_TRACE,))


@decodes("a trace")
def parse_traces(netns: str, messages: Iterable[Message]) -> tuple[RuleSeen, ...]:
    """The rules and policies that packets met in a namespace, in order; those of our own tables are left out.

    A packet's headers come with the first message of each base chain; the others share its number. Raises
    NetlinkError for damaged bytes.
    """
    packets: dict[int, Packet] = {}
    found = []
    for kind, body in messages:
        if kind != _TRACE:
            continue
        fields = attributes(body, 4)
        number = _u32(fields[_ID])
        if _NETWORK in fields:
            packet = parse_packet(fields[_NETWORK] + fields.get(_TRANSPORT, b""))
            if packet is not None:
                packets[number] = packet
        if number in packets and not text(fields[_TABLE]).startswith(PREFIX):
            seen = _seen(netns, _NAMES.get(body[0], str(body[0])), fields, packets[number])
            found += [seen] if seen else []
    return tuple(found)


def _seen(netns: str, family: str, fields: dict[int, bytes], packet: Packet) -> RuleSeen | None:
    place = netns, packet, family, text(fields[_TABLE]), text(fields[_CHAIN])
    kind = _u32(fields[_TYPE])
    if kind == _TYPE_POLICY:
        return RuleSeen(*place, None, _verdict(_u32(fields[_POLICY])))
    if kind != _TYPE_RULE or _HANDLE not in fields:
        return None
    verdict = attributes(fields[_VERDICT])
    words = _verdict(_u32(verdict[_VERDICT_CODE]))
    if _VERDICT_CHAIN in verdict:
        words += f" {text(verdict[_VERDICT_CHAIN])}"
    return RuleSeen(*place, int(struct.unpack("!Q", fields[_HANDLE])[0]), words)


def _verdict(code: int) -> str:
    """A verdict's word; the upper bits of a queue verdict are its number."""
    signed = code - (1 << 32) if code >> 31 else code
    return CODES.get(signed) or CODES.get(signed & 0xFF, str(signed))


def _u32(raw: bytes) -> int:
    if len(raw) != 4:
        raise NetlinkError("a trace has a number of another size")
    return int(struct.unpack("!I", raw)[0])
