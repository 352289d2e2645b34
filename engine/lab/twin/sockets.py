"""Who listens in a twin: the lab's server in the place of each program, bound as that was, and relays that pass on."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from engine.change.program import RelayPort, Serve, SocketManner
from engine.lab.twin.left_out import Omissions
from engine.lab.twin.link_words import LINK_NAME
from engine.lab.twin.namespaces import TwinNode, fitting
from engine.model.address import Family, IPAddress
from engine.model.host import Netns, Snapshot
from engine.model.packet import Protocol
from engine.model.plan import Change
from engine.model.traffic import Listener, Process, Relay

#: States of a process that does not run (proc_pid_stat(5)), and a container's word for the same.
STOPPED, PAUSED = frozenset("TtD"), "paused"
RELAY = "portscope-relay"
SERVED = frozenset((Protocol.TCP, Protocol.UDP, Protocol.SCTP))
#: Kinds that hold a UDP port, and the ports that they have by themselves: vxlan, geneve.
TUNNELS, TUNNEL_PORTS = frozenset(("vxlan", "geneve")), frozenset((4789, 8472, 6081))
#: Clients that are put into a full queue; and listeners of a twin.
MOST_QUEUED, MOST = 64, 5000


def sockets(snapshot: Snapshot, netns: Netns, node: TwinNode, out: Omissions) -> Iterator[Change]:
    """The listeners and relays of a namespace."""
    for listener in netns.listeners:
        if of_kernel(netns, listener):
            continue
        if listener.protocol not in SERVED or not listener.port:
            out.leave(
                netns.id, f"listener {listener}", "no server is written for its protocol", "no program answers there"
            )
            continue
        relay = listener.process.relay if listener.process else None
        if relay is not None:
            yield _relay(netns, node, listener, relay, out)
        else:
            yield served(snapshot, netns, node, listener)


def of_kernel(netns: Netns, listener: Listener) -> bool:
    """Whether the kernel holds a port for a tunnel, which a program could not have beside it."""
    held = {link.detail.get("dstport") for link in netns.links if link.kind in TUNNELS}
    return (
        listener.process is None
        and listener.protocol is Protocol.UDP
        and (str(listener.port) in held or listener.port in TUNNEL_PORTS)
    )


def _address(listener: Listener) -> IPAddress:
    if listener.address is not None:
        return listener.address
    return IPv4Address(0) if listener.family is Family.INET else IPv6Address(0)


def _relay(netns: Netns, node: TwinNode, listener: Listener, relay: Relay, out: Omissions) -> RelayPort:
    known = relay.target is not None and relay.port is not None and not relay.silent
    if not known and not relay.silent:
        why = f"the snapshot does not say where {relay.kind} passes connections on"
        out.leave(netns.id, f"relay {listener}", why, "it takes connections and never answers")
    both = listener.address is None and listener.family is Family.INET6 and not listener.v6only
    target, port = (relay.target, relay.port or 0) if known else (None, 0)
    # One that passes on is known by its own name (engine.observe.proc.relays); one that only holds, by the engine's.
    holder = RELAY if known else fitting(relay.kind)[:15]
    return RelayPort(node.netns, listener.protocol, _address(listener), listener.port, target, port, holder, both, True)


def served(snapshot: Snapshot, netns: Netns, node: TwinNode, listener: Listener) -> Serve:
    """The lab's server in the place of a program, bound as that is."""
    address = _address(listener)
    device = netns.links_by_index.get(listener.device) if listener.device is not None else None
    full = listener.protocol is Protocol.TCP and listener.queued > listener.backlog
    owner = netns.addresses_by_value.get(address) if address.version == 6 and address.is_link_local else None
    manner = SocketManner(
        v6only=listener.v6only,
        device=device.name if device is not None and LINK_NAME.fullmatch(device.name) else "",
        backlog=max(0, listener.backlog) if listener.protocol is Protocol.TCP and full else None,
        queued=min(listener.queued, MOST_QUEUED) if full else 0,
        frozen=full or _stopped(snapshot, netns, listener.process),
        uid=listener.uid or 0,
        scope=owner.link if owner is not None else 0,
        transparent=bool(listener.transparent),
    )
    return Serve(node.netns, listener.protocol, address, listener.port, node.name, manner)


def _stopped(snapshot: Snapshot, netns: Netns, process: Process | None) -> bool:
    """Whether who listens does not run: it is stopped, or its container is paused."""
    if process is None:
        return False
    paused = [each.id for each in snapshot.containers_in(netns.id) if each.state == PAUSED]
    return process.state in STOPPED or (bool(paused) and (not process.container or process.container in paused))
