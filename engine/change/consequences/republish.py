"""What an engine does when it makes the rules of a container's published ports anew (`podman network reload`). Pure.

Of what netavark writes, the model gets what decides: base chains in which each published port is translated, and one
that gives the host's address to packets from 127.0.0.1 and from the container's own network, so that answers come back.
Source: netavark, src/firewall/nft.rs.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from engine.change.new_rules import Selector, hairpin, translation
from engine.model.address import IPAddress, IPNetwork
from engine.model.container import Container, PublishedPort
from engine.model.firewall import Backend, BaseChain, Chain, Field, Interval, Match, Rule, Table
from engine.model.host import Snapshot
from engine.model.where import RulePlace
from engine.records import replace

#: The hooks at which a port of the host is translated, with the name of the chain.
HOOKS = {"prerouting": "PREROUTING", "output": "OUTPUT"}
_NAME = "netavark"
_LOOPBACK = ip_network("127.0.0.1/32")


def published_table(snapshot: Snapshot, container: Container) -> Table:
    """The table with the container's translations."""
    chains = [
        Chain(name, tuple(_translations(snapshot.host, name, container)), BaseChain("nat", hook, -100))
        for hook, name in HOOKS.items()
    ]
    back = tuple(_hairpins(snapshot, container))
    chains.append(Chain("POSTROUTING", back, BaseChain("nat", "postrouting", 100)))
    return Table(Backend.NFT, "inet", _NAME, tuple(chains))


def _ends(container: Container) -> Iterator[tuple[PublishedPort, IPAddress]]:
    """Published ports with the container's addresses that they lead to."""
    for port in container.published:
        for place in container.attachments:
            for address in (place.address, place.address6):
                if address is not None and (port.host_address or address).version == address.version:
                    yield port, address


def _translations(netns: str, chain: str, container: Container) -> Iterator[Rule]:
    for index, (port, address) in enumerate(_ends(container)):
        place = RulePlace(netns, Backend.NFT, "inet", _NAME, chain, index)
        host, local = port.host_address, port.host_address is None
        selector = Selector(port.protocol, destination=host, dport=port.host_port, local_destination=local)
        yield translation(place, selector, address, port.container_port).rule


def _hairpins(snapshot: Snapshot, container: Container) -> Iterator[Rule]:
    names = {place.network for place in container.attachments}
    known = [each for each in snapshot.networks if each.name in names and each.engine == container.engine]
    sources: list[IPNetwork] = [_LOOPBACK, *(subnet for each in known for subnet in each.ranges)]
    index = 0
    for port, address in _ends(container):
        for source in sources:
            if source.version == address.version:
                place = RulePlace(snapshot.host, Backend.NFT, "inet", _NAME, "POSTROUTING", index)
                selector = Selector(port.protocol, destination=address, dport=port.container_port)
                rule = hairpin(place, selector).rule
                yield replace(rule, statements=(_from(source), *rule.statements))
                index += 1


def _from(source: IPNetwork) -> Match:
    family = "ip" if source.version == 4 else "ip6"
    interval = Interval(int(source.network_address), int(source.broadcast_address))
    return Match((Field(f"{family} saddr"),), ((interval,),), text=f"{family} saddr {source}")
