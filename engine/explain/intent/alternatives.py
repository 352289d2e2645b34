"""Alternatives of a question: the services that may have been meant, and where the same client would ask for each.

An alternative is a guess from the snapshot alone; `instead` walks it before it is shown. Each function of `MISTAKES`
is one that people make (the published port used inside the container, `localhost` inside a container, a re-created
container's old address, …), the likeliest first.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.explain.intent.alternative import Alternative, Finder, Trust
from engine.explain.intent.asked import (
    Asked,
    addresses,
    bound_to,
    elsewhere,
    host_addresses,
    on_link,
    on_port,
    published_ports,
    same_subnet,
)
from engine.explain.intent.published_ports import (
    host_behind_another_address,
    inner_port_outside,
    only_published,
    published_instead,
    published_port_inside,
)
from engine.explain.survey.probes import takes, translated
from engine.model.address import end_of
from engine.model.firewall import Interval, Match, Table, VerdictMap
from engine.model.host import Netns
from engine.model.owner import owner_of_chain, owner_of_set
from engine.model.packet import Protocol

#: Ports by which one service is asked for without and with TLS, or by its plain and its usual other port (IANA's
#: registry of service names, and what images of these servers listen on).
SIBLINGS = (
    {80, 443, 8000, 8080, 8443, 3000, 5000},
    {2375, 2376},
    {389, 636},
    {25, 465, 587},
    {143, 993},
    {110, 995},
    {1883, 8883},
    {5671, 5672},
    {6379, 6380},
    {9000, 9001},
    {9200, 9300},
)
#: Ports of services that a cluster opens on its nodes (kube-apiserver, --service-node-port-range).
NODE_PORTS = range(30000, 32768)
KUBE = "kube-proxy"
#: Protocols that one port number may be served by.
TRANSPORTS = frozenset({Protocol.TCP, Protocol.UDP})
#: A namespace with more ports than this says nothing about which of them was meant.
FEW = 3


def own_address(asked: Asked) -> Iterator[Alternative]:
    """The address is the client's own as well, as pasta copies the host's, and a macvlan has its parent's."""
    address = asked.question.address
    if asked.outside or address.is_loopback or address not in asked.client.addresses_by_value:
        return
    for netns in asked.snapshot.namespaces:
        if netns.id != asked.client.id and address in netns.addresses_by_value:
            why = f"{address} is an address of {asked.client.id} too, so the packet never leaves it"
            for each in addresses(asked, netns):
                if each != address and any(takes(listener, each) for listener in on_port(asked, netns)):
                    yield Alternative(each, asked.port, netns.id, asked.name(netns), why, Trust.SURE)


def loopback_of_client(asked: Asked) -> Iterator[Alternative]:
    """`localhost` inside a container is that container: what serves the port is next door, or on the host."""
    if not asked.question.address.is_loopback or asked.client.id == asked.snapshot.host or asked.outside:
        return
    found = list(elsewhere(asked, 4))
    trust = Trust.SURE if len(found) == 1 else Trust.POSSIBLE
    for netns, address in found:
        why = f"{asked.question.address} is {asked.client.id} itself, {asked.name(netns)} serves {asked.port}"
        yield Alternative(address, asked.port, netns.id, asked.name(netns), why, trust)
    for container, published in published_ports(asked):
        if published.host_port == asked.port:
            why = f"{asked.question.address} is {asked.client.id} itself, the host publishes {container.name} as"
            for address in host_addresses(asked, 4):
                where = container.netns or asked.snapshot.host
                trust = Trust.POSSIBLE if found else Trust.SURE
                yield Alternative(address, asked.port, where, container.name, f"{why} {asked.port}", trust)


def other_address(asked: Asked) -> Iterator[Alternative]:
    """The port is served there, at another address or for the other IP version only."""
    netns, question = asked.netns, asked.question
    if netns is None:
        return
    versions = (question.address.version,) if asked.outside else (4, 6)
    near = netns.id == asked.client.id and not asked.outside
    bound = [each.address for each in on_port(asked, netns)]
    bound += [bound_to(one) for _, one in published_ports(asked) if asked.at_host and one.host_port == asked.port]
    own = [*netns.addresses_by_value] if question.address.is_loopback or near else []
    others = [each for each in (*addresses(asked, netns), *own) if each.version != question.address.version]
    others.sort(key=lambda each: each.is_loopback is not question.address.is_loopback)
    for address in dict.fromkeys((*bound, *others)):
        if address is None or address == question.address or address.version not in versions or address.is_link_local:
            continue
        if near or not address.is_loopback:
            yield Alternative(address, asked.port, "", asked.name(netns))


def other_protocol(asked: Asked) -> Iterator[Alternative]:
    """The port is served there over UDP where TCP is asked for, which is what is meant without a word, or the other way
    round."""
    question, netns = asked.question, asked.netns
    if netns is None or question.protocol not in TRANSPORTS:
        return
    (other,) = TRANSPORTS - {question.protocol}
    served = (each for each in netns.listeners if (each.protocol, each.port) == (other, asked.port))
    names = [asked.name(netns) for each in served if takes(each, question.address) or question.address.is_loopback]
    if asked.at_host:
        names += [
            each.name for each, one in asked.snapshot.published if (one.protocol, one.host_port) == (other, asked.port)
        ]
    for name in names[:1]:
        why = f"{name} serves {asked.port} over {other}"
        yield Alternative(question.address, asked.port, "", name, why, Trust.LIKELY, protocol=other)


def other_port(asked: Asked) -> Iterator[Alternative]:
    """The address is right and the port is not: the only port that is served there, or a sibling of the asked one."""
    if asked.netns is None or asked.question.address.is_loopback:
        return
    served = [each for each in asked.listeners(asked.netns) if takes(each, asked.question.address)]
    ports = list(dict.fromkeys(each.port for each in served if each.port != asked.port))
    kin = [port for port in ports if _siblings(port, asked.port)]
    alone = len(ports) == 1 and bool(asked.snapshot.containers_in(asked.netns.id))
    likely = kin if kin else ports if alone else []
    if asked.at_host:
        ports, likely = kin, kin
        yield from only_published(asked)
    for port in (*likely, *(each for each in ports if each not in likely and len(ports) <= FEW)):
        name = asked.name(asked.netns)
        why = f"it listens on {port}"
        trust = Trust.LIKELY if port in likely else Trust.POSSIBLE
        yield Alternative(asked.question.address, port, asked.netns.id, name, why, trust)


def node_port(asked: Asked) -> Iterator[Alternative]:
    """The pod's or the service's port, asked of the node, which has it as a node port."""
    ports = _node_ports(asked.snapshot.host_netns) if asked.at_host and asked.port not in NODE_PORTS else []
    for port in ports:
        why = f"{asked.port} is the port of the service, the node has it as node port {port}"
        yield Alternative(asked.question.address, port, "", "the service", why, inner=asked.port)


def same_port(asked: Asked) -> Iterator[Alternative]:
    """The port is served at another address: the container was created again, another network's address is known, or
    the host has got another one."""
    if asked.question.address.is_loopback:
        return
    found = list(elsewhere(asked, asked.question.address.version))
    near = [each for each in found if same_subnet(asked, each[0])] if asked.netns is None else []
    others = [each for each in found if each not in near and asked.snapshot.containers_in(each[0].id)]
    for netns, address in (*near, *others):
        name = asked.name(netns)
        alone = asked.netns is None and (len(found) == 1 or ((netns, address) in near and len(near) == 1))
        why = f"no interface has {asked.question.address}, {name} at {address} serves {asked.port}"
        yield Alternative(address, asked.port, netns.id, name, why, Trust.LIKELY if alone else Trust.POSSIBLE)
    if asked.netns is None and same_subnet(asked, asked.snapshot.host_netns):
        yield from host_behind_another_address(asked, sure=not found and on_link(asked))


def translated_for_others(asked: Asked) -> Iterator[Alternative]:
    """A port that rules translate for packets from outside, asked by the host itself: the target can be asked."""
    if not asked.at_host or asked.client.id != asked.snapshot.host:
        return
    for door in translated(asked.snapshot, asked.question):
        for address, port in door.inner if door.port == asked.port else ():
            netns = next((each for each in asked.snapshot.namespaces if address in each.addresses_by_value), None)
            if netns is not None and netns.id != asked.client.id:
                why = f"rules translate {asked.port} to {end_of(address, port)} for others"
                yield Alternative(address, port, netns.id, asked.name(netns), why, Trust.SURE)


#: The mistakes, the likeliest first.
MISTAKES: tuple[Finder, ...] = (
    own_address,
    published_port_inside,
    inner_port_outside,
    published_instead,
    loopback_of_client,
    other_address,
    other_protocol,
    other_port,
    node_port,
    translated_for_others,
    same_port,
)


def alternatives(asked: Asked) -> Iterator[Alternative]:
    """All alternatives, each place once."""
    seen = {(asked.question.address, asked.question.port, asked.question.protocol)}
    for find in MISTAKES:
        for alternative in find(asked):
            place = (alternative.address, alternative.port, alternative.protocol or asked.question.protocol)
            if place not in seen:
                seen.add(place)
                yield alternative


def _siblings(port: int, other: int) -> bool:
    return any(port in each and other in each for each in SIBLINGS)


def _node_ports(host: Netns) -> list[int]:
    """The node ports that kube-proxy's rules and maps name."""
    return sorted({port for table in host.firewall.tables for port in _ports_of(table) if port in NODE_PORTS})


def _ports_of(table: Table) -> Iterator[int]:
    keys = [entry.key for each in table.sets for entry in each.entries if owner_of_set(table.name, each.name) == KUBE]
    keys += [element for each in table.sets for element in each.elements if table.name == KUBE]
    for chain in table.chains:
        if owner_of_chain(table.name, chain.name, table.comment) == KUBE:
            for statement in (s for rule in chain.rules for s in rule.statements):
                if isinstance(statement, Match):
                    keys += statement.elements
                elif isinstance(statement, VerdictMap):
                    keys += [entry.key for entry in statement.elements]
    for atom in (atom for key in keys for atom in key):
        if isinstance(atom, Interval) and atom.low == atom.high:
            yield atom.low
