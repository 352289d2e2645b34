"""Who else could ask, and for what else: the places and doors of a host, as far as a snapshot shows them.

A place is somewhere that people ask from, one for each that is treated alike: beyond an uplink, the host, a container
of each network, a namespace without an engine of each bridge. A door is a port that is open to others: a published one
(by an engine, or by a rule), a container's own, one of the host's. A probe is a place at a door. Only one IP version is
looked at, the question's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_interface
from itertools import islice

from engine.explain.survey.everywhere import client_beyond, uplinks
from engine.explain.survey.matrix import ports
from engine.model.address import IPAddress, end_of
from engine.model.firewall import Interval, Match, Nat, NatKind, NatValue
from engine.model.host import Netns, Snapshot
from engine.model.matrix import PortOwner
from engine.model.packet import PORTS, Protocol
from engine.model.traffic import Listener
from engine.model.verdict import Question, Source
from engine.path.lookup.broadcast_domain import bridge_of
from engine.path.lookup.device_topology import wired
from engine.records import dataclass, replace

#: So many rules of the host are looked at for ports that they translate.
MOST_RULES = 500


@dataclass(frozen=True, slots=True)
class VantagePoint:
    """Somewhere to ask from, by a name for people, with the addresses that its packets can have."""

    name: str
    source: Source
    addresses: frozenset[IPAddress]


@dataclass(frozen=True, slots=True)
class Door:
    """A port that others can ask for: where it is asked for, the namespace of its service (None: not known), and
    where packets for it are sent on to."""

    name: str
    address: IPAddress
    port: int
    protocol: Protocol
    netns: str | None
    inner: tuple[tuple[IPAddress, int], ...] = ()

    @property
    def addresses(self) -> frozenset[IPAddress]:
        """The destinations that packets to it can have."""
        return frozenset({self.address, *(address for address, _ in self.inner)})

    @property
    def ports(self) -> frozenset[int]:
        """The ports that packets to it can have."""
        return frozenset({self.port, *(port for _, port in self.inner)})


@dataclass(frozen=True, slots=True)
class Probe:
    """A place at a door: a question that a change could answer differently."""

    place: VantagePoint
    door: Door

    def question(self) -> Question:
        """The probe as it is asked."""
        return Question(self.place.source, self.door.address, self.door.port, self.door.protocol)


def places(snapshot: Snapshot, question: Question) -> tuple[VantagePoint, ...]:
    """The places: who asked, beyond each uplink, the host, a container or namespace of each network and bridge."""
    found: dict[Source, VantagePoint] = {}
    for place in _places(snapshot, question):
        found.setdefault(replace(place.source, port=None), place)
    return tuple(found.values())


def _places(snapshot: Snapshot, question: Question) -> Iterator[VantagePoint]:
    asker, version = question.source, question.address.version
    for link, address in uplinks(snapshot, version):
        subnet = ip_interface(str(address)).network
        source = client_beyond(snapshot, link, address)
        own = _addresses(snapshot, source)
        if asker.device == link.name and asker.address is not None and asker.address in subnet:
            source, own = asker, frozenset({asker.address})
        who = str(subnet) if source.outside else source.netns
        yield VantagePoint(f"{who} (via {link.name})", source, own)
    yield VantagePoint("the host", Source(snapshot.host), _addresses(snapshot, Source(snapshot.host)))
    networks: set[tuple[str, ...]] = set()
    for container in snapshot.containers:
        names = tuple(attachment.network for attachment in container.attachments)
        if container.netns in (None, snapshot.host) or container.state != "running" or names in networks:
            continue
        source = Source(container.netns or "")
        if source.netns != _inside(snapshot, question):
            networks.add(names)
            name = f"{container.name} ({', '.join(names)})" if names else container.name
            yield VantagePoint(name, source, _addresses(snapshot, source))
    for netns in _on_bridges(snapshot, question):
        yield VantagePoint(netns, Source(netns), _addresses(snapshot, Source(netns)))
    if asker.netns not in snapshot.by_id:  # of another host, which the subnets beyond the uplinks stand for
        return
    name = str(asker.address) if asker.outside else asker.netns
    yield VantagePoint(name, asker, _addresses(snapshot, asker))


def _on_bridges(snapshot: Snapshot, question: Question) -> Iterator[str]:
    """Two namespaces without an engine for each of the host's bridges, since one may be what the question leads to."""
    host = snapshot.host_netns
    bridges: Counter[str] = Counter()
    for link in host.links:
        bridge = bridge_of(host, link)
        there = snapshot.by_id.get(link.peer.netns or "") if link.peer is not None else None
        if bridge is None or there is None or there.id == host.id or snapshot.containers_in(there.id):
            continue
        if bridges[bridge.name] < 2 and question.address not in there.addresses_by_value:
            bridges[bridge.name] += 1
            yield there.id


def _inside(snapshot: Snapshot, question: Question) -> str | None:
    """The namespace that the question leads to, so that a neighbour is asked for its network instead."""
    for container, port in snapshot.published:
        if port.host_port == question.port and port.protocol is question.protocol:
            return container.netns
    return None


def _addresses(snapshot: Snapshot, source: Source) -> frozenset[IPAddress]:
    if source.address is not None:
        return frozenset({source.address})
    return frozenset(snapshot.by_id[source.netns].addresses_by_value)


def doors(snapshot: Snapshot, question: Question) -> tuple[Door, ...]:
    """The doors: published ports, every namespace's own listeners, and what was asked for."""
    found: dict[tuple[IPAddress, int, Protocol], Door] = {}
    name = f"{end_of(question.address, question.port)}/{question.protocol}"
    asked = Door(name, question.address, question.port, question.protocol, None)
    those = (door for door in _doors(snapshot, question) if door.port in PORTS)
    for door in (*those, asked):
        found.setdefault((door.address, door.port, door.protocol), door)
    return tuple(found.values())


def _doors(snapshot: Snapshot, question: Question) -> Iterator[Door]:
    version = question.address.version
    for port in ports(snapshot):
        asked = port.question
        if asked.address.version != version or port.loopback_only:
            continue
        inside = snapshot.host_netns if port.service is PortOwner.HOST else _netns_of(snapshot, port.owner)
        if port.service is PortOwner.PUBLISHED:
            behind = _own(inside, version) if inside is not None else None
            inner = ((behind, port.serves), *_relayed(snapshot, asked)) if behind is not None else ()
            name = f"{end_of(asked.address, asked.port)}/{asked.protocol} ({port.owner})"
            yield Door(name, asked.address, asked.port, asked.protocol, inside.id if inside else None, inner)
        else:
            owner = port.owner if port.service is PortOwner.CONTAINER else snapshot.host
            name = f"{owner}:{asked.port}/{asked.protocol}"
            yield Door(name, asked.address, asked.port, asked.protocol, inside.id if inside else None)
    yield from translated(snapshot, question)
    near = wired(snapshot, (snapshot.host, question.source.netns))
    for netns in snapshot.namespaces:
        own = _own(netns, version) if netns.id in near else None
        others = own is not None and netns.id != snapshot.host and not snapshot.containers_in(netns.id)
        for listener in netns.listeners if others else ():
            if own is not None and takes(listener, own):
                name = f"{netns.id}:{listener.port}/{listener.protocol}"
                yield Door(name, own, listener.port, listener.protocol, netns.id)


def translated(snapshot: Snapshot, question: Question) -> Iterator[Door]:
    """Ports of the host that rules translate, at the asked address or that of an uplink."""
    version, host = question.address.version, snapshot.host_netns
    own = (question.address,) if question.address in host.addresses_by_value else ()
    at = next(iter((*own, *(address.address for _, address in uplinks(snapshot, version)))), None)
    rules = (rule for table in host.firewall.tables for chain in table.chains for rule in chain.rules)
    for rule in islice(rules, MOST_RULES) if at is not None else ():
        target = next((s.value for s in rule.statements if isinstance(s, Nat) and s.kind is NatKind.DNAT), NatValue())
        asked = {
            field.name: m.elements
            for m in rule.statements
            if isinstance(m, Match) and not m.negate and len(m.fields) == 1
            for field in m.fields
        }
        for protocol in (Protocol.TCP, Protocol.UDP) if target.low is not None else ():
            for port, *_ in asked.get(f"{protocol} dport", ()):
                if isinstance(port, Interval) and port.low == port.high and target.low is not None and at is not None:
                    inner = (target.low, target.port_low or port.low)
                    yield Door(f"{end_of(at, port.low)}/{protocol}", at, port.low, protocol, None, (inner,))


def _relayed(snapshot: Snapshot, asked: Question) -> Iterator[tuple[IPAddress, int]]:
    """Where a relay on the host passes connections to a port on to."""
    for listener in snapshot.host_netns.listeners:
        relay = listener.process.relay if listener.process is not None else None
        if listener.port == asked.port and relay is not None and relay.target is not None and relay.port is not None:
            yield relay.target, relay.port


def _netns_of(snapshot: Snapshot, name: str) -> Netns | None:
    netns = next((container.netns for container in snapshot.containers if container.name == name), None)
    return snapshot.by_id.get(netns or "")


def takes(listener: Listener, address: IPAddress) -> bool:
    """Whether a socket takes packets for an address from others."""
    if listener.address is not None:
        return listener.address == address and not address.is_loopback
    return listener.family.value == ("inet" if address.version == 4 else "inet6") or not listener.v6only


def _own(netns: Netns, version: int) -> IPAddress | None:
    found = (a.address for a in netns.addresses if a.scope == "global" and a.address.version == version)
    return next((address for address in found if not address.is_loopback), None)
