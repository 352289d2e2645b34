"""firewalld: what comes from a bridge of containers that no zone has is judged by the default zone, as if from outside.

Such a bridge belongs into the zone that is for containers: `docker`, where the chains of that zone are there (dockerd
makes it, with the target ACCEPT), else `trusted`, which firewalld always has. Rules of a zone cannot say what is
forwarded, so there the zone is the way; for what the host itself is asked, an exception for the bridge's own network
is enough. Source: firewalld, src/firewall/core/nftables.py and ipXtables.py (chains INPUT_ZONES, FORWARD_ZONES).
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from engine.change.rule import InsertRule
from engine.explain.blocker import Remedy
from engine.explain.failure import Failure
from engine.model.address import IPNetwork
from engine.model.firewall import Backend, Field, Match, Name, Rule, RuleVerdict, Table, VerdictKind
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.where import RulePlace
from engine.records import dataclass

#: The chains that lead to a zone by device, with the prefix of the zones' own chains.
DISPATCH = {"INPUT_ZONES": "IN_", "FORWARD_ZONES": "FWD_", "FORWARD_IN_ZONES": "FWDI_"}
#: What firewalld's nftables backend puts before the names of chains that filter.
NATIVE = "filter_"


@dataclass(frozen=True, slots=True)
class Unzoned:
    """A bridge without a zone, and the network that it is the gateway of."""

    bridge: str
    subnet: IPNetwork
    remedy: Remedy


def unzoned(failure: Failure, table: Table) -> Unzoned | None:
    """The bridge that the packet came in by, where the default zone took it and only containers are on the bridge."""
    link = failure.netns.links_by_name.get(failure.step.context.iif)
    if link is None or failure.backwards or not _by_default(failure, table) or not _of_containers(failure.netns, link):
        return None
    subnet = _subnet(failure, link)
    changes = tuple(_into_zone(failure.netns, table, link.name))
    if subnet is None or not changes:
        return None
    title = f"add {link.name} to firewalld's zone {_zone(table)} (it is in none)"
    return Unzoned(link.name, subnet, Remedy(title, changes))


def _by_default(failure: Failure, table: Table) -> bool:
    """Whether a rule without conditions led the packet to its zone."""
    for step in failure.trace.hops[-1].steps:
        ref = step.ref
        if ref is None or step.hook != failure.step.hook or ref.key[1:3] != (table.family, table.name):
            continue
        chain = table.chain(str(ref.key[3]))
        if chain is not None and _plain(chain.name) in DISPATCH and len(ref.key) > 4:
            return not any(isinstance(each, Match) for each in chain.rules[int(ref.key[4])].statements)
    return False


def _of_containers(netns: Netns, link: Link) -> bool:
    """Whether every port of a bridge leads to another namespace: a bridge with a card is a way to the outside."""
    ports = [each for each in netns.links if each.master == link.index]
    return link.kind == "bridge" and bool(ports) and all(each.kind == "veth" and each.peer for each in ports)


def _subnet(failure: Failure, link: Link) -> IPNetwork | None:
    own = (each for each in failure.netns.addresses if each.link == link.index and each.covers(failure.packet.src))
    return next((ip_network((each.address, each.prefixlen), strict=False) for each in own), None)


def _zone(table: Table) -> str:
    return "docker" if any(_plain(chain.name) == "IN_docker" for chain in table.chains) else "trusted"


def _into_zone(netns: Netns, table: Table, bridge: str) -> Iterator[InsertRule]:
    """The bridge's rule in each chain that leads to zones."""
    for chain in table.chains:
        prefix = DISPATCH.get(_plain(chain.name))
        if prefix is None:
            continue
        own = chain.name[: len(chain.name) - len(_plain(chain.name))] + prefix + _zone(table)
        verdict = RuleVerdict(VerdictKind.GOTO, own) if table.chain(own) else RuleVerdict(VerdictKind.ACCEPT)
        place = RulePlace(netns.id, table.backend, table.family, table.name, chain.name, 0)
        yield _from_device(place, bridge, verdict)


def _from_device(place: RulePlace, device: str, verdict: RuleVerdict) -> InsertRule:
    native = place.backend is Backend.NFT
    match = Match((Field("meta iifname"),), ((Name(device),),), text=f"-i {device}")
    words: tuple[str, ...] = ("iifname", device, str(verdict.kind), *((verdict.chain,) if verdict.chain else ()))
    if not native:
        words = ("-i", device, *(("-g", verdict.chain) if verdict.chain else ("-j", "ACCEPT")))
    text = " ".join(words if native else ("-A", place.chain, *words))
    return InsertRule(place, Rule(place.index, (match, verdict), text), words)


def _plain(name: str) -> str:
    return name.removeprefix(NATIVE)
