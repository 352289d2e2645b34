"""Questions for MAC addresses as packets, which filters on the way see: IPv6's neighbour discovery, and ARP.

The question of IPv6 (a neighbour solicitation, by multicast) leaves by OUTPUT and POSTROUTING and comes in by
PREROUTING and INPUT; so does the answer (an advertisement) the other way. Connection tracking leaves them alone. ARP
meets the hooks of family arp, OUTPUT and INPUT. At a bridge both are frames like others: they meet its own chains, and
with bridge-nf-call-ip6tables or -arptables the hooks of IPv6 or the FORWARD of arptables-legacy (`frames`). Each
device's own hooks are met as by other frames.

Sources: RFC 4861; net/ipv6/ndisc.c (ndisc_send_skb, ndisc_recv_ns), nf_conntrack_proto_icmpv6.c (noct_valid_new),
net/ipv4/arp.c (arp_xmit, arp_rcv).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.packet import Packet, Protocol
from engine.model.trace import Arp, Outcome, Step, Trace
from engine.path.journey import UNSEEN, Journey, Setting
from engine.path.link.bridge_hooks import came_in, comes_in, goes_out, goes_up, passes
from engine.path.lookup.broadcast_domain import Crossing, L2Host, bridge_of, calls
from engine.path.lookup.flow import Tracks
from engine.path.lookup.packet_lengths import DISCOVERY
from engine.path.netfilter.hooks import run_device_hook, run_hook
from engine.records import dataclass, replace

SOLICITATION, ADVERTISEMENT = 135, 136
#: What an ARP message says, and whom a question of ARP is sent to.
QUESTION, ANSWER, EVERYBODY = 1, 2, "ff:ff:ff:ff:ff:ff"
#: Discovery is only believed with this hop limit (RFC 4861, 7.1).
HOP_LIMIT = 255
#: The hooks, with their families, of what a namespace sends, of what reaches it, and of what it takes.
SENT = {4: (("output", "arp"),), 6: (("output", "ip6"), ("postrouting", "ip6"))}
REACHED: dict[int, tuple[tuple[str, str], ...]] = {4: (), 6: (("prerouting", "ip6"),)}
TAKEN: dict[int, tuple[tuple[str, str], ...]] = {4: (("input", "arp"),), 6: (("input", "ip6"),)}
_SOLICITED_NODE = int(IPv6Address("ff02::1:ff00:0"))


def kept_away(journey: Journey, link: Link, station: L2Host, towards: IPAddress, asker: IPAddress) -> Step | None:
    """The step that drops the question for `towards` or the station's answer; None where both arrive."""
    key = (journey.netns.id, link.index, station.netns, station.link.index, towards)
    known = journey.setting.discovered
    if key not in known:
        known[key] = _blocked(journey, link, station, towards, asker)
    return known[key]


def _blocked(journey: Journey, link: Link, station: L2Host, towards: IPAddress, asker: IPAddress) -> Step | None:
    here, there = journey.netns, journey.world.netns(station.netns)
    passed = (here, there, *(journey.world.netns(each.netns) for each in station.crossed))
    if towards.version == 4 and not any(_watches(netns) for netns in passed):
        return None
    asks = _End(here, link, here.links_by_index.get(station.port or 0))
    tells = _End(there, station.link, there.links_by_index.get(station.entry or 0))
    question, answer, everybody = _packets(towards, _who_asks(here, link, towards, asker))
    back = [replace(each, entry=each.exit, exit=each.entry) for each in reversed(station.crossed)]
    return _lost(journey, question, _Passage(asks, station.crossed, tells, (link.mac, everybody))) or _lost(
        journey, answer, _Passage(tells, back, asks, (station.link.mac, link.mac))
    )


def _who_asks(here: Netns, link: Link, towards: IPAddress, asker: IPAddress) -> IPAddress:
    """The packet's own source, where it is of the next hop's IP version; else (RFC 5549, `via inet6`) an address of the
    device (net/ipv6/ndisc.c, ndisc_solicit)."""
    if asker.version == towards.version:
        return asker
    own = (
        each.address for each in here.addresses if each.link == link.index and each.address.version == towards.version
    )
    return next(own, IPv6Address("::") if towards.version == 6 else IPv4Address("0.0.0.0"))


def _watches(netns: Netns) -> bool:
    """Whether a namespace has chains that see ARP: of inet tables those at a device's hook."""
    return any(
        table.family in ("bridge", "arp", "netdev") or any(chain.base and chain.base.devices for chain in table.chains)
        for table in netns.firewall.tables
    )


def _packets(towards: IPAddress, asker: IPAddress) -> tuple[Packet, Packet, str]:
    """The question, its answer, and the MAC address that the question is sent to. ARP's are no packets of IP: the
    journey says so (`Context.arp`), and what they have of one are the addresses."""
    if towards.version == 4:
        return Packet(asker, towards, Protocol.UDP), Packet(towards, asker, Protocol.UDP), EVERYBODY
    group = IPv6Address(_SOLICITED_NODE | int(towards) & 0xFFFFFF)
    question = Packet(
        asker, group, Protocol.ICMPV6, icmp_type=SOLICITATION, icmp_code=0, ttl=HOP_LIMIT, length=DISCOVERY
    )
    answer = Packet(
        towards, asker, Protocol.ICMPV6, icmp_type=ADVERTISEMENT, icmp_code=0, ttl=HOP_LIMIT, length=DISCOVERY
    )
    return question, answer, "33:33:" + ":".join(f"{byte:02x}" for byte in group.packed[-4:])


@dataclass(frozen=True, slots=True)
class _End:
    """One who asks or answers: the device, and the port of the bridge under it that the frame goes by."""

    netns: Netns
    link: Link
    port: Link | None

    @property
    def bridge(self) -> Link | None:
        """The bridge that the device is, or stands on."""
        return bridge_of(self.netns, self.port) if self.port is not None else None


@dataclass(frozen=True, slots=True)
class _Passage:
    """A packet's way between two ends, and the MAC addresses of its frame: source and destination."""

    sender: _End
    crossed: Iterable[Crossing]
    taker: _End
    macs: tuple[str, str]


def _lost(journey: Journey, packet: Packet, way: _Passage) -> Step | None:
    """The step that drops the packet on its way from end to end."""
    scratch = Journey(Setting(journey.world, Tracks(), journey.choices), way.sender.netns.id, packet)
    ended = _leaves(scratch, way.sender, way.macs)
    for each in way.crossed:
        ended = ended or _bridged(_at(scratch, journey.world.netns(each.netns), way.macs), each)
    ended = ended or _enters(_at(scratch, way.taker.netns, way.macs), way.taker)
    for assumption in scratch.assumptions:
        journey.assume(assumption)
    if ended is None and scratch.packet.ttl != packet.ttl:  # whoever gets it does not believe it (ndisc_rcv)
        steps = scratch.end(Outcome.RULE_DROP).steps
        return next((step for step in steps if step.packet.ttl != packet.ttl), None)
    return ended.last if ended is not None else None


def _at(scratch: Journey, netns: Netns, macs: tuple[str, str]) -> Journey:
    """The packet as a frame that comes in somewhere else."""
    scratch.enter(netns)
    _untracked(scratch, macs)
    scratch.see(source_mac=macs[0], target_mac=macs[1])
    return scratch


def _untracked(scratch: Journey, macs: tuple[str, str]) -> None:
    """Connection tracking leaves discovery alone once it sees it, and never sees ARP."""
    six = scratch.packet.dst.version == 6
    scratch.skb.untracked = six
    message = Arp(QUESTION, macs[0]) if macs[1] == EVERYBODY else Arp(ANSWER, *macs)
    scratch.see(ct_state=UNSEEN, arp=None if six else message)


def _leaves(scratch: Journey, end: _End, macs: tuple[str, str]) -> Trace | None:
    _untracked(scratch, macs)
    scratch.see(oif=end.link.name)
    ended = _through(scratch, SENT)
    if ended:
        return ended
    scratch.see(source_mac=macs[0], target_mac=macs[1])
    ended = run_device_hook(scratch, "egress", end.link.name)
    if ended or end.port is None:
        return ended
    return goes_out(scratch, end.port) or run_device_hook(scratch, "egress", end.port.name)


def _through(scratch: Journey, hooks: dict[int, tuple[tuple[str, str], ...]]) -> Trace | None:
    ended = None
    for hook, family in hooks[scratch.packet.dst.version]:
        ended = ended or run_hook(scratch, hook, family)
    return ended


def _enters(scratch: Journey, end: _End) -> Trace | None:
    bridge, port = end.bridge, end.port
    called = False
    scratch.see(iif=(port or end.link).name)
    ended = run_device_hook(scratch, "ingress", (port or end.link).name)
    if ended:
        return ended
    if bridge is not None and port is not None:
        called = bridge.index == end.link.index and _calls(scratch, bridge)
        ended = (
            comes_in(scratch, bridge, port, calls=called) or came_in(scratch, port) or goes_up(scratch, bridge, port)
        )
        if ended:
            return ended
        scratch.see(iif=end.link.name)
        ended = run_device_hook(scratch, "ingress", end.link.name)
        if ended:
            return ended
    scratch.see(iif=end.link.name)
    return (None if called else _through(scratch, REACHED)) or _through(scratch, TAKEN)


def _bridged(scratch: Journey, crossed: Crossing) -> Trace | None:
    """The hooks of a bridge that passes it on, and those of IPv6 or ARP where it calls them."""
    bridge, port = crossed.bridge, crossed.entry
    called = _calls(scratch, bridge)
    scratch.see(iif=port.name)
    return (
        run_device_hook(scratch, "ingress", port.name)
        or comes_in(scratch, bridge, port, calls=called)
        or came_in(scratch, port)
        or passes(scratch, bridge, port, crossed.exit, calls=called)
        or run_device_hook(scratch, "egress", crossed.exit.name)
    )


def _calls(scratch: Journey, bridge: Link) -> bool:
    return calls(scratch.netns, bridge, "ip6tables" if scratch.packet.dst.version == 6 else "arptables")
