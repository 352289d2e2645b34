"""The same port from every place that people try it from: LAN, host, loopback, each container, the target itself.

One published port has several paths: NAT from outside, OUTPUT or a relay from the host, the bridge from a
neighbour, a hairpin from itself. Each place gives its own question; `ask` answers them one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from engine.model.address import IPAddress
from engine.model.container import Container
from engine.model.host import Snapshot
from engine.model.link import Address, Link
from engine.model.verdict import Question, Source
from engine.path.lookup.broadcast_domain import bridge_of
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class Vantage:
    """A place to ask from, by a name for people, and the question as it is asked there."""

    name: str
    question: Question


def vantages(snapshot: Snapshot, question: Question) -> tuple[Vantage, ...]:
    """The places, from the outside to the inside, each once: those of the host that is asked, of several, after the
    other hosts. The source of `question` is not used."""
    found: dict[tuple[Source, IPAddress], Vantage] = {}
    asked = target_part(snapshot, question)
    others = (each for each in snapshot.machines if each.home != asked.host)
    far = [Vantage(each.name, replace(question, source=Source(each.home))) for each in others]
    near = [*_all(asked, question)]
    for vantage in (*(far if not question.address.is_loopback else ()), *near):
        found.setdefault((vantage.question.source, vantage.question.address), vantage)
    return tuple(found.values())


def target_part(snapshot: Snapshot, question: Question) -> Snapshot:
    """The host that is asked, of several: where the target is expected, else one that has the address."""
    if question.expected:
        return snapshot.part(question.expected)
    has = (each for each in snapshot.namespaces if question.address in each.addresses_by_value)
    own = next(has, None) if snapshot.machines and not question.address.is_loopback else None
    return snapshot.around(own.id if own is not None else snapshot.host)


def _all(snapshot: Snapshot, question: Question) -> Iterator[Vantage]:
    host = snapshot.host_netns
    ours = question.address in host.addresses_by_value
    for link, address in uplinks(snapshot, question.address.version):
        asked = address.address if question.address.is_loopback else question.address
        source = client_beyond(snapshot, link, address)
        name = f"{source.netns} (via {link.name})" if not source.outside else f"outside, via {link.name}"
        yield Vantage(name, replace(question, source=source, address=asked))
    here = Source(snapshot.host)
    yield Vantage(host.machine or "host", replace(question, source=here))
    if ours:
        for loopback in (ip_address("127.0.0.1"), ip_address("::1")):
            if loopback in host.addresses_by_value:
                yield Vantage(f"host, at {loopback}", replace(question, source=here, address=loopback))
    if question.address.is_loopback:
        return
    target = _target(snapshot, question)
    for container in snapshot.containers:
        if container.netns not in (None, snapshot.host, target) and container.state == "running":
            yield Vantage(_name(container), replace(question, source=Source(container.netns or "")))
    if target is not None and target != snapshot.host:
        yield Vantage(f"{target} itself", replace(question, source=Source(target)))


def uplinks(snapshot: Snapshot, version: int) -> Iterator[tuple[Link, Address]]:
    """The host's devices that lead to others than its containers, with an address each."""
    host = snapshot.host_netns
    inside = {container.netns for container in snapshot.containers}
    for link in host.links:
        leads_inside = link.peer is not None and link.peer.netns in inside
        if link.kind in ("loopback", "bridge") or not link.works or bridge_of(host, link) or leads_inside:
            continue
        for address in host.addresses:
            if address.link == link.index and address.address.version == version and address.scope == "global":
                yield link, address
                break


def client_beyond(snapshot: Snapshot, link: Link, address: Address) -> Source:
    """Who asks from beyond a device: the namespace at its other end, else a client that is assumed there."""
    if link.peer is not None and link.peer.netns is not None and link.peer.netns != snapshot.host:
        return Source(link.peer.netns)
    taken = set(snapshot.host_netns.addresses_by_value)
    base = int(address.address) >> (address.address.max_prefixlen - address.prefixlen)
    start = base << (address.address.max_prefixlen - address.prefixlen)
    candidates = (type(address.address)(start + offset) for offset in range(1, 8))
    client = next((each for each in candidates if each not in taken), address.address)
    return Source(snapshot.host, client, link.name)


def _target(snapshot: Snapshot, question: Question) -> str | None:
    """The namespace that the port leads to: whose published port it is, or whose address, next to the host."""
    for container, port in snapshot.published:
        if port.host_port == question.port and port.protocol is question.protocol:
            return container.netns
    for netns in snapshot.namespaces:
        beside = any(link.peer is not None and link.peer.netns == snapshot.host for link in netns.links)
        if beside and question.address in netns.addresses_by_value and not question.address.is_loopback:
            return netns.id
    return None


def _name(container: Container) -> str:
    networks = ", ".join(attachment.network for attachment in container.attachments)
    return f"{container.name} ({networks})" if networks else container.name
