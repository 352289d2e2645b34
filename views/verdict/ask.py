"""A question as its asker writes it, and the questions that a host suggests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv6Address

from engine.model.address import Family
from engine.model.container import PublishedPort
from engine.model.firewall import Nat, NatKind, Rule
from engine.model.host import Netns, Snapshot
from engine.model.link import Link
from engine.model.packet import Protocol
from engine.model.ref import Ref, RefKind
from engine.records import dataclass, replace
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
    """Questions worth asking: every published and every translated port from outside, then every other listener from
    the host: those of containers, then those of namespaces that are none."""
    found = [*_published(snapshot), *_translated(snapshot), *_heard(snapshot)]
    found += [ask for netns in snapshot.namespaces for ask in _served(snapshot, netns)]
    return list(dict.fromkeys(found))[:most]


def _published(snapshot: Snapshot) -> Iterator[Ask]:
    outside = outside_source(snapshot)
    for _, port in snapshot.published:
        yield asked_from(outside, _at_host(snapshot, port))


def asked_from(source: str, ask: Ask) -> Ask:
    """The question as the source asks it. A loopback address is another one everywhere: the host's is asked there."""
    host = ask.target.rpartition(":")[0]
    return replace(ask, source="host" if host.startswith("127.") or host == "[::1]" else source)


def _at_host(snapshot: Snapshot, port: PublishedPort) -> Ask:
    """A published port, as it is asked for."""
    address = port.host_address
    if address is None and port.family is Family.INET6:
        own = (one for one in snapshot.host_netns.addresses if one.family is Family.INET6 and one.scope == "global")
        address = next((one.address for one in own), IPv6Address("::1"))
    host = "" if address is None else f"[{address}]" if address.version == 6 else f"{address}"
    return Ask(f"{host}:{port.host_port}", protocol=port.protocol)


def _translated(snapshot: Snapshot) -> Iterator[Ask]:
    """The ports that a rule of the host translates by hand: no container publishes them."""
    known = {port.host_port for _, port in snapshot.published}
    for table in snapshot.host_netns.firewall.tables:
        for chain in table.chains:
            for rule in filter(_translates, chain.rules):
                ask = about_rule(snapshot, rule)
                if ask is not None and int(ask.target.rpartition(":")[2]) not in known:
                    yield replace(ask, source=outside_source(snapshot))


def _heard(snapshot: Snapshot) -> Iterator[Ask]:
    """The listeners of containers whose port is not published."""
    asked = {(container.name, port.container_port, port.protocol) for container, port in snapshot.published}
    for container in snapshot.containers:
        netns = snapshot.by_id.get(container.netns or "")
        for listener in netns.listeners if netns and netns.id != snapshot.host else ():
            spot = (container.name, listener.port, listener.protocol)
            if spot not in asked and listener.address != DOCKER_RESOLVER:
                asked.add(spot)
                yield Ask(f"{container.name}:{listener.port}", "host", listener.protocol)


def _served(snapshot: Snapshot, netns: Netns) -> Iterator[Ask]:
    """What a namespace that is no container's serves at its address, where it is on a bridge of the host."""
    near = {link.peer.netns for link in snapshot.host_netns.links if link.peer is not None and link.master is not None}
    address = _address(netns)
    if netns.id in near and address and not snapshot.containers_in(netns.id):
        for listener in netns.listeners:
            if listener.address is None or not listener.address.is_loopback:
                yield Ask(f"{address}:{listener.port}", "host", listener.protocol)


def _address(netns: Netns, link: int | None = None) -> str:
    """The first IPv4 address of a namespace, or of one of its devices; empty where it has none."""
    own = (one.address for one in netns.addresses if one.scope == "global" and link in (None, one.link))
    return next((str(address) for address in own if address.version == 4), "")


def outside_source(snapshot: Snapshot) -> str:
    """Who asks from outside: a namespace at the other end of an uplink, where one is seen; else the host itself."""
    found = _uplink(snapshot)
    return f"ns:{found.peer.netns}" if found is not None and found.peer is not None else "host"


def _uplink(snapshot: Snapshot) -> Link | None:
    """A link of the host that leads to a namespace which is no container's."""
    for link in snapshot.host_netns.links:
        peer = link.peer.netns if link.peer and link.master is None else None
        if peer and peer in snapshot.by_id and peer != snapshot.host and not snapshot.containers_in(peer):
            return link
    return None


def completions(snapshot: Snapshot) -> dict[str, list[str]]:
    """What completes the fields of a question, by field: who can ask, what can be asked for, its port, its protocol."""
    names = [container.name for container in snapshot.containers]
    aliases = [name for each in snapshot.containers for place in each.attachments for name in place.aliases]
    spaces = [f"ns:{netns.id}" for netns in snapshot.namespaces if netns.id != snapshot.host]
    own = [str(one.address) for one in snapshot.host_netns.addresses if not one.address.is_loopback]
    published = [port.host_port for _, port in snapshot.published]
    heard = [listener.port for netns in snapshot.namespaces for listener in netns.listeners]
    return {
        "from": ["host", *names, *spaces],
        "to": list(dict.fromkeys((*names, *own, "127.0.0.1", *aliases, "http://"))),
        "port": [str(port) for port in dict.fromkeys((*published, *heard))],
        "protocol": ["tcp", "udp", "sctp", "icmp"],
    }


def about_node(snapshot: Snapshot, ref: Ref, *, outside: bool = False) -> Ask | None:
    """The question that a namespace in the topology suggests: its container, at the first port that it serves.

    From `outside` one asks for it where it is published.
    """
    if ref.kind is not RefKind.NETNS:
        return None
    for container in snapshot.containers_in(ref.netns):
        found = (_at_host(snapshot, port) for one, port in snapshot.published if outside and one == container)
        listeners = snapshot.by_id[ref.netns].listeners
        ports = [port.container_port for port in container.published] + [listener.port for listener in listeners]
        return next(found, None) or Ask(f"{container.name}:{ports[0] if ports else ''}")
    return next(_served(snapshot, snapshot.by_id[ref.netns]), None) if ref.netns in snapshot.by_id else None


def about_rule(snapshot: Snapshot, rule: Rule) -> Ask | None:
    """The question that a rule suggests: the port that it translates, published by a container or by hand."""
    words = rule.text.split()
    for _, port in snapshot.published:
        if str(port.host_port) in words:
            return Ask(f":{port.host_port}", protocol=port.protocol)
    number = re.search(r"\bdport (\d+)\b", rule.text)
    if number is None or not _translates(rule):
        return None
    uplink = _uplink(snapshot)
    address = _address(snapshot.host_netns, uplink.index if uplink else None)
    protocol = Protocol.UDP if "udp" in words else Protocol.TCP
    return Ask(f"{address}:{number[1]}", protocol=protocol) if address else None


def _translates(rule: Rule) -> bool:
    """Whether a rule gives packets another destination."""
    return any(isinstance(one, Nat) and one.kind is NatKind.DNAT for one in rule.statements)
