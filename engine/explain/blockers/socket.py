"""Blockers at the end of the way: no socket takes the packet, or the program behind it does not answer."""

from __future__ import annotations

from collections.abc import Iterator

from engine.change.engines.container import SetContainer
from engine.change.listener import Listen
from engine.change.sysctl import SetSysctl
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers.publishing.publish import asking, run_again, untranslated
from engine.explain.failure import FailedLeg, Failure, is_tcp, translation_of
from engine.explain.fixes.listen_hints import hint
from engine.model.address import Family, end_of
from engine.model.packet import Protocol
from engine.model.ref import Ref, RefKind
from engine.model.traffic import Listener
from engine.path.exchange.echo import IGNORE_ALL
from engine.path.lookup.sockets import listener_ref, listeners_on_port
from engine.records import replace

#: The states of a process that a signal or a debugger has stopped (proc_pid_stat(5)).
STOPPED = "Tt"
#: Names are asked for at it (RFC 1035).
DNS = 53
#: Asking somebody for a program weighs as much as this many changes of the host.
ASK = 2


def other_listener(failure: Failure) -> list[Blocker]:
    """NO_LISTENER, though a socket of that port is there: it takes other packets."""
    netns, packet = failure.netns, failure.packet
    for listener in listeners_on_port(netns, packet):
        if listener.process is not None and listener.process.relay is not None:
            continue
        device = netns.links_by_index.get(listener.device or 0)
        code, why = _why_not(listener, packet.dst.version, device.name if device else "another device")
        who = listener.process.name if listener.process else "a program"
        there = end_of(packet.dst, packet.dport)
        sentence = f"{who} in {netns.id} listens on {listener}, {why}; the packet is for {there}"
        wider = replace(listener, address=None, v6only=False, device=None, family=packet.family)
        open_up = Listen(netns.id, wider, listener)
        title = f"have {who} listen on {_any(packet.dst.version)}:{listener.port} instead of {listener}"
        if code == "DST_LISTEN_OTHER_DEVICE":
            title = f"have {who} listen on {_any(packet.dst.version)}:{listener.port} without SO_BINDTODEVICE"
        elif how := hint(listener, packet.family):
            title = f"{title}: {how}"
        remedies = (Remedy(title, (open_up,), manual=True),)
        return [Blocker(code, sentence, listener_ref(netns.id, listener), remedies, _owner(failure))]
    return []


def no_listener(failure: Failure) -> list[Blocker]:
    """NO_LISTENER: a service on another port or protocol, or nothing at all."""
    netns, packet, owner = failure.netns, failure.packet, _owner(failure)
    # A datagram's answer from a wildcard socket may come from another address than was asked.
    own = packet.dst if packet.protocol is Protocol.UDP else None
    wanted = Listener(packet.protocol, packet.family, own, packet.dport or 0)
    port = f"{packet.dport}/{packet.protocol}"
    ref = Ref(RefKind.NETNS, netns.id, (), netns.id, f"port {port} of {netns.id}")
    others = [s for s in netns.listeners if s.protocol is packet.protocol and not _private(s)]
    beside = [s for s in listeners_on_port(netns, packet) if s not in others]
    evidence = tuple(f"it listens on {listener_ref(netns.id, other).text}" for other in (*beside, *others)[:4])
    evidence += tuple(_elsewhere(failure))[:3] if packet.dst.is_loopback else ()
    title, here = f"start a program that listens on port {port} in {netns.id}", ""
    if packet.dport == DNS and packet.dst.is_loopback and netns.id != failure.home.host:
        title = f"give {netns.id} a resolver that it can reach (--dns, or `dns` in daemon.json)"
        here = f", and {packet.dst} is {netns.id} itself"
    start = Remedy(title, (Listen(netns.id, wanted),), manual=True, cost=ASK)
    if others and (owner != "admin" or failure.depth):
        sentence = f"nothing listens on port {port} in {netns.id}; it listens on {others[0]} instead"
        start = replace(start, title=f"{_published_to(failure, others[0].port)}{start.title}")
        return [Blocker("DST_LISTEN_OTHER_PORT", sentence, ref, (start,), owner, evidence)]
    other_protocol = [s for s in netns.listeners if s.port == packet.dport and s.protocol is not packet.protocol]
    if other_protocol:
        sentence = f"nothing listens on port {port} in {netns.id}; {other_protocol[0]} uses another protocol"
        start = replace(start, title=f"{_published_as(failure, other_protocol[0].protocol)}{start.title}")
        return [Blocker("DST_LISTEN_OTHER_PROTOCOL", sentence, ref, (start,), owner)]
    sentence = f"nothing listens on port {port} in {netns.id}{here}"
    left = _left_behind(failure, wanted)
    if left is not None:
        sentence += f"; {left} shares its network, and still listens in the namespace from before its restart"
        start = Remedy(f"restart {left}, so that it joins the current namespace", start.changes, manual=True)
    misses = untranslated(failure) if translation_of(failure) is None and failure.leg is FailedLeg.FORWARD else ()
    return [Blocker("DST_NO_LISTENER", sentence, ref, (start,), owner, evidence, misses)]


def _published_to(failure: Failure, port: int) -> str:
    """What publishes the port that the program listens on, where the engine's relay led to another one."""
    for container, published in failure.home.published if failure.depth else ():
        if (container.netns, published.container_port) == (failure.netns.id, failure.packet.dport):
            return f"{run_again(container, asking(failure, published.host_port, port))}, or "
    return ""


def _published_as(failure: Failure, protocol: Protocol) -> str:
    """What publishes a port for the protocol that its program speaks, before what has it speak the other one."""
    step = translation_of(failure)
    if step is None or failure.depth:
        return ""
    port = f"{step.packet.dport}:{failure.packet.dport}/{protocol}"
    inside = failure.home.containers_in(failure.netns.id)
    again = run_again(inside[0], port) if inside else f"publish {port} for {failure.netns.id}"
    return f"{again} and ask for it over {protocol}, or "


def _left_behind(failure: Failure, wanted: Listener) -> str | None:
    """A container that joined the network of one here, and serves the port in a namespace that this one has left."""
    snapshot = failure.home
    here = {f"container:{each.id}" for each in snapshot.containers_in(failure.netns.id)}
    for container in snapshot.containers:
        there = snapshot.by_id.get(container.netns or "")
        if there is None or there is failure.netns or container.network_mode not in here:
            continue
        if any((each.protocol, each.port) == (wanted.protocol, wanted.port) for each in there.listeners):
            return container.name
    return None


def _elsewhere(failure: Failure) -> Iterator[str]:
    """Who listens on the port of a loopback address that is each namespace's own."""
    packet, here = failure.packet, failure.netns
    for netns in failure.home.namespaces:
        for listener in netns.listeners if netns.id != here.id else ():
            if (listener.port, listener.protocol) == (packet.dport, packet.protocol):
                yield f"{packet.dst} is {here.id} itself; the listener {listener} is in {netns.id}"


def backlog_full(failure: Failure) -> list[Blocker]:
    """BACKLOG_FULL: the program does not take its connections."""
    ref = failure.step.ref
    if ref is None:
        return []
    listener = _listener_of(failure)
    sentence = f"the program in {failure.netns.id} does not call accept(): {failure.step.text}"
    remedies: tuple[Remedy, ...] = ()
    if listener is not None:
        who = listener.process.name if listener.process else "the program"
        drained = Listen(failure.netns.id, replace(listener, queued=0), listener)
        remedies = (Remedy(f"inspect {who}: it hangs, or is overloaded", (drained,), manual=True),)
    return [Blocker("DST_BACKLOG_FULL", sentence, ref, remedies, _owner(failure), (failure.step.text,))]


def echo_ignored(failure: Failure) -> list[Blocker]:
    """ECHO_IGNORED: the kernel is told to answer no echo requests."""
    name = IGNORE_ALL[failure.packet.dst.version]
    netns = failure.netns
    ref = Ref(RefKind.SYSCTL, netns.id, (name,), name, f"{name} = {netns.sysctl(name)}")
    sentence = f"{netns.id} ignores echo requests ({name} = {netns.sysctl(name)}); its ports may answer"
    answer = Remedy(f"enable echo replies in {netns.id}", (SetSysctl(netns.id, name, 0),))
    return [Blocker("DST_ECHO_IGNORED", sentence, ref, (answer,), _owner(failure))]


def tunnel_port(failure: Failure) -> list[Blocker]:
    """TUNNEL_PORT: the socket is the kernel's, for a tunnel's frames."""
    ref = failure.step.ref or Ref(RefKind.NETNS, failure.netns.id)
    port = f"{failure.packet.dport}/{failure.packet.protocol}"
    sentence = f"no program has port {port} of {failure.netns.id}: {failure.step.text}"
    return [Blocker("DST_TUNNEL_PORT", sentence, ref, (), _owner(failure))]


def not_served(failure: Failure) -> list[Blocker]:
    """The connection is accepted by the kernel, and the program behind it is frozen or passes nothing on."""
    netns = failure.netns
    ref = failure.step.ref or Ref(RefKind.NETNS, netns.id)
    for container in failure.home.containers_in(netns.id):
        if container.state == "paused":
            at = Ref(RefKind.CONTAINER, netns.id, (container.id,), container.name, f"{container.name} (paused)")
            change = SetContainer(container.id, container.command, ("unpause", container.name), "running")
            sentence = f"container {container.name} is paused: the kernel accepts for it, the program does not run"
            return [
                Blocker("DST_PAUSED", sentence, at, (Remedy(f"unpause {container.name}", (change,)),), container.engine)
            ]
    listener = _listener_of(failure)
    process = listener.process if listener else None
    if process is not None and process.relay is not None and is_tcp(failure):
        sentence = f"{process.name} holds the port in {netns.id} but passes nothing on: no DNAT rule matches the packet"
        return [Blocker("NAT_NO_DNAT_RULE", sentence, ref, (), "docker")]
    who = f"{process.name} (pid {process.pid})" if process else "the program"
    sentence = f"{who} in {netns.id} is stopped: the kernel accepts for it, the program does not answer"
    return [Blocker("DST_STOPPED", sentence, ref, tuple(_continued(netns.id, listener)), _owner(failure))]


def _continued(netns: str, listener: Listener | None) -> Iterator[Remedy]:
    """A program that a signal stopped goes on; one that its control group froze is its container's."""
    process = listener.process if listener else None
    if listener is not None and process is not None and process.state in STOPPED:
        goes_on = Listen(netns, replace(listener, process=replace(process, state="S")), listener)
        yield Remedy(
            f"continue {process.name} once the reason of its stop is known: kill -CONT {process.pid}",
            (goes_on,),
            manual=True,
        )


def holds_without_target(failure: Failure) -> bool:
    """Whether the socket belongs to a process that only keeps the port for its engine."""
    listener = _listener_of(failure)
    relay = listener.process.relay if listener and listener.process else None
    return relay is not None and relay.silent


def _listener_of(failure: Failure) -> Listener | None:
    ref = failure.step.ref
    if ref is None or ref.kind is not RefKind.LISTENER:
        return None
    there = [(listener_ref(failure.netns.id, each), each) for each in failure.netns.listeners]
    same = [(at, each) for at, each in there if at.key == ref.key]
    return next((each for at, each in same if at.text == ref.text), same[0][1] if same else None)


def _why_not(listener: Listener, version: int, device: str) -> tuple[str, str]:
    if listener.address is not None and listener.address.is_loopback:
        return "DST_LISTEN_LOOPBACK_ONLY", "which only its own namespace reaches"
    if (listener.family is Family.INET) != (version == 4) and (listener.address is None or listener.v6only):
        return "DST_LISTEN_OTHER_FAMILY", "for the other IP version only"
    if listener.device is not None:
        return "DST_LISTEN_OTHER_DEVICE", f"bound to {device} (SO_BINDTODEVICE)"
    return "DST_LISTEN_OTHER_ADDRESS", "which is another address"


def _private(listener: Listener) -> bool:
    return listener.address is not None and listener.address.is_loopback


def _any(version: int) -> str:
    return "0.0.0.0" if version == 4 else "[::]"


def _owner(failure: Failure) -> str:
    containers = failure.home.containers_in(failure.netns.id)
    return containers[0].engine if containers and failure.netns.id != failure.home.host else "admin"
