"""Neighbour discovery as packets: IPv6 asks for a MAC address with ICMPv6, which every filter on the way sees.

The question (a neighbour solicitation, by multicast) leaves by OUTPUT and POSTROUTING and comes in by PREROUTING and
INPUT; so does the answer (an advertisement) the other way. Where a bridge with bridge-nf-call-ip6tables passes them on
they meet PREROUTING, FORWARD and POSTROUTING there, too. Connection tracking leaves them alone. A hook of the link
layer is not asked.

Sources: RFC 4861; net/ipv6/ndisc.c (ndisc_send_skb, ndisc_recv_ns), nf_conntrack_proto_icmpv6.c (noct_valid_new).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv6Address

from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.packet import Packet, Protocol
from engine.model.trace import Step
from engine.path.flow import Tracks
from engine.path.hooks import run_hook
from engine.path.journey import Journey, Setting
from engine.path.segment import Crossing, Station, calls_iptables

SOLICITATION, ADVERTISEMENT = 135, 136
#: Discovery is only believed with this hop limit (RFC 4861, 7.1).
HOP_LIMIT = 255
_SOLICITED_NODE = int(IPv6Address("ff02::1:ff00:0"))


def kept_away(journey: Journey, link: Link, station: Station, towards: IPAddress, asker: IPAddress) -> Step | None:
    """The step that drops the question for `towards` or the station's answer; None where both arrive."""
    key = (journey.netns.id, link.index, station.netns, station.link.index, towards)
    known = journey.setting.discovered
    if key not in known:
        known[key] = _blocked(journey, link, station, towards, asker)
    return known[key]


def _blocked(journey: Journey, link: Link, station: Station, towards: IPAddress, asker: IPAddress) -> Step | None:
    group = IPv6Address(_SOLICITED_NODE | int(towards) & 0xFFFFFF)
    question = Packet(asker, group, Protocol.ICMPV6, icmp_type=SOLICITATION, icmp_code=0, ttl=HOP_LIMIT)
    answer = Packet(towards, asker, Protocol.ICMPV6, icmp_type=ADVERTISEMENT, icmp_code=0, ttl=HOP_LIMIT)
    here, there = journey.netns, journey.world.netns(station.netns)
    back = [replace(each, entry=each.exit, exit=each.entry) for each in reversed(station.crossed)]
    return (
        _leaves(journey, here, link, question)
        or _bridged(journey, station.crossed, question)
        or _enters(journey, there, station.link, question)
        or _leaves(journey, there, station.link, answer)
        or _bridged(journey, back, answer)
        or _enters(journey, here, link, answer)
    )


def _leaves(journey: Journey, netns: Netns, link: Link, packet: Packet) -> Step | None:
    return _ended(journey, netns, packet, ("output", "postrouting"), oif=link.name)


def _enters(journey: Journey, netns: Netns, link: Link, packet: Packet) -> Step | None:
    return _ended(journey, netns, packet, ("prerouting", "input"), iif=link.name)


def _bridged(journey: Journey, crossed: Iterable[Crossing], packet: Packet) -> Step | None:
    """The hooks of the bridges that pass it on, where they call the hooks of IPv6."""
    for each in crossed:
        netns = journey.world.netns(each.netns)
        if calls_iptables(netns, each.bridge, 6):
            name = each.bridge.name
            devices = {"iif": name, "oif": name, "physin": each.entry.name, "physout": each.exit.name}
            came = {"iif": name, "physin": each.entry.name}
            ended = _ended(journey, netns, packet, ("prerouting",), **came) or _ended(
                journey, netns, packet, ("forward", "postrouting"), **devices
            )
            if ended is not None:
                return ended
    return None


def _ended(journey: Journey, netns: Netns, packet: Packet, hooks: tuple[str, ...], **devices: str) -> Step | None:
    scratch = Journey(Setting(journey.world, Tracks(), journey.choices), netns.id, packet)
    scratch.untracked = True
    scratch.see(ct_state="untracked", **devices)
    for hook in hooks:
        ended = run_hook(scratch, hook)
        if ended is not None:
            break
    else:
        ended = None
    for assumption in scratch.assumptions:
        journey.assume(assumption)
    return ended.last if ended is not None else None
