"""What the topology shows: a snapshot as the host, what is outside of it, its bridges, and what hangs on them.

Pure. The scene is a tree of four levels, because a container host is one: outside - uplink - host - bridge -
port - namespace. Everything is ordered by interface index, so a new container appears at the end and nothing
else moves. A link between two namespaces that leads past the host goes to `elsewhere`.

A device of the host that is no bridge port is an uplink; one whose other end is in a container's namespace
hangs at the host itself, like a port without a bridge. A namespace with ports in two bridges is drawn at both
and names the other one (⇄).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.model.host import Netns, Snapshot
from engine.model.link import Link
from engine.model.ref import Ref, RefKind
from engine.records import replace
from views.topology.facts import addresses_of, exposure, way_out
from views.topology.graph import (
    FORWARD_OFF,
    FORWARDING,
    Branch,
    Device,
    Fact,
    Kind,
    Node,
    Scene,
    State,
    Switch,
    device_id,
)
from views.topology.names import container_names, short_name

#: The name that Docker makes for a network's bridge, where none was wished for.
GENERATED = re.compile(r"br-[0-9a-f]{12}")
#: What each container is called in the picture, by its id.
Names = Mapping[str, str]


def scene(snapshot: Snapshot) -> Scene:
    """The scene of a snapshot, nothing folded."""
    host, named = snapshot.host_netns, container_names(snapshot)
    uplinks: list[Branch] = []
    direct: list[Branch] = []
    switches: list[Switch] = []
    for link in sorted(host.links, key=lambda link: link.index):
        if link.kind == "loopback" or link.name == "lo" or link.master is not None:
            continue
        if link.kind == "bridge":
            switches.append(_switch(snapshot, link, named))
        elif _worth_showing(host, link):
            branch = _branch(snapshot, host, link, named)
            inside = branch.far.ref is not None and bool(snapshot.containers_in(branch.far.ref.netns))
            (direct if inside else uplinks).append(_as_port(branch) if inside else branch)
    if direct:
        switches.append(Switch(None, tuple(direct)))
    drawn = Scene(_host(snapshot), tuple(uplinks), _tagged(switches), (), (), {}, _inhabitants(snapshot, switches))
    elsewhere, alone = _elsewhere(snapshot, drawn, named)
    closed = {gap.netns for gap in snapshot.gaps if gap.source == "namespace"}
    entered = tuple(name for name in alone if name not in closed)
    unread = tuple(name for name in alone if name in closed)
    whole = replace(drawn, elsewhere=elsewhere, alone=entered, unread=unread)
    return replace(whole, devices=dict(_devices(snapshot, whole)))


def _inhabitants(snapshot: Snapshot, switches: list[Switch]) -> str:
    ends = (port.far.ref for switch in switches for port in switch.ports)
    return "CONTAINER" if any(ref and snapshot.containers_in(ref.netns) for ref in ends) else "NAMESPACE"


def _link_ref(netns: Netns, link: Link) -> Ref:
    return Ref(RefKind.LINK, netns.id, (link.index,), link.name)


def _worth_showing(host: Netns, link: Link) -> bool:
    """Tunnel templates and spare dummies (down, without an address) are no part of any path."""
    return link.up or link.peer is not None or any(address.link == link.index for address in host.addresses)


def _state(link: Link) -> State:
    return State.UP if link.works else State.DOWN


def _host(snapshot: Snapshot) -> Node:
    host = snapshot.host_netns
    name = snapshot.hostname if host.id == "host" and snapshot.hostname else short_name(snapshot, host.id)
    facts = [] if "net.ipv4.ip_forward" not in host.sysctls else _forwarding(host)
    facts += [Fact(f"+ {container.name}") for container in snapshot.containers_in(host.id)]
    return Node(f"{host.id}/", Kind.HOST, name, Ref(RefKind.NETNS, host.id, (), host.id), "", tuple(facts))


def _forwarding(host: Netns) -> list[Fact]:
    """Whether the host forwards; a host without a bridge or veth has nobody to forward for."""
    if host.sysctl("net.ipv4.ip_forward"):
        return [FORWARDING]
    return [FORWARD_OFF] if any(link.kind in ("bridge", "veth") for link in host.links) else []


def _switch(snapshot: Snapshot, bridge: Link, names: Names) -> Switch:
    """A bridge with its ports. One whose name an engine has made of a number is called as its network is."""
    host = snapshot.host_netns
    label = next((net.name for net in snapshot.networks if net.bridge == bridge.name != net.name), "")
    named = bool(label) and GENERATED.fullmatch(bridge.name) is not None
    facts = (Fact(bridge.name if named else f"network {label}"),) if label else ()
    node = Node(
        device_id(host.id, bridge.index),
        Kind.BRIDGE,
        label if named else bridge.name,
        _link_ref(host, bridge),
        addresses_of(host, bridge.index),
        facts,
        _state(bridge),
    )
    ports = [link for link in sorted(host.links, key=lambda link: link.index) if link.master == bridge.index]
    return Switch(node, tuple(_as_port(_branch(snapshot, host, port, names)) for port in ports))


def _as_port(branch: Branch) -> Branch:
    kind = Kind.END if branch.far.kind is Kind.OUTSIDE else branch.far.kind
    return Branch(replace(branch.near, kind=Kind.PORT), replace(branch.far, kind=kind))


def _branch(snapshot: Snapshot, netns: Netns, link: Link, named: Names) -> Branch:
    near = Node(
        device_id(netns.id, link.index),
        Kind.UPLINK,
        link.name,
        _link_ref(netns, link),
        addresses_of(netns, link.index),
        (),
        _state(link),
    )
    return Branch(near, _far(snapshot, netns, link, named))


def _far(snapshot: Snapshot, netns: Netns, link: Link, named: Names) -> Node:
    """What a device leads to: the namespace of its peer, or the world."""
    name = f"{device_id(netns.id, link.index)}>"
    if link.peer is None:
        return Node(name, Kind.OUTSIDE, "outside", None, way_out(netns, link), (), State.UNKNOWN)
    if link.peer.netns is None or link.peer.netns not in snapshot.by_id:
        return Node(name, Kind.OUTSIDE, "not seen", None, "a namespace", (), State.UNKNOWN)
    there = snapshot.by_id[link.peer.netns]
    if there is netns:
        return Node(name, Kind.OUTSIDE, _name_of(there, link.peer.index), None, "same namespace")
    far_link = there.links_by_index.get(link.peer.index)
    containers = snapshot.containers_in(there.id)
    label = " + ".join(named[container.id] for container in containers) or short_name(snapshot, there.id)
    halted = bool(containers) and all(container.state != "running" for container in containers)
    state = State.DOWN if halted or (far_link and not far_link.works) else State.UP
    facts = exposure(snapshot, there, containers)
    if halted:
        facts = (Fact(containers[0].state, amiss=True), *facts)
    ref = Ref(RefKind.NETNS, there.id, (), there.id)
    address = addresses_of(there, link.peer.index).partition("/")[0]
    whole = " + ".join(container.name for container in containers)
    projects = {container.project for container in containers}
    group = projects.pop() if len(projects) == 1 else ""
    return Node(name, Kind.OUTSIDE, label, ref, address, facts, state, whole, group)


def _name_of(netns: Netns, index: int) -> str:
    link = netns.links_by_index.get(index)
    return link.name if link else f"device {index}"


def _tagged(switches: list[Switch]) -> tuple[Switch, ...]:
    """The switches, where a namespace that has ports in several of them names the others."""
    homes: dict[str, list[str]] = {}
    for switch in switches:
        for port in switch.ports:
            if port.far.ref:
                homes.setdefault(port.far.ref.netns, []).append(switch.bridge.label if switch.bridge else "host")

    def tagged(switch: Switch, port: Branch) -> Branch:
        own = switch.bridge.label if switch.bridge else "host"
        others = [name for name in homes[port.far.ref.netns] if name != own] if port.far.ref else []
        if not others:
            return port
        return Branch(port.near, replace(port.far, facts=(*port.far.facts, Fact(f"⇄ {' '.join(others)}"))))

    return tuple(Switch(one.bridge, tuple(tagged(one, port) for port in one.ports), one.folded) for one in switches)


def _elsewhere(snapshot: Snapshot, drawn: Scene, named: Names) -> tuple[tuple[Branch, ...], tuple[str, ...]]:
    """Links between namespaces that lead past the host, each once; and namespaces without any link to another."""
    seen: set[str] = {snapshot.host, *(node.ref.netns for node in drawn.nodes.values() if node.ref)}
    branches: list[Branch] = []
    done: set[Device] = set()
    for netns in sorted((one for one in snapshot.namespaces if one.id != snapshot.host), key=lambda one: one.id):
        for link in netns.links:
            peer = link.peer
            if peer is None or peer.netns in (None, snapshot.host, netns.id) or (netns.id, link.index) in done:
                continue
            done.add((str(peer.netns), peer.index))
            branch = _branch(snapshot, netns, link, named)
            near = replace(branch.near, label=f"{netns.id} {link.name}", kind=Kind.PORT)
            branches.append(Branch(near, replace(branch.far, kind=Kind.END)))
            seen |= {netns.id, str(peer.netns)}
    return tuple(branches), tuple(netns.id for netns in snapshot.namespaces if netns.id not in seen)


def _devices(snapshot: Snapshot, whole: Scene) -> Iterator[tuple[Device, str]]:
    """Both ends of every drawn link, with the node that stands for it."""
    nodes = [branch.near for branch in whole.branches] + [one.bridge for one in whole.switches if one.bridge]
    for node in nodes:
        if node.ref is None:
            continue
        index = int(node.ref.key[0])
        yield (node.ref.netns, index), node.id
        link = snapshot.by_id[node.ref.netns].links_by_index[index]
        if link.peer is not None and link.peer.netns is not None:
            yield (link.peer.netns, link.peer.index), node.id
