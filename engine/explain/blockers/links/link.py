"""Blockers of links: devices that are down, ports that do not pass frames, a bridge without its address."""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv6Interface, ip_interface

from engine.change.address import AddAddress
from engine.change.link import SetLink
from engine.change.port import ForwardOnPort, SetPort, SetSpanningTree
from engine.change.sysctl import SetSysctl
from engine.explain.blocker import Blocker, Remedy
from engine.explain.failure import Failure
from engine.model.address import IPAddress
from engine.model.container import Network
from engine.model.host import Netns
from engine.model.link import Address, Link
from engine.model.ref import Ref, RefKind
from engine.path.lookup.broadcast_domain import bridge_of, floods


def link_down(failure: Failure) -> list[Blocker]:
    """LINK_DOWN: the device comes up."""
    ref = failure.step.ref
    link = _link(failure, ref)
    return [] if link is None else [up(failure.netns, link)]


def link_of_destination_down(failure: Failure) -> list[Blocker]:
    """A device whose subnet has the destination is down, so that the packet went another way or nowhere."""
    found = []
    wanted = {failure.packet.dst, failure.question.address}
    for netns_id in dict.fromkeys(hop.netns for hop in failure.trace.hops):
        netns = failure.world.netns(netns_id)
        for address in netns.addresses:
            link = netns.links_by_index.get(address.link)
            if link is not None and not link.up and any(address.covers(each) for each in wanted):
                found.append(up(netns, link))
    return found


def loopback_down(failure: Failure) -> list[Blocker]:
    """A loopback address is asked for, and the device that has it is down: what is sent there goes astray."""
    asker = failure.world.netns(failure.trace.hops[0].netns)
    wanted = failure.trace.hops[0].packet.dst
    links = asker.links if wanted.is_loopback and not failure.backwards else ()
    return [up(asker, link) for link in links if link.kind == "loopback" and not link.up]


def lost_gateway(failure: Failure) -> list[Blocker]:
    """The engine's network has an address on the host's bridge, and the bridge has it no more."""
    snapshot = failure.home
    host, wanted = snapshot.host_netns, failure.packet.src if failure.backwards else failure.packet.dst
    for container in snapshot.containers if any(hop.netns == host.id for hop in failure.trace.hops) else ():
        for place in container.attachments if container.of_host else ():
            gateway = place.gateway_for(wanted)
            if gateway is None or gateway in host.addresses_by_value:
                continue
            for network in snapshot.networks:
                link = host.links_by_name.get(network.bridge)
                if (network.name, network.engine) == (place.network, container.engine) and link is not None:
                    return [_without_gateway(host, link, network, gateway)]
    return _implied_gateway(failure, wanted)


def _implied_gateway(failure: Failure, wanted: IPAddress) -> list[Blocker]:
    """The same, by the routes of namespaces behind the bridge: they name a gateway that the bridge does not have."""
    for netns in failure.around:
        if netns.id != failure.netns.id and wanted not in netns.addresses_by_value:
            continue
        for route in netns.routes:
            hop = route.nexthops[0] if len(route.nexthops) == 1 else None
            link = netns.links_by_index.get(hop.link or 0) if hop is not None else None
            peer = peer_of(failure, link) if link is not None else None
            if hop is None or link is None or peer is None or hop.gateway is None:
                continue
            if hop.gateway.version != wanted.version:
                continue
            router, port = peer
            bridge = bridge_of(router, port)
            own = next((a for a in netns.addresses if a.link == link.index and a.covers(hop.gateway)), None)
            if bridge is None or own is None or _answers_for(failure, router, bridge, hop.gateway):
                continue
            reason = f"{netns.id}, behind one of its ports, uses {hop.gateway} as its gateway"
            return [_without_address(router, bridge, hop.gateway, own.prefixlen, reason)]
    return []


def _answers_for(failure: Failure, router: Netns, bridge: Link, gateway: IPAddress) -> bool:
    """Whether the bridge has an address of that IP version, or somebody on it has the gateway's."""
    stations = failure.world.segment(router, bridge).stations
    if any(gateway in failure.world.netns(each.netns).addresses_by_value for each in stations):
        return True
    own = (each for each in router.addresses if each.link == bridge.index and each.scope == "global")
    return any(each.address.version == gateway.version for each in own)


def _without_gateway(host: Netns, link: Link, network: Network, gateway: IPAddress) -> Blocker:
    length = next((subnet.prefixlen for subnet in network.ranges if gateway in subnet), gateway.max_prefixlen)
    return _without_address(
        host, link, gateway, length, f"it is the gateway of {network.engine} network {network.name}"
    )


def _without_address(host: Netns, link: Link, gateway: IPAddress, length: int, reason: str) -> Blocker:
    own: IPv4Interface | IPv6Interface = ip_interface(f"{gateway}/{length}")
    ref = Ref(RefKind.LINK, host.id, (link.index,), link.name, f"{link.name} without {own}")
    sentence = f"{link.name} in {host.id} lacks its address {own}: {reason}"
    remedy, evidence = given_back(host, link, own)
    return Blocker("LINK_BRIDGE_NO_ADDRESS", sentence, ref, (remedy,), evidence=evidence)


def given_back(netns: Netns, link: Link, own: IPv4Interface | IPv6Interface) -> tuple[Remedy, tuple[str, ...]]:
    """A device gets an address (again), and what keeps it from having one: where IPv6 is off it has none, and is
    given none (Documentation/networking/ip-sysctl.rst, disable_ipv6)."""
    title = f"assign {own} to {link.name} in {netns.id}"
    change = AddAddress(netns.id, link.name, Address(link.index, own.ip, own.network.prefixlen))
    switch = f"net.ipv6.conf.{link.name}.disable_ipv6"
    if own.version == 4 or not netns.sysctls.get(switch):
        return Remedy(title, (change,)), ()
    changes = (SetSysctl(netns.id, switch, 0), change)
    return Remedy(f"enable IPv6 on {link.name}, and {title}", changes), (f"{switch} = 1",)


def bridge_drop(failure: Failure) -> list[Blocker]:
    """BRIDGE_DROP: a port that does not forward, may not send back, or is isolated."""
    ref = failure.step.ref
    link = _link(failure, ref)
    if ref is None or link is None:
        return []
    netns, text = failure.netns, failure.step.text
    sentence = f"bridge port {link.name} in {netns.id}: {text}"
    if "hairpin" in text:
        remedy = Remedy(f"enable hairpin on {link.name}", (SetPort(netns.id, link.name, "hairpin", 1),))
        return [Blocker("LINK_HAIRPIN_OFF", sentence, ref, (remedy,))]
    if "flood" in text:
        remedy = Remedy(f"enable flooding on {link.name}", (SetPort(netns.id, link.name, "flood", 1),))
        return [Blocker("LINK_FLOOD_OFF", sentence, ref, (remedy,))]
    if "isolated" in text:
        remedy = Remedy(f"clear isolated on {link.name}", (SetPort(netns.id, link.name, "isolated", 0),))
        return [Blocker("LINK_PORT_ISOLATED", sentence, ref, (remedy,))]
    if not link.up:
        return [up(netns, link)]
    peer = peer_of(failure, link)
    if peer is not None and not peer[1].up:
        return [up(*peer)]
    bridge = bridge_of(netns, link)
    remedies = (_forwarding(netns, link, bridge),) if bridge is not None and _blocked(link) else ()
    return [Blocker("LINK_PORT_NOT_FORWARDING", sentence, ref, remedies)]


def not_forwarding(host: Netns, port: Link, bridge: Link) -> Blocker:
    """A port in a state that passes no frames; spanning tree or its admin put it there."""
    state = port.port.state if port.port else "down"
    ref = Ref(RefKind.LINK, host.id, (port.index,), port.name, f"{port.name} ({state})")
    sentence = f"port {port.name} of {bridge.name} in {host.id} passes no frames: its state is {state}"
    hint = "listening and learning last for the bridge's forward delay only (spanning tree)"
    remedies = (_forwarding(host, port, bridge),) if _blocked(port) else ()
    return Blocker("LINK_PORT_NOT_FORWARDING", sentence, ref, remedies, evidence=(hint,))


def _blocked(port: Link) -> bool:
    """Whether its state alone keeps a port from forwarding."""
    return port.works and port.port is not None and port.port.state != "forwarding"


def _forwarding(netns: Netns, port: Link, bridge: Link) -> Remedy:
    """The port forwards: at once on a bridge without a spanning tree; a bridge of containers has no loops to break."""
    forwards = ForwardOnPort(netns.id, port.name)
    if bridge.bridge is None or not bridge.bridge.stp:
        return Remedy(f"let port {port.name} of {bridge.name} forward", (forwards,))
    title = f"turn off the spanning tree of {bridge.name}, and let {port.name} forward (or wait: it does so by itself)"
    return Remedy(title, (SetSpanningTree(netns.id, bridge.name, False), forwards))


def isolated(host: Netns, port: Link) -> list[Blocker]:
    """A port that hears the bridge's other ports, but for those that are isolated as it is itself."""
    if port.port is None or not port.port.isolated:
        return []
    ref = Ref(RefKind.LINK, host.id, (port.index,), port.name, f"{port.name} (isolated)")
    sentence = f"port {port.name} in {host.id} and the packet's ingress port are both isolated"
    remedy = Remedy(f"clear isolated on {port.name}", (SetPort(host.id, port.name, "isolated", 0),))
    return [Blocker("LINK_PORT_ISOLATED", sentence, ref, (remedy,))]


def not_told(host: Netns, port: Link, version: int) -> list[Blocker]:
    """A port that does not hear the questions for everybody, or for a group, that come in by others."""
    if floods(port, version):
        return []
    option = "bcast_flood" if version == 4 else "mcast_flood"
    ref = Ref(RefKind.LINK, host.id, (port.index,), port.name, f"{port.name} ({option} off)")
    sentence = f"port {port.name} in {host.id} receives no ARP requests or unlearned frames ({option} is off)"
    remedy = Remedy(f"enable {option} on {port.name}", (SetPort(host.id, port.name, option, 1),))
    return [Blocker("LINK_FLOOD_OFF", sentence, ref, (remedy,))]


def up(netns: Netns, link: Link) -> Blocker:
    """A device that is down comes up."""
    code = {"bridge": "LINK_BRIDGE_DOWN", "veth": "LINK_VETH_DOWN"}.get(link.kind, "LINK_DOWN")
    ref = Ref(RefKind.LINK, netns.id, (link.index,), link.name, f"{link.name} (down)")
    remedy = Remedy(f"set {link.name} in {netns.id} up", (SetLink(netns.id, link.name, up=True),))
    return Blocker(code, f"{link.name} in {netns.id} is down", ref, (remedy,))


def _link(failure: Failure, ref: Ref | None) -> Link | None:
    if ref is None or ref.kind not in (RefKind.LINK, RefKind.FDB):
        return None
    return failure.world.netns(ref.netns).links_by_index.get(int(ref.key[0]))


def peer_of(failure: Failure, link: Link) -> tuple[Netns, Link] | None:
    """The other end of a veth pair, and the namespace that it is in."""
    if link.peer is None or link.peer.netns is None:
        return None
    netns = failure.world.netns(link.peer.netns)
    found = netns.links_by_index.get(link.peer.index)
    return (netns, found) if found else None
