"""What goes when a container stops: its programs, its namespace's devices with their far ends, the engine's proxy and
the rules of its published ports. Pure. Source: moby, daemon/libnetwork, `Endpoint.Leave`."""

from __future__ import annotations

from collections.abc import Iterable

from engine.change.consequences.carriers import with_carriers
from engine.model.address import IPAddress
from engine.model.firewall import Interval, Match, Nat, Rule
from engine.model.host import Netns, Snapshot
from engine.model.owner import ADMIN, owner_of_chain
from engine.model.traffic import Listener
from engine.records import replace


def stopped(snapshot: Snapshot, container: str) -> Snapshot:
    """The snapshot without the programs, devices, proxies and rules of a container; what shares its namespace loses the
    devices as well."""
    found = next((each for each in snapshot.containers if each.id == container), None)
    inside = snapshot.by_id.get(found.netns or "") if found is not None else None
    if inside is None:
        return snapshot
    if inside.id == snapshot.host:
        kept = tuple(each for each in inside.listeners if each.process is None or each.process.container != container)
        return snapshot.with_netns(replace(inside, listeners=kept))
    own = frozenset(address for address in inside.addresses_by_value if not address.is_loopback)
    loopback = {link.index for link in inside.links if link.kind == "loopback"}
    gone = replace(
        inside,
        links=tuple(link for link in inside.links if link.index in loopback),
        addresses=tuple(each for each in inside.addresses if each.link in loopback),
        routes=tuple(each for each in inside.routes if all(hop.link in loopback for hop in each.nexthops)),
        listeners=(),
    )
    host = _without_container(snapshot.host_netns, inside.id, own)
    return with_carriers(snapshot.with_netns(gone).with_netns(host))


def _without_container(host: Netns, inside: str, own: frozenset[IPAddress]) -> Netns:
    """The host without a container's far ends, its proxies, and the engine's rules that name its addresses."""
    numbers = frozenset(map(int, own))
    tables = []
    for table in host.firewall.tables:
        chains = [
            replace(chain, rules=_renumbered(rule for rule in chain.rules if not _names(rule, numbers)))
            if owner_of_chain(table.name, chain.name, table.comment) != ADMIN
            else chain
            for chain in table.chains
        ]
        tables.append(replace(table, chains=tuple(chains)))
    relayed = (each for each in host.listeners if not (_relays_to(each, own)))
    links = tuple(link for link in host.links if link.peer is None or link.peer.netns != inside)
    return replace(host, links=links, listeners=tuple(relayed), firewall=replace(host.firewall, tables=tuple(tables)))


def _renumbered(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    return tuple(replace(rule, index=index) for index, rule in enumerate(rules))


def _relays_to(listener: Listener, own: frozenset[IPAddress]) -> bool:
    relay = listener.process.relay if listener.process is not None else None
    return relay is not None and relay.target in own


def _names(rule: Rule, own: frozenset[int]) -> bool:
    """Whether a rule translates to one of the addresses, or is about one as a destination."""
    for statement in rule.statements:
        if isinstance(statement, Nat) and statement.value.low is not None and int(statement.value.low) in own:
            return True
        if isinstance(statement, Match) and [each.name for each in statement.fields] in (["ip daddr"], ["ip6 daddr"]):
            atoms = (atom for (atom,) in statement.elements)
            if any(isinstance(atom, Interval) and atom.low == atom.high and atom.low in own for atom in atoms):
                return True
    return False
