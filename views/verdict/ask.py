"""A question as its asker writes it, and the questions that a host suggests."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.firewall import Rule
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.ref import Ref, RefKind
from views.topology.facts import DOCKER_RESOLVER


@dataclass(frozen=True, slots=True)
class Ask:
    """A question in words: `target` and `source` as on the command line ("web:80", ":8080", "ns:lan")."""

    target: str
    source: str = "host"
    protocol: Protocol = Protocol.TCP

    @property
    def words(self) -> str:
        """The question for people."""
        return f"{self.source} → {self.target}/{'icmp' if self.protocol is Protocol.ICMPV6 else self.protocol}"


def suggestions(snapshot: Snapshot, most: int = 12) -> list[Ask]:
    """Questions worth asking: every published port from outside, then every other listener from the host."""
    outside = outside_source(snapshot)
    found: list[Ask] = []
    asked: set[tuple[str, int, Protocol]] = set()
    for container, port in snapshot.published:
        host = str(port.host_address) if port.host_address else ""
        host = f"[{host}]" if ":" in host else host
        found.append(Ask(f"{host}:{port.host_port}", outside, port.protocol))
        asked.add((container.name, port.container_port, port.protocol))
    for container in snapshot.containers:
        netns = snapshot.by_id.get(container.netns or "")
        for listener in netns.listeners if netns and netns.id != snapshot.host else ():
            spot = (container.name, listener.port, listener.protocol)
            if spot not in asked and listener.address != DOCKER_RESOLVER:
                asked.add(spot)
                found.append(Ask(f"{container.name}:{listener.port}", "host", listener.protocol))
    return list(dict.fromkeys(found))[:most]


def outside_source(snapshot: Snapshot) -> str:
    """Who asks from outside: a namespace at the other end of an uplink, where one is seen; else the host itself."""
    for link in snapshot.host_netns.links:
        peer = link.peer.netns if link.peer and link.master is None else None
        if peer and peer in snapshot.by_id and peer != snapshot.host and not snapshot.containers_in(peer):
            return f"ns:{peer}"
    return "host"


def completions(snapshot: Snapshot) -> dict[str, list[str]]:
    """What completes the fields of a question, by field: who can ask, what can be asked for, its port, its protocol."""
    names = [container.name for container in snapshot.containers]
    spaces = [f"ns:{netns.id}" for netns in snapshot.namespaces if netns.id != snapshot.host]
    own = [str(one.address) for one in snapshot.host_netns.addresses if not one.address.is_loopback]
    published = [port.host_port for _, port in snapshot.published]
    heard = [listener.port for netns in snapshot.namespaces for listener in netns.listeners]
    return {
        "from": ["host", *names, *spaces],
        "to": [*names, *own, "127.0.0.1"],
        "port": [str(port) for port in dict.fromkeys((*published, *heard))],
        "protocol": ["tcp", "udp", "sctp", "icmp"],
    }


def about_node(snapshot: Snapshot, ref: Ref) -> Ask | None:
    """The question that a namespace in the topology suggests: its container, at the first port that it serves."""
    if ref.kind is not RefKind.NETNS:
        return None
    for container in snapshot.containers_in(ref.netns):
        listeners = snapshot.by_id[ref.netns].listeners
        ports = [port.container_port for port in container.published] + [listener.port for listener in listeners]
        return Ask(f"{container.name}:{ports[0] if ports else ''}")
    return None


def about_rule(snapshot: Snapshot, rule: Rule) -> Ask | None:
    """The question that a rule suggests: the published port that it translates."""
    words = rule.text.split()
    for _, port in snapshot.published:
        if str(port.host_port) in words:
            return Ask(f":{port.host_port}", protocol=port.protocol)
    return None
