"""The link layer: veth pairs, bridges and their ports, and the firewall that bridged packets pass.

Sources: drivers/net/veth.c (veth_xmit), net/bridge/br_input.c (br_handle_frame_finish), br_forward.c
(should_deliver), br_device.c (br_dev_xmit), br_netfilter_hooks.c (bridged packets pass the IP hooks where
bridge-nf-call-iptables is 1; a bridged packet that PREROUTING redirects within the bridge stays bridged).
"""

from __future__ import annotations

from engine.model.host import Netns
from engine.model.link import Link
from engine.model.trace import Assumption, Outcome, StepKind, Trace
from engine.path.decision import Refusal
from engine.path.hooks import run_device_hook, run_hook
from engine.path.journey import Journey, Out
from engine.path.neighbours import resolve
from engine.path.routing import route_input
from engine.path.segment import bridge_of, calls_iptables, forwards, may_pass, opaque, ports_of
from engine.path.stages import Arrive, Bridged, Emit, Next, OnWire, Stack


def emit(journey: Journey, stage: Emit) -> Next:
    """Resolves the next hop and puts the frame on the device."""
    link = stage.link
    if not link.up:
        journey.step(StepKind.LINK, f"{link.name} is down", journey.link_ref(link))
        return journey.end(Outcome.LINK_DOWN)
    if link.kind == "loopback":
        journey.see(oif=link.name)
        return run_device_hook(journey, "egress", link.name) or _up(journey, link)
    if link.noarp:
        return OnWire(link, None, link.mac)
    if journey.exit == (journey.netns.id, link.index) and stage.towards == journey.packet.dst:
        return leave(journey, link)
    found = resolve(journey, link, stage.towards)
    journey.step(StepKind.NEIGHBOUR, found.text, found.ref)
    if found.leaves_view:
        return leave(journey, link)
    if found.mac is None:
        return journey.end(Outcome.NO_NEIGHBOUR)
    mac = found.mac
    if found.several:
        text = f"{1 + len(found.several)} devices answer for {stage.towards}; which is heard first is chance"
        macs = (mac, *found.several)
        mac = macs[journey.pick(len(macs), Assumption("ASSUME_DUPLICATE_ADDRESS", text, found.ref))]
    return OnWire(link, mac, link.mac)


def leave(journey: Journey, link: Link) -> Trace:
    """The packet goes where the snapshot does not see."""
    journey.step(StepKind.LINK, f"leaves by {link.name} for what is not visible from here", journey.link_ref(link))
    return journey.end(Outcome.LEAVES_VIEW)


def on_wire(journey: Journey, stage: OnWire) -> Next:
    """Transmits a frame: into a bridge's ports, over a veth pair, or out of view."""
    link = stage.link
    journey.see(oif=link.name)
    ended = run_device_hook(journey, "egress", link.name) if link.up else None
    if ended:
        return ended
    if journey.exit == (journey.netns.id, link.index):
        return leave(journey, link)
    if link.kind == "bridge":
        return _out_of_bridge(journey, link, None, stage.mac, stage.source_mac)
    if not link.up:
        journey.step(StepKind.LINK, f"{link.name} is down", journey.link_ref(link))
        return journey.end(Outcome.LINK_DOWN)
    if opaque(link) or link.peer is None or link.peer.netns is None:
        return leave(journey, link)
    there = journey.world.netns(link.peer.netns)
    peer = there.links_by_index.get(link.peer.index)
    if peer is None:
        journey.step(StepKind.LINK, f"the peer of {link.name} is not in the picture", journey.link_ref(link))
        return journey.end(Outcome.UNKNOWN)
    journey.step(StepKind.LINK, f"{link.name} → {peer.name}", journey.link_ref(link))
    if there.id != journey.netns.id:
        journey.enter(there)
    else:
        journey.detach()
    return Arrive(peer, stage.mac, stage.source_mac)


def arrive(journey: Journey, stage: Arrive) -> Next:
    """A frame comes in: up to the IP layer, into a bridge, or to nobody."""
    link = stage.link
    if not link.up:
        journey.step(StepKind.LINK, f"{link.name} is down", journey.link_ref(link))
        return journey.end(Outcome.LINK_DOWN)
    journey.see(iif=link.name, oif="", source_mac=stage.source_mac, target_mac=stage.mac or "")
    ended = run_device_hook(journey, "ingress", link.name)
    if ended:
        return ended
    bridge = bridge_of(journey.netns, link)
    if bridge is not None:
        return _into_bridge(journey, bridge, link, stage)
    if stage.mac is not None and not link.noarp and stage.mac != link.mac:
        text = f"the frame is for {stage.mac}, {link.name} has {link.mac}"
        journey.step(StepKind.LINK, text, journey.link_ref(link))
        return journey.end(Outcome.NOT_FOR_US)
    journey.step(StepKind.LINK, f"arrives on {link.name}", journey.link_ref(link))
    return Stack(link)


def _into_bridge(journey: Journey, bridge: Link, port: Link, stage: Arrive) -> Next:
    ref = journey.link_ref(port)
    if not bridge.up:
        journey.step(StepKind.BRIDGE, f"bridge {bridge.name} is down", journey.link_ref(bridge))
        return journey.end(Outcome.LINK_DOWN)
    if not forwards(port):
        state = port.port.state if port.port else "down"
        journey.step(StepKind.BRIDGE, f"port {port.name} of {bridge.name} is {state}", ref)
        return journey.end(Outcome.BRIDGE_DROP)
    if bridge.bridge is not None and bridge.bridge.vlan_filtering:
        journey.assume(Assumption("ASSUME_VLAN_OPEN", f"VLAN filtering of {bridge.name} is not modelled", ref))
    journey.step(StepKind.BRIDGE, f"port {port.name} of bridge {bridge.name}", ref)
    journey.see(iif=port.name, oif="", physin="", physout="")
    ended = run_hook(journey, "prerouting", "bridge")
    if ended:
        return ended
    upwards = stage.mac is None or stage.mac in _own_macs(journey.netns, bridge)
    if not calls_iptables(journey.netns, bridge, journey.packet.dst.version):
        journey.see(iif=bridge.name if upwards else port.name)
        return _up(journey, bridge) if upwards else Bridged(bridge, port, stage.mac, stage.source_mac)
    return _bridge_prerouting(journey, bridge, port, stage, upwards)


def _up(journey: Journey, device: Link, *, prerouted: bool = False) -> Next:
    """From a bridge, or from loopback, to its own IP stack, by its own ingress hook."""
    journey.see(iif=device.name, oif="")
    return run_device_hook(journey, "ingress", device.name) or Stack(device, prerouted=prerouted)


def _bridge_prerouting(journey: Journey, bridge: Link, port: Link, stage: Arrive, upwards: bool) -> Next:
    """br_nf_pre_routing and its finish: DNAT may turn a bridged packet round, or keep it in the bridge."""
    before = journey.packet.dst
    journey.see(iif=bridge.name, oif="", physin=port.name)
    ended = run_hook(journey, "prerouting")
    if ended:
        return ended
    if journey.packet.dst == before:
        if upwards:
            return _up(journey, bridge, prerouted=True)
        return Bridged(bridge, port, stage.mac, stage.source_mac)
    way = route_input(journey, journey.packet, bridge)
    if isinstance(way, Refusal):
        journey.step(StepKind.ROUTE, way.text, way.ref)
        return journey.end(way.outcome)
    if way.local or way.link.index != bridge.index:
        return _up(journey, bridge, prerouted=True)
    found = resolve(journey, bridge, way.towards)
    journey.step(StepKind.NEIGHBOUR, found.text, found.ref)
    if found.leaves_view:
        return leave(journey, bridge)
    if found.mac is None:
        return journey.end(Outcome.NO_NEIGHBOUR)
    return Bridged(bridge, port, found.mac, bridge.mac)


def bridged(journey: Journey, stage: Bridged) -> Next:
    """Passes a frame on within a bridge, through the bridge and IP hooks that it meets there."""
    bridge, port = stage.bridge, stage.port
    out = _port_for(journey, bridge, port, stage.mac)
    if isinstance(out, Trace):
        return out
    journey.see(iif=port.name, oif=out.name, physin="", physout="")
    ended = run_hook(journey, "forward", "bridge")
    if ended:
        return ended
    if calls_iptables(journey.netns, bridge, journey.packet.dst.version):
        journey.see(iif=bridge.name, oif=bridge.name, physin=port.name, physout=out.name)
        journey.out = Out(bridge, journey.packet.dst)
        ended = run_hook(journey, "forward") or run_hook(journey, "postrouting")
        if ended:
            return ended
    journey.see(iif=port.name, oif=out.name, physin="", physout="")
    ended = run_hook(journey, "postrouting", "bridge")
    if ended:
        return ended
    journey.step(StepKind.BRIDGE, f"bridge {bridge.name}: {port.name} → {out.name}", journey.link_ref(out))
    return OnWire(out, stage.mac, stage.source_mac)


def _out_of_bridge(journey: Journey, bridge: Link, port: Link | None, mac: str | None, source_mac: str) -> Next:
    """The bridge's own stack sends (br_dev_xmit)."""
    out = _port_for(journey, bridge, port, mac)
    if isinstance(out, Trace):
        return out
    journey.see(oif=out.name)
    ended = run_hook(journey, "output", "bridge") or run_hook(journey, "postrouting", "bridge")
    if ended:
        return ended
    journey.step(StepKind.BRIDGE, f"bridge {bridge.name} sends by port {out.name}", journey.link_ref(out))
    return OnWire(out, mac, source_mac)


def _port_for(journey: Journey, bridge: Link, source: Link | None, mac: str | None) -> Link | Trace:
    """The port behind which a MAC address lives: by the forwarding table, else where a flood finds it."""
    netns = journey.netns
    for entry in netns.fdb:
        if entry.mac == mac and entry.master == bridge.index and not entry.local:
            port = netns.links_by_index.get(entry.link)
            if port is not None and port.master == bridge.index:
                return _checked(journey, bridge, source, port)
    station = journey.world.segment(netns, bridge).owner(mac or "")
    port = netns.links_by_index.get(station.port) if station is not None and station.port is not None else None
    if port is not None and port.port is not None and not port.port.flood:
        text = (
            f"{bridge.name} has not learned where {mac} is, and port {port.name} takes no unknown frames (flood is off)"
        )
        journey.step(StepKind.BRIDGE, text, journey.link_ref(port))
        return journey.end(Outcome.BRIDGE_DROP)
    if port is not None:
        return _checked(journey, bridge, source, port)
    away = next((port for port in ports_of(netns, bridge) if opaque(port) and may_pass(source, port)), None)
    if away is not None:
        return leave(journey, away)
    journey.step(StepKind.BRIDGE, f"no port of {bridge.name} leads to {mac}", journey.link_ref(bridge))
    return journey.end(Outcome.BRIDGE_DROP)


def _checked(journey: Journey, bridge: Link, source: Link | None, port: Link) -> Link | Trace:
    if may_pass(source, port):
        return port
    if source is not None and source.index == port.index:
        why = f"port {port.name} may not send back what it received (hairpin is off)"
    elif not forwards(port):
        why = f"port {port.name} of {bridge.name} is {port.port.state if port.port and port.works else 'down'}"
    else:
        why = f"ports {source.name if source else ''} and {port.name} of {bridge.name} are isolated from each other"
    journey.step(StepKind.BRIDGE, why, journey.link_ref(port))
    return journey.end(Outcome.BRIDGE_DROP)


def _own_macs(netns: Netns, bridge: Link) -> frozenset[str]:
    ports = {port.mac for port in ports_of(netns, bridge)}
    local = {entry.mac for entry in netns.fdb if entry.local and entry.master == bridge.index}
    return frozenset({bridge.mac} | ports | local)
