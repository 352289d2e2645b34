"""Address translation: nat chains choose a mapping once in a flow's life, every packet is rewritten by it.

Source: net/netfilter/nf_nat_core.c (nf_nat_inet_fn, nf_nat_setup_info, nf_nat_packet),
nf_nat_masquerade.c, nf_nat_redirect.c, xt_NETMAP.c; ICMP errors: nf_nat_proto.c
(nf_nat_icmp_reply_translation).
"""

from __future__ import annotations

from itertools import chain, islice

from engine.model.firewall import Nat, NatValue, RuleVerdict, VerdictKind
from engine.model.packet import ECHO, Protocol
from engine.model.trace import Assumption
from engine.model.traffic import Tuple4
from engine.path.journey import Journey
from engine.path.lookup.flow import Track, inverse, rewrite
from engine.path.lookup.hook_chains import Hooked
from engine.path.lookup.nat_range import spread
from engine.path.netfilter.chain_walk import Ending, run_base_chain
from engine.path.netfilter.clash import gives_way, holder
from engine.path.netfilter.nat_mapping import MANIP
from engine.records import replace

#: Flags of a translation that draws a port even where the flow's own would do (NF_NAT_RANGE_PROTO_RANDOM_ALL).
AT_RANDOM = frozenset({"random", "fully-random"})
#: Ports among which one is drawn where no range is given: those of the old one's class.
CLASSES = ((1, 511), (600, 1023), (1024, 65535))
#: Ports that are tried (NF_NAT_MAX_ATTEMPTS).
MOST_TRIES = 128
#: States of packets for which the nat chains are asked, as long as they were not: a rule's reset is one of them.
BEGINNING = frozenset({"new", "related"})


def translate(journey: Journey, chains: tuple[Hooked, ...], hook: str) -> Ending | None:
    """The NAT station of a hook. An ending only where a nat chain drops, or masquerading has no address."""
    track = journey.skb.track
    if track is None:
        return None
    manip = MANIP[hook]
    if journey.inner is not None:
        _translate_error(journey, track, manip)
        return None
    reply = journey.context.ct_reply_direction
    if journey.context.ct_state in BEGINNING and manip not in track.initialized:
        ended = _choose_mapping(journey, track, chains, hook)
        if ended is not None:
            return ended
        track.initialized.add(manip)
        if manip == "src" and "snat" not in track.status:
            _map_source(journey, track, NatValue())
    if track.translates(manip, reply):
        packet = rewrite(journey.packet, track.target(reply), manip)
        if packet != journey.packet:
            journey.rewrite(packet, f"{'un-NAT' if reply else 'NAT'}: {journey.packet} to {packet}")
    journey.see(ct_status=journey.context.ct_status | track.status, ct_reply=track.reply)
    return None


def _choose_mapping(journey: Journey, track: Track, chains: tuple[Hooked, ...], hook: str) -> Ending | None:
    for hooked in chains:
        ending = run_base_chain(journey, hooked, hook)
        if isinstance(ending.effect, Nat):
            if track.entry is None:  # of a flow that is confirmed nothing can be chosen any more
                _set_up(journey, track, ending.effect, hook)
            return None
        if not (isinstance(ending.effect, RuleVerdict) and ending.effect.kind is VerdictKind.ACCEPT):
            return ending
    return None


def _set_up(journey: Journey, track: Track, nat: Nat, hook: str) -> None:
    manip = MANIP[hook]
    value = _one_address(track, nat, manip)
    if manip == "dst":
        _map_destination(track, value)
    else:
        _map_source(journey, track, value, at_random=bool(nat.flags & AT_RANDOM))


def _one_address(track: Track, nat: Nat, manip: str) -> NatValue:
    """The value with one address of its range. A source that is in it already stays (nf_in_range), unless its port is
    another one in any case, or must be."""
    value, now = nat.value, inverse(track.reply)
    if value.low is None or value.high is None or value.low == value.high:
        return value
    stays = manip == "src" and not nat.flags & AT_RANDOM and _port(value, now.sport) == now.sport
    if stays and int(value.low) <= int(now.src) <= int(value.high):
        return replace(value, low=now.src, high=now.src)
    zone = None if "persistent" in nat.flags else track.zones[0]
    chosen = spread((value.low, value.high), now, manip, zone)
    return replace(value, low=chosen, high=chosen)


def _map_destination(track: Track, value: NatValue) -> None:
    old = track.reply
    address = value.low or old.src
    port = _port(value, old.sport)
    if (address, port) != (old.src, old.sport):
        track.reply = Tuple4(address, old.dst, port, old.dport)
        track.status |= {"dnat"}


def _map_source(journey: Journey, track: Track, value: NatValue, *, at_random: bool = False) -> None:
    old = track.reply
    mapped = Tuple4(old.src, value.low or old.dst, old.sport, _port(value, old.dport))
    if at_random or not _free(journey, track, mapped):
        mapped = _another_port(journey, track, mapped, value)
    if mapped != old:
        track.reply = mapped
        track.status |= {"snat"}


def _free(journey: Journey, track: Track, reply: Tuple4) -> bool:
    """Whether no flow has the tuple that is to be that of the replies. A server that answers from another address than
    it was asked at has its answer be a flow of its own, which must not look like one.

    Datagrams that stay as they are may have that of a flow whose packets go the other way, as they are: the table will
    see to it (nf_nat_used_tuple_new).
    """
    other = holder(journey, track, reply)
    if other is None:
        return True
    same = reply == track.reply and reply == other.original and not other.status & {"snat", "dnat"}
    return same and track.protocol is Protocol.UDP


def _another_port(journey: Journey, track: Track, reply: Tuple4, value: NatValue) -> Tuple4:
    """The reply tuple with a port of the range that no flow has, which the kernel draws; an echo has a number in its
    place. Where all are taken it is left to the table (nf_nat_l4proto_unique_tuple)."""
    old = reply.dport
    if track.protocol in ECHO or old is None:
        port = 1 if old is None else old + 1
        sentence = f"the kernel changes the echo id to {reply.src} (here {port})"
        journey.assume(Assumption("ASSUME_NAT_PORT", sentence))
        return replace(reply, sport=port, dport=port)
    low, high = value.port_low, value.port_high
    if low is None:
        low, high = next(each for each in CLASSES if old <= each[1])
    ports = islice(chain(range(old + 1, (high or low) + 1), range(low, old + 1)), MOST_TRIES)
    tuples = [replace(reply, dport=port) for port in ports]
    holders = [holder(journey, track, each) for each in tuples]
    for mapped, other in zip(tuples, holders, strict=True):
        if other is None:
            sentence = f"the kernel changes the source port of the flow from {reply.dst}:{old} (here {mapped.dport})"
            journey.assume(Assumption("ASSUME_NAT_PORT", sentence))
            return mapped
    for mapped, other in zip(tuples, holders, strict=True):
        if other is not None and gives_way(journey, track, other):
            return mapped
    return reply


def _port(value: NatValue, old: int | None) -> int | None:
    """The port after translation: one that is in the range already stays (get_unique_tuple)."""
    low, high = value.port_low, value.port_high if value.port_high is not None else value.port_low
    if old is None or low is None or high is None or low <= old <= high:
        return old
    return low


def _translate_error(journey: Journey, track: Track, manip: str) -> None:
    reply = journey.context.ct_reply_direction
    if not track.translates(manip, reply):
        return
    target = track.target(reply)
    packet = journey.packet
    changed = replace(packet, dst=target.dst) if manip == "dst" else replace(packet, src=target.src)
    inner = journey.inner
    if inner is not None:
        if manip == "dst":
            journey.inner = Tuple4(target.dst, inner.dst, target.dport, inner.dport)
        else:
            journey.inner = Tuple4(inner.src, target.src, inner.sport, target.sport)
    if changed != packet:
        journey.rewrite(changed, f"the ICMP error is translated with its flow: {packet} to {changed}")
