"""Blockers of address resolution: whoever has the address can't hear the question, stays silent, or is nobody."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface

from engine.change.link import SetArp, SetLink
from engine.change.neighbour import DeleteNeighbour
from engine.change.sysctl import SetSysctl
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers.links.link import given_back, isolated, not_forwarding, not_told, peer_of, up
from engine.explain.blockers.links.lost_address import lost_address, prefix_length
from engine.explain.blockers.source_validation import Doubt, doubted
from engine.explain.failure import Failure, translation_of
from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import Address, Link
from engine.model.packet import Packet
from engine.model.ref import Ref, RefKind
from engine.path.choices import Choices
from engine.path.ip.source_validation import validate_source
from engine.path.journey import Journey, Setting
from engine.path.link.neighbours import ASKS, usable_entry
from engine.path.lookup.broadcast_domain import bridge_of, forwards, ports_of
from engine.path.lookup.flow import Tracks


def no_neighbour(failure: Failure) -> list[Blocker]:
    """NO_NEIGHBOUR: whoever has the address can't hear the question, or nobody has it."""
    ref, asked = failure.step.ref, _asked(failure)
    if ref is None or asked is None:
        return []
    found: list[Blocker] = []
    for netns in failure.around:
        address = netns.addresses_by_value.get(asked)
        if address is not None and netns.id != failure.netns.id:
            found += _cut_off(failure, netns, address)
    found += _asks_nobody(failure) or lost_address(failure, asked) or _switched_off(failure, asked)
    if not found:
        sentence = f"no neighbour answers the {ASKS[asked.version]} for {asked} from {failure.netns.id}"
        nearest = translation_of(failure)
        origin = (f"the address came from {nearest.ref.words}",) if nearest and nearest.ref else ()
        off = (_told_off(*each) for each in _without_ipv6(failure)) if asked.version == 6 else ()
        evidence = (*origin, *off, *_not_running(failure, asked))
        found.append(Blocker("SRC_NEIGH_FAILED", sentence, ref, (), "admin", evidence))
    return found


def _asks_nobody(failure: Failure) -> list[Blocker]:
    """The question does not leave the far end of the asker's own veth pair."""
    asking = _link_at(failure)
    peer = peer_of(failure, asking) if asking is not None else None
    if peer is None:
        return []
    host, port = peer
    master = bridge_of(host, port)
    for link in (port, master):
        if link is not None and not link.up:
            return [up(host, link)]
    return [not_forwarding(host, port, master)] if master is not None and not forwards(port) else []


def _not_running(failure: Failure, asked: IPAddress) -> Iterator[str]:
    """Containers of the address's network that do not run: a stopped container has no address."""
    snapshot = failure.home
    networks = {each.name for each in snapshot.networks if any(asked in subnet for subnet in each.ranges)}
    for container in snapshot.containers:
        if container.netns is None and networks & {each.network for each in container.attachments}:
            yield f"{container.name} is {container.state}: it has no address until it is started"


def _without_ipv6(failure: Failure) -> Iterator[tuple[Netns, Link]]:
    """Who on the link has IPv6 turned off."""
    asking = _link_at(failure)
    for station in failure.world.segment(failure.netns, asking).stations if asking is not None else ():
        netns = failure.world.netns(station.netns)
        if netns.sysctls.get(f"net.ipv6.conf.{station.link.name}.disable_ipv6"):
            yield netns, station.link


def _told_off(netns: Netns, link: Link) -> str:
    return f"IPv6 is off on {link.name} in {netns.id} (net.ipv6.conf.{link.name}.disable_ipv6 = 1)"


def _switched_off(failure: Failure, asked: IPAddress) -> list[Blocker]:
    """A device on the link has IPv6 turned off, and with it lost its addresses: likely the one that is asked for."""
    off = list(_without_ipv6(failure)) if asked.version == 6 else []
    if len(off) != 1:
        return []
    netns, link = off[0]
    own: IPv4Interface | IPv6Interface = ip_interface(f"{asked}/{prefix_length(failure.netns, asked)}")
    remedy, evidence = given_back(netns, link, own)
    ref = Ref(RefKind.LINK, netns.id, (link.index,), link.name, f"{link.name} without {asked}")
    sentence = f"IPv6 is off on {link.name} in {netns.id}, so {asked} is on no interface"
    return [Blocker("DST_NO_ADDRESS", sentence, ref, (remedy,), "admin", evidence)]


def wrong_neighbour(failure: Failure) -> list[Blocker]:
    """A neighbour entry sends the frame to a MAC address that is not the destination's: the entry goes."""
    found = []
    for hop in failure.trace.hops:
        for step in hop.steps:
            ref = step.ref
            if ref is None or ref.kind is not RefKind.NEIGHBOUR:
                continue
            netns = failure.world.netns(ref.netns)
            link = netns.links_by_index.get(int(ref.key[0]))
            entry = usable_entry(netns, link, ip_address(str(ref.key[1]))) if link is not None else None
            if link is None or entry is None or _right(failure, entry.address, entry.mac):
                continue
            forget = DeleteNeighbour(netns.id, link.name, entry.address)
            sentence = (
                f"{netns.id} sends packets for {entry.address} to {entry.mac}, which is no longer its MAC address"
            )
            remedy = Remedy(f"delete the neighbour entry for {entry.address}", (forget,))
            found.append(Blocker("LINK_NEIGH_STALE", sentence, ref, (remedy,)))
    return found


def not_asking(failure: Failure) -> list[Blocker]:
    """A device with ARP off sends to its own MAC address, which nobody else has."""
    found = []
    for hop in failure.trace.hops:
        netns = failure.world.netns(hop.netns)
        for step in hop.steps:
            ref = step.ref
            link = netns.links_by_index.get(int(ref.key[0])) if ref and ref.kind is RefKind.NEIGHBOUR else None
            if ref is None or link is None or not link.noarp:
                continue
            if usable_entry(netns, link, ip_address(str(ref.key[1]))) is None:
                found.append(_arp_off(netns, link, "sends no ARP requests"))
    return found


def _arp_off(netns: Netns, link: Link, what: str) -> Blocker:
    ref = Ref(RefKind.LINK, netns.id, (link.index,), link.name, f"{link.name} (NOARP)")
    sentence = f"{link.name} in {netns.id} {what} (NOARP)"
    remedy = Remedy(f"enable ARP on {link.name} in {netns.id}", (SetArp(netns.id, link.name, True),))
    return Blocker("LINK_ARP_OFF", sentence, ref, (remedy,))


def _cut_off(failure: Failure, owner: Netns, address: Address) -> list[Blocker]:
    """Why a namespace that has the address does not hear the question."""
    link = owner.links_by_index.get(address.link)
    if link is None:
        return []
    if not link.up:
        return [up(owner, link)]
    heard = _heard_on(failure, owner)
    if heard is not None:
        return _not_answering(failure, owner, heard)
    peer = peer_of(failure, link)
    if peer is None:
        return []
    host, port = peer
    if not port.up:
        return [up(host, port)]
    master = bridge_of(host, port)
    if master is not None and not master.up:
        return [up(host, master)]
    if master is not None:
        if not forwards(port):
            return [not_forwarding(host, port, master)]
        return isolated(host, port) or not_told(host, port, address.address.version)
    return _unplugged(owner, address, host, port)


def unplugged(failure: Failure) -> list[Blocker]:
    """The packet came in by the host's end of a veth pair which is in no bridge, though its far end is in a bridge's
    network: rules about the bridge do not know it."""
    host = failure.netns
    port = host.links_by_name.get(failure.step.context.iif)
    far = peer_of(failure, port) if port is not None and port.master is None else None
    if port is None or far is None:
        return []
    owner, link = far
    own = (each for each in owner.addresses if each.link == link.index and each.address == failure.packet.src)
    return [found for address in own for found in _unplugged(owner, address, host, port)]


def _unplugged(owner: Netns, address: Address, host: Netns, port: Link) -> list[Blocker]:
    bridge = _bridge_for(host, address)
    if bridge is None or any(own.link == port.index and own.scope == "global" for own in host.addresses):
        return []  # a device with an address of its own is an uplink, which a bridge would take the host off
    ref = Ref(RefKind.LINK, host.id, (port.index,), port.name, f"{port.name} (no master)")
    sentence = f"{port.name}, the link to {owner.id} ({address.address}), is not attached to {bridge.name}"
    remedy = Remedy(f"attach {port.name} to {bridge.name}", (SetLink(host.id, port.name, master=bridge.name),))
    others = tuple(p.name for p in ports_of(host, bridge))
    evidence = (f"ports of {bridge.name}: {', '.join(others) or 'none'}",)
    return [Blocker("LINK_NO_MASTER", sentence, ref, (remedy,), "admin", evidence)]


def _heard_on(failure: Failure, owner: Netns) -> Link | None:
    """The device by which the question, as it was asked, reaches the namespace; None where it does not."""
    asking = _link_at(failure)
    if asking is None:
        return None
    asked = _asked(failure)
    stations = failure.world.segment(failure.netns, asking, version=asked.version if asked else None).stations
    return next((station.link for station in stations if station.netns == owner.id), None)


def _link_at(failure: Failure) -> Link | None:
    ref = failure.step.ref
    if ref is None or ref.kind is not RefKind.NEIGHBOUR:
        return None
    return failure.netns.links_by_index.get(int(ref.key[0]))


def _not_answering(failure: Failure, owner: Netns, link: Link) -> list[Blocker]:
    """A namespace that hears the question and stays silent: it may not answer, or does not believe who asks."""
    if link.noarp:
        return [_arp_off(owner, link, "answers no ARP requests")]
    name = next(
        (
            f"net.ipv4.conf.{each}.arp_ignore"
            for each in (link.name, "all")
            if owner.sysctl(f"net.ipv4.conf.{each}.arp_ignore")
        ),
        None,
    )
    if name is None:
        return _disbelieved(failure, owner, link)
    ref = Ref(RefKind.SYSCTL, owner.id, (name,), name, f"{name} = {owner.sysctl(name)}")
    sentence = f"{owner.id} has the address but does not answer ARP for it ({name} = {owner.sysctl(name)})"
    remedy = Remedy(f"let {owner.id} answer ARP ({name.rpartition('.')[2]}=0)", (SetSysctl(owner.id, name, 0),))
    return [Blocker("LINK_ARP_IGNORED", sentence, ref, (remedy,))]


def _disbelieved(failure: Failure, owner: Netns, link: Link) -> list[Blocker]:
    asker, ref = failure.packet.src, failure.step.ref
    setting = Setting(failure.world, Tracks(), Choices())
    request = Packet(asker, failure.packet.dst, failure.packet.protocol)
    refusal = validate_source(Journey(setting, owner.id, request), request, link)
    if refusal is None or ref is None:
        return []
    return doubted(failure, Doubt(owner, link.name, asker, refusal.ref, refusal.text))


def _bridge_for(host: Netns, address: Address) -> Link | None:
    for own in host.addresses:
        link = host.links_by_index.get(own.link)
        if link is not None and link.kind == "bridge" and own.covers(address.address):
            return link
    return None


def _asked(failure: Failure) -> IPAddress | None:
    ref = failure.step.ref
    if ref is None or ref.kind is not RefKind.NEIGHBOUR:
        return None
    return ip_interface(str(ref.key[1])).ip


def _right(failure: Failure, address: IPAddress, mac: str | None) -> bool:
    """Whether some device that has the address (or its bridge) has that MAC address."""
    for netns in failure.around:
        own = netns.addresses_by_value.get(address)
        link = netns.links_by_index.get(own.link) if own else None
        if link is not None and link.mac == mac:
            return True
    return False
