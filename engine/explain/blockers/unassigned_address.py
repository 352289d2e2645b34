"""Blockers of an address that nobody in view has, and that a packet was sent to all the same.

A virtual address (of keepalived, of a balancer's real servers) has to be on the host that packets for it are sent to;
one that was lost, or is on another host, has them sent back the way that they came. A service's address is on nobody
on purpose: kube-proxy translates it, as long as the service has such a port and something that is ready.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.change.address import AddAddress
from engine.change.listener import Listen
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers.publishing.publish import held, untranslated
from engine.explain.evidence.owners import owner_of
from engine.explain.failure import FailedLeg, Failure, translation_of
from engine.model.address import IPAddress, end_of
from engine.model.firewall import Interval, Match, Table, VerdictMap
from engine.model.host import Netns
from engine.model.link import Address, Link
from engine.model.owner import owner_of_chain
from engine.model.ref import Ref, RefKind
from engine.model.trace import Hop, Outcome
from engine.path.lookup.broadcast_domain import bridge_of, ports_of
from engine.path.lookup.fib import FlowKey, Found
from engine.records import replace

BALANCER = "kube-proxy"
#: Services' addresses are of one network (`--service-cluster-ip-range`), which is at least so wide as a rule.
SERVICES = {4: 16, 6: 112}
#: What asking an operator of a cluster weighs.
ASK = 2


def no_service(failure: Failure) -> list[Blocker]:
    """An address among those of kube-proxy's services, which no rule translates."""
    hop = next((each for each in failure.trace.hops if balances(failure.world.netns(each.netns))), None)
    if hop is None or not _nobodys(failure) or _before_it(failure):
        return []
    node, packet = failure.world.netns(hop.netns), failure.packet
    known = _among_services(node, packet.dst)
    if not known:
        return []
    asked = end_of(packet.dst, packet.dport)
    whose = "is a service's address" if int(packet.dst) in known else "is among the addresses of services"
    sentence = f"{packet.dst} {whose}, and no rule of {BALANCER} in {node.id} translates {asked}/{packet.protocol}"
    served = (
        AddAddress(node.id, _loopback(node), Address(0, packet.dst, packet.dst.max_prefixlen)),
        Listen(node.id, replace(held(failure, packet.dport or 0), address=packet.dst)),
    )
    title = f"give the service on {asked} a ready endpoint (see: kubectl get service,endpointslices -A)"
    at = Ref(RefKind.NETNS, node.id, (), asked, f"{asked} of {BALANCER}")
    remedy = Remedy(title, served, manual=True, cost=ASK)
    return [Blocker("NAT_NOT_PUBLISHED", sentence, at, (remedy,), BALANCER, near_misses=untranslated(failure, hop))]


def not_here(failure: Failure) -> list[Blocker]:
    """The host is sent packets for an address that it does not have, and would send them back: it gets the address."""
    host = failure.home.host_netns
    hop = next((each for each in failure.trace.hops if each.netns == host.id), None)
    wanted = failure.packet.dst
    if hop is None or not _nobodys(failure) or _among_services(host, wanted):
        return []
    device = _sent_back_by(failure, host, hop)
    if device is None:
        return []
    here = AddAddress(host.id, device, Address(0, wanted, wanted.max_prefixlen))
    ref = Ref(RefKind.NETNS, host.id, (), str(wanted), f"{host.id} without {wanted}")
    rounds = f"{host.id} routes it back out of {device} (routing loop)"
    back = f"{host.id} would route it back out of {device}, where it came in"
    then = rounds if host.links_by_name[device].kind == "loopback" else back
    sentence = f"no interface in the snapshot has {wanted}; {then}"
    hint = f"if another host should have {wanted}, correct the route or neighbour entry that leads to {host.id}"
    return [
        Blocker(
            "DST_NO_ADDRESS",
            sentence,
            ref,
            (Remedy(f"assign {wanted} to {device} in {host.id}", (here,)),),
            evidence=(hint,),
        )
    ]


def published_there(failure: Failure) -> list[Blocker]:
    """A port that an engine publishes on one address of the host, which the host has lost: it gets it again."""
    host, wanted, asked = failure.home.host_netns, failure.packet.dst, failure.packet.dport
    places = ((container, (port.host_address, port.host_port)) for container, port in failure.home.published)
    meant = [container for container, place in places if place == (wanted, asked)]
    own = next((each for each in host.addresses if each.covers(wanted)), None)
    if not meant or not _nobodys(failure):
        return []
    engine, name = meant[0].engine, meant[0].name
    sentence = f"{engine} published {end_of(wanted, asked)} for {name}, and no device of {host.id} has {wanted}"
    at = Ref(RefKind.NETNS, host.id, (), str(wanted), f"{host.id} without {wanted}")
    remedies: tuple[Remedy, ...] = ()
    if own is not None:
        device = host.links_by_index[own.link].name
        here = AddAddress(host.id, device, Address(0, wanted, own.prefixlen))
        remedies = (Remedy(f"assign {wanted}/{own.prefixlen} to {device} in {host.id}", (here,)),)
    hint = f"if {host.id} has another address now, publish {name}'s port on that one, or on all"
    return [Blocker("DST_NO_ADDRESS", sentence, at, remedies, engine, evidence=(hint,))]


def _nobodys(failure: Failure) -> bool:
    """Whether the packet is still for the address that was asked for, and nobody in view has it."""
    wanted = failure.packet.dst
    if failure.leg is not FailedLeg.FORWARD or failure.depth or wanted != failure.question.address:
        return False
    if wanted.is_loopback or wanted.is_multicast or translation_of(failure):
        return False
    return all(wanted not in netns.addresses_by_value for netns in failure.around)


def _sent_back_by(failure: Failure, host: Netns, hop: Hop) -> str | None:
    """The device that a packet came into the host by, where its way out is the same one and leads back."""
    wanted, asker = failure.packet.dst, failure.question.source
    found = failure.world.fib(host).lookup(FlowKey(wanted))
    if (hop is failure.trace.hops[0] and not asker.outside) or not isinstance(found, Found) or not found.nexthops:
        return None
    out = found.nexthops[0]
    came = {step.context.iif for step in hop.steps if step.context.iif}
    links = [host.links_by_name[name] for name in came if name in host.links_by_name]
    ins = {link.index for each in links for link in (each, bridge_of(host, each)) if link is not None}
    if out.link is None or out.link not in ins:
        return None
    towards = out.gateway or wanted
    there = next((netns.id for netns in failure.around if towards in netns.addresses_by_value), None)
    back = asker.outside or there is None or there in {each.netns for each in failure.trace.hops}
    device = host.links_by_index[out.link]
    return device.name if back and not _of_containers(host, device) else None


def _of_containers(host: Netns, device: Link) -> bool:
    """Whether a device is a bridge of veth pairs alone: an address that is missing there is one of theirs."""
    ports = ports_of(host, device) if device.kind == "bridge" else ()
    return bool(ports) and all(port.kind == "veth" for port in ports)


def _before_it(failure: Failure) -> bool:
    """Whether a rule of the balancer's own ended the packet, or no route led it to its rules: that is told first."""
    ref = failure.step.ref
    if failure.outcome is Outcome.NO_ROUTE and len(failure.trace.hops) == 1:
        return not failure.question.source.outside
    return ref is not None and ref.kind is RefKind.RULE and owner_of(ref, failure.netns.firewall) == BALANCER


def balances(netns: Netns) -> bool:
    """Whether kube-proxy has its chains in a namespace."""
    return any(_of_balancer(table, chain.name) for table in netns.firewall.tables for chain in table.chains)


def _of_balancer(table: Table, chain: str) -> bool:
    """Whether a chain is one of those where services' addresses are looked up."""
    return owner_of_chain(table.name, chain, table.comment) == BALANCER and (
        table.name == BALANCER or chain == "KUBE-SERVICES"
    )


def _among_services(netns: Netns, wanted: IPAddress) -> frozenset[int]:
    """The addresses of the network of services that an address is in, as numbers; none where it is in no such one."""
    width = wanted.max_prefixlen - SERVICES[wanted.version]
    return frozenset(each for each in _service_addresses(netns, wanted.version) if not (each ^ int(wanted)) >> width)


def _service_addresses(netns: Netns, version: int) -> Iterator[int]:
    """The single addresses that the chains of services name as a destination, as numbers."""
    field = "ip daddr" if version == 4 else "ip6 daddr"
    for table in netns.firewall.tables:
        named = {each.name: each for each in table.sets}
        chains = (chain for chain in table.chains if _of_balancer(table, chain.name))
        for statement in (s for chain in chains for rule in chain.rules for s in rule.statements):
            if not isinstance(statement, Match | VerdictMap):
                continue
            place = next((n for n, each in enumerate(statement.fields) if each.name == field), None)
            stored = named.get(statement.lookup or "")
            keys = [each if isinstance(each, tuple) else each.key for each in statement.elements]
            keys += [*stored.elements, *(entry.key for entry in stored.entries)] if stored else []
            for atom in (key[place] for key in keys) if place is not None else ():
                if isinstance(atom, Interval) and atom.low == atom.high:
                    yield atom.low


def _loopback(netns: Netns) -> str:
    return next(link.name for link in netns.links if link.kind == "loopback")
