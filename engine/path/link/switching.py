"""The link layer: veth pairs, bridges and their ports, and the firewall that bridged packets pass.

Sources: drivers/net/veth.c (veth_xmit), net/bridge/br_input.c (br_handle_frame_finish), br_forward.c
(should_deliver), br_device.c (br_dev_xmit), br_netfilter_hooks.c (bridged packets pass the IP hooks where
bridge-nf-call-iptables is 1; a bridged packet that PREROUTING redirects within the bridge stays bridged).
"""

from __future__ import annotations

from engine.model.host import Netns
from engine.model.link import Link
from engine.model.trace import Assumption, Outcome, StepKind, Trace
from engine.path.ip.routing import route_bridged
from engine.path.journey import Journey
from engine.path.link.bridge_hooks import came_in, comes_in, goes_out, goes_up, passes
from engine.path.link.egress_port import Ways, port_for
from engine.path.link.fdb_learning import learn
from engine.path.link.neighbours import Resolved, resolve
from engine.path.link.segments import across
from engine.path.link.upper_devices import heard_above, leave, sent_below
from engine.path.lookup.bridge_vlans import Refused, admitted, filters, released, words
from engine.path.lookup.broadcast_domain import bridge_of, calls_iptables, forwards, opaque, ports_of
from engine.path.lookup.device_topology import addressed
from engine.path.lookup.route_decision import Refusal, RouteDecision
from engine.path.netfilter.hooks import run_device_hook
from engine.path.stages import Arrive, Asking, Bridged, Emit, Next, OnWire, Stack
from engine.path.unmodelled import mention_programs

#: Refusals that are routes of their own: a packet that PREROUTING has sent elsewhere takes them up to the
#: IP layer (br_nf_pre_routing_finish: ip_error for IPv4, a route that leads on for IPv6). Others free it in the bridge.
TAKEN_UP = {
    4: frozenset(
        {
            Outcome.NOT_FORWARDED,
            Outcome.NO_ROUTE,
            Outcome.ROUTE_UNREACHABLE,
            Outcome.ROUTE_PROHIBIT,
            Outcome.ROUTE_BLACKHOLE,
        }
    ),
    6: frozenset({Outcome.NOT_FORWARDED}),
}


def emit(journey: Journey, stage: Emit) -> Next:
    """Resolves the next hop and puts the frame on the device."""
    link = stage.link
    if not link.up:
        journey.step(StepKind.LINK, f"{link.name} is down", journey.link_ref(link))
        return journey.end(Outcome.LINK_DOWN)
    if link.kind == "loopback":
        journey.see(oif=link.name)
        return run_device_hook(journey, "egress", link.name) or _up(journey, link, sent=stage)
    if link.noarp and not addressed(link):
        return OnWire(link, None, link.mac)
    if journey.exit == (journey.netns.id, link.index) and stage.towards == journey.packet.dst:
        return leave(journey, link)
    found = resolve(journey, link, stage.towards)
    if found.mac is None:
        journey.step(StepKind.NEIGHBOUR, found.text, found.ref, about=found.dropped)
        return leave(journey, link) if found.leaves_view else journey.end(Outcome.NO_NEIGHBOUR)
    frame = OnWire(link, _first_heard(journey, stage, found, found.mac), link.mac)
    if found.tunnels:
        return Asking(found.tunnels, stage.towards, found.text, found.ref, frame)
    journey.step(StepKind.NEIGHBOUR, found.text, found.ref)
    return frame


def _first_heard(journey: Journey, stage: Emit, found: Resolved, mac: str) -> str:
    """One of those who answer."""
    if not found.several:
        return mac
    macs = (mac, *found.several)
    text = f"{len(macs)} devices answer for {stage.towards}; the first reply decides"
    about = Assumption("ASSUME_DUPLICATE_ADDRESS", text, found.ref)
    return macs[journey.pick_once((journey.netns.id, stage.link.index, stage.towards), len(macs), about)]


def on_wire(journey: Journey, stage: OnWire) -> Next:
    """Transmits a frame: into a bridge's ports, over a veth pair, or out of view."""
    link = stage.link
    journey.see(oif=link.name)
    mention_programs(journey, link, "egress")
    ended = run_device_hook(journey, "egress", link.name) if link.up else None
    if ended:
        return ended
    if journey.exit == (journey.netns.id, link.index):
        return leave(journey, link)
    if link.kind == "bridge":
        return _out_of_bridge(journey, stage)
    if not link.up:
        journey.step(StepKind.LINK, f"{link.name} is down", journey.link_ref(link))
        return journey.end(Outcome.LINK_DOWN)
    below = sent_below(journey, stage)
    if below is not None:
        return below
    if opaque(link) or link.peer is None or link.peer.netns is None:
        return across(journey, stage)
    there = journey.world.netns(link.peer.netns)
    peer = there.links_by_index.get(link.peer.index)
    if peer is None:
        journey.step(StepKind.LINK, f"the peer of {link.name} is not in the snapshot", journey.link_ref(link))
        return journey.end(Outcome.UNKNOWN)
    journey.step(StepKind.LINK, f"{link.name} → {peer.name}", journey.link_ref(link))
    if there.id != journey.netns.id:
        journey.enter(there)
    else:
        journey.detach()
    return Arrive(peer, stage.mac, stage.source_mac, stage.vlan)


def arrive(journey: Journey, stage: Arrive) -> Next:
    """A frame comes in: up to the IP layer, into a bridge, or to nobody."""
    link = stage.link
    if not link.up:
        journey.step(StepKind.LINK, f"{link.name} is down", journey.link_ref(link))
        return journey.end(Outcome.LINK_DOWN)
    journey.see(iif=link.name, oif="", source_mac=stage.source_mac, target_mac=stage.mac or "")
    mention_programs(journey, link, "xdp", "ingress")
    ended = run_device_hook(journey, "ingress", link.name)
    if ended:
        return ended
    above = heard_above(journey, stage)
    if above is not None:
        return above
    bridge = bridge_of(journey.netns, link)
    if bridge is not None:
        return _into_bridge(journey, bridge, link, stage)
    if stage.vlan is not None:
        text = f"no device on {link.name} takes frames of VLAN {stage.vlan}"
        journey.step(StepKind.LINK, text, journey.link_ref(link))
        return journey.end(Outcome.NOT_FOR_US)
    if stage.mac is not None and addressed(link) and stage.mac != link.mac:
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
    if bridge.bridge is not None and bridge.bridge.vlan_filtering and not filters(journey.netns, bridge):
        journey.assume(Assumption("ASSUME_VLAN_OPEN", f"the VLANs of {bridge.name} were not read", ref))
    vlan = admitted(journey.netns, bridge, port, stage.vlan)
    if isinstance(vlan, Refused):
        return _wrong_vlan(journey, port, f"takes no frames {_of(stage.vlan)}")
    within = f", VLAN {vlan}" if vlan is not None else ""
    journey.step(StepKind.BRIDGE, f"port {port.name} of bridge {bridge.name}{within}", ref)
    calls = stage.vlan is None and calls_iptables(journey.netns, bridge, journey.packet.dst.version)
    target = journey.packet.dst
    ended = comes_in(journey, bridge, port, calls=calls)
    if ended:
        return ended
    upwards = stage.mac is None or stage.mac in _own_macs(journey.netns, bridge)
    translated = journey.packet.dst != target
    way = route_bridged(journey, journey.packet, bridge) if translated else None
    if isinstance(way, Refusal) and way.outcome not in TAKEN_UP[target.version]:
        journey.hidden = True
        journey.step(StepKind.ROUTE, way.text, way.ref)
        return journey.end(way.outcome)
    ended = came_in(journey, port)
    if ended:
        return ended
    learn(journey, journey.netns, bridge, port, stage.source_mac)
    if isinstance(way, RouteDecision) and not way.local and way.link.index == bridge.index:
        return _turned_round(journey, bridge, port, way, vlan)
    tag = released(journey.netns, bridge, bridge, vlan) if upwards else None
    if isinstance(tag, Refused):
        return _wrong_vlan(journey, bridge, f"takes no frames {_of(vlan)} itself")
    if not (upwards or translated):
        return Bridged(bridge, port, stage.mac, stage.source_mac, vlan)
    return _up(journey, bridge, port, prerouted=calls) if tag is None else _tagged(journey, bridge, stage, tag)


def _of(vlan: int | None) -> str:
    return "without a tag (it has no PVID)" if vlan is None else f"of VLAN {vlan}"


def _wrong_vlan(journey: Journey, port: Link, what: str) -> Trace:
    journey.step(StepKind.BRIDGE, f"{port.name} {what}; it is in {words(port)}", journey.link_ref(port))
    return journey.end(Outcome.BRIDGE_DROP)


def _tagged(journey: Journey, bridge: Link, stage: Arrive, tag: int) -> Next:
    """A frame for the bridge itself that keeps its tag: for a vlan device on the bridge."""
    return heard_above(journey, Arrive(bridge, stage.mac, stage.source_mac, tag)) or _wrong_vlan(
        journey, bridge, f"has no device for VLAN {tag}"
    )


def _up(
    journey: Journey, device: Link, port: Link | None = None, *, prerouted: bool = False, sent: Emit | None = None
) -> Next:
    """From a bridge's port, or from loopback, to its own IP stack, past the device's ingress hook."""
    ended = goes_up(journey, device, port) if port is not None else None
    if ended:
        return ended
    journey.see(iif=device.name, oif="")
    return run_device_hook(journey, "ingress", device.name) or Stack(device, prerouted, sent)


def _turned_round(journey: Journey, bridge: Link, port: Link, way: RouteDecision, vlan: int | None) -> Next:
    """A frame whose packet PREROUTING sent elsewhere within the bridge (br_nf_pre_routing_finish_bridge)."""
    found = resolve(journey, bridge, way.towards)
    journey.step(StepKind.NEIGHBOUR, found.text, found.ref, about=found.dropped)
    if found.leaves_view:
        return leave(journey, bridge)
    if found.mac is None:
        return journey.end(Outcome.NO_NEIGHBOUR)
    return Bridged(bridge, port, found.mac, bridge.mac, vlan)


def bridged(journey: Journey, stage: Bridged) -> Next:
    """Passes a frame on within a bridge, through the bridge and IP hooks that it meets there."""
    bridge, port, netns = stage.bridge, stage.port, journey.netns
    called = calls_iptables(netns, bridge, journey.packet.dst.version)

    def meets(out: Link) -> Trace | None:
        tag = released(netns, bridge, out, stage.vlan)
        if isinstance(tag, Refused):
            return _wrong_vlan(journey, out, f"carries no frames {_of(stage.vlan)}")
        return passes(journey, bridge, port, out, calls=called and tag is None)

    out = port_for(journey, stage.mac, stage.vlan, Ways(bridge, port, meets))
    if isinstance(out, Trace):
        return out
    journey.step(StepKind.BRIDGE, f"bridge {bridge.name}: {port.name} → {out.name}", journey.link_ref(out))
    return OnWire(out, stage.mac, stage.source_mac, _tag_of(netns, bridge, out, stage.vlan))


def _out_of_bridge(journey: Journey, stage: OnWire) -> Next:
    """The bridge's own stack sends (br_dev_xmit)."""
    bridge, netns = stage.link, journey.netns
    vlan = admitted(netns, bridge, bridge, stage.vlan)
    if isinstance(vlan, Refused):
        return _wrong_vlan(journey, bridge, f"sends no frames {_of(stage.vlan)}")
    journey.see(source_mac=stage.source_mac, target_mac=stage.mac or "")

    def meets(out: Link) -> Trace | None:
        if isinstance(released(netns, bridge, out, vlan), Refused):
            return _wrong_vlan(journey, out, f"carries no frames {_of(vlan)}")
        return goes_out(journey, out)

    out = port_for(journey, stage.mac, vlan, Ways(bridge, None, meets))
    if isinstance(out, Trace):
        return out
    journey.step(StepKind.BRIDGE, f"bridge {bridge.name} sends by port {out.name}", journey.link_ref(out))
    return OnWire(out, stage.mac, stage.source_mac, _tag_of(netns, bridge, out, vlan))


def _tag_of(netns: Netns, bridge: Link, out: Link, vlan: int | None) -> int | None:
    """The tag of a frame that may leave by the port."""
    tag = released(netns, bridge, out, vlan)
    return None if isinstance(tag, Refused) else tag


def _own_macs(netns: Netns, bridge: Link) -> frozenset[str]:
    ports = {port.mac for port in ports_of(netns, bridge)}
    local = {entry.mac for entry in netns.fdb if entry.local and entry.master == bridge.index}
    return frozenset({bridge.mac} | ports | local)
