"""Address translation: nat chains choose a mapping once in a flow's life, every packet is rewritten by it.

Source: net/netfilter/nf_nat_core.c (nf_nat_inet_fn, nf_nat_setup_info, nf_nat_packet),
nf_nat_masquerade.c, nf_nat_redirect.c, xt_NETMAP.c; ICMP errors: nf_nat_proto.c
(nf_nat_icmp_reply_translation).
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from engine.model.address import IPAddress
from engine.model.firewall import Nat, NatKind, NatValue, Table, Verdict, VerdictKind
from engine.model.trace import Assumption
from engine.model.traffic import Tuple4
from engine.path.addresses import source_for
from engine.path.flow import Track, rewrite
from engine.path.journey import Journey
from engine.path.rules import DROP, Ending, run_base_chain
from engine.path.source6 import source_address6
from engine.path.stations import Hooked

#: Which end of the packet a hook's translation is about (HOOK2MANIP in nf_nat.h).
MANIP: dict[str, str] = {"prerouting": "dst", "output": "dst", "postrouting": "src", "input": "src"}


def translate(journey: Journey, chains: tuple[Hooked, ...], hook: str) -> Ending | None:
    """The NAT station of a hook. An ending only where a nat chain drops, or masquerading has no address."""
    track = journey.track
    if track is None:
        return None
    manip = MANIP[hook]
    if journey.inner is not None:
        _translate_error(journey, track, manip)
        return None
    reply = journey.context.ct_reply_direction
    if not reply and manip not in track.initialized:
        ended = _choose_mapping(journey, track, chains, hook)
        if ended is not None:
            return ended
        track.initialized.add(manip)
    if track.translates(manip, reply):
        packet = rewrite(journey.packet, track.target(reply), manip)
        if packet != journey.packet:
            journey.rewrite(packet, f"{'un-NAT' if reply else 'NAT'}: {journey.packet} becomes {packet}")
    journey.see(ct_status=journey.context.ct_status | track.status, ct_reply=track.reply)
    return None


def _choose_mapping(journey: Journey, track: Track, chains: tuple[Hooked, ...], hook: str) -> Ending | None:
    for hooked in chains:
        ending = run_base_chain(journey, hooked, hook)
        if isinstance(ending.effect, Nat):
            return _set_up(journey, track, ending.effect, hooked.table, hook)
        if not (isinstance(ending.effect, Verdict) and ending.effect.kind is VerdictKind.ACCEPT):
            return ending
    return None


def _set_up(journey: Journey, track: Track, nat: Nat, table: Table, hook: str) -> Ending | None:
    value = nat.value
    if nat.kind in (NatKind.MASQUERADE, NatKind.REDIRECT):
        address = _own_address(journey, nat.kind, hook)
        if address is None:
            return Ending(DROP, False, table)
        value = replace(value, low=address, high=address)
    if nat.kind is NatKind.NETMAP and value.low is not None and value.high is not None:
        old = journey.packet.dst if MANIP[hook] == "dst" else journey.packet.src
        mapped = _netmap(old, value.low, value.high)
        value = replace(value, low=mapped, high=mapped)
    if value.high is not None and value.high != value.low:
        journey.assume(Assumption("ASSUME_NAT_RANGE", f"of the range {value.low}-{value.high} the first is taken"))
    if MANIP[hook] == "dst":
        _map_destination(track, value)
    else:
        _map_source(track, value)
    return None


def _map_destination(track: Track, value: NatValue) -> None:
    old = track.reply
    address = value.low or old.src
    port = _port(value, old.sport)
    if (address, port) != (old.src, old.sport):
        track.reply = Tuple4(address, old.dst, port, old.dport)
        track.status |= {"dnat"}


def _map_source(track: Track, value: NatValue) -> None:
    old = track.reply
    address = value.low or old.dst
    port = _port(value, old.dport)
    if (address, port) != (old.dst, old.dport):
        track.reply = Tuple4(old.src, address, old.sport, port)
        track.status |= {"snat"}


def _port(value: NatValue, old: int | None) -> int | None:
    """The port after translation: one that is in the range already stays (get_unique_tuple)."""
    low, high = value.port_low, value.port_high if value.port_high is not None else value.port_low
    if old is None or low is None or high is None or low <= old <= high:
        return old
    return low


def _own_address(journey: Journey, kind: NatKind, hook: str) -> IPAddress | None:
    version = journey.packet.dst.version
    if kind is NatKind.MASQUERADE:
        if journey.out is None:
            return None
        if version == 6:  # nf_nat_masquerade_ipv6 asks by the destination, not by the next hop
            return source_address6(journey.netns, journey.out.link, journey.packet.dst)
        return source_for(journey.netns, journey.out.link, journey.out.towards, version)
    if hook == "output":
        return ip_address("127.0.0.1" if version == 4 else "::1")
    device = journey.netns.links_by_name.get(journey.context.iif)
    own = (a.address for a in journey.netns.addresses if device and a.link == device.index)
    return next((address for address in own if address.version == version), None)


def _netmap(old: IPAddress, low: IPAddress, high: IPAddress) -> IPAddress:
    """Keeps the host part, as long as the range is one whole prefix."""
    mask = int(low) ^ int(high)
    return type(old)((int(low) & ~mask) | (int(old) & mask))


def _translate_error(journey: Journey, track: Track, manip: str) -> None:
    reply = journey.context.ct_reply_direction
    if not track.translates(manip, reply):
        return
    target = track.target(reply)
    packet = journey.packet
    if packet.protocol is track.protocol:
        changed = rewrite(packet, target, manip)
    else:
        changed = replace(packet, dst=target.dst) if manip == "dst" else replace(packet, src=target.src)
    inner = journey.inner
    if inner is not None:
        if manip == "dst":
            journey.inner = Tuple4(target.dst, inner.dst, target.dport, inner.dport)
        else:
            journey.inner = Tuple4(inner.src, target.src, inner.sport, target.sport)
    if changed != packet:
        journey.rewrite(changed, f"the error is translated with its flow: {packet} becomes {changed}")
