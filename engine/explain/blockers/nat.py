"""Blockers of address translation: a port translated to the wrong place, a source that is not translated."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from itertools import pairwise

from engine.change.listener import Listen
from engine.change.new_rules import Selector, hairpin, masquerade, retarget
from engine.change.rule import DeleteRule
from engine.change.sysctl import SetSysctl
from engine.change.words import may_name_ports
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers.links.lost_address import has_lost_it, lost_address
from engine.explain.blockers.publishing.publish import acceptance, asking, run_again
from engine.explain.blockers.publishing.rules import STRANGERS, iptables_place
from engine.explain.blockers.publishing.services import IntendedService, all_services, intention, services_for
from engine.explain.blockers.shadowed import exempted, translation_behind
from engine.explain.evidence.near_misses import Passed, near_misses
from engine.explain.evidence.owners import owner_of
from engine.explain.evidence.rule_effects import masks
from engine.explain.failure import FailedLeg, Failure, place_of, rule_at, translation_of
from engine.model.address import IPAddress, IPNetwork, end_of
from engine.model.firewall import Chain, Rule, Table
from engine.model.host import Netns
from engine.model.owner import owner_of_chain
from engine.model.packet import Packet
from engine.model.ref import Ref, RefKind
from engine.model.trace import Hop, Outcome, Step
from engine.model.traffic import Listener
from engine.model.where import RulePlace
from engine.path.lookup.broadcast_domain import calls_iptables
from engine.path.lookup.refs import chain_ref
from engine.records import replace

#: Tables' family of an IP version.
_TABLES = {4: "ip", 6: "ip6"}


def stale_target(failure: Failure) -> list[Blocker]:
    """The packet was translated to where nothing of the kind is: the rule gets the right target, or goes."""
    step = translation_of(failure)
    found = rule_at(failure.world, step.ref) if step is not None and step.ref is not None else None
    if step is None or step.ref is None or found is None or failure.leg is not FailedLeg.FORWARD:
        return []
    rule = found[1]
    host, old = failure.world.netns(step.ref.netns), _target(failure)
    asked_for = step.packet.dport or 0
    services = _meant(failure, host, asked_for)
    if any((service.address, service.port) == (old.dst, old.dport) for service in services):
        return []
    shadowed = translation_behind(failure, step.ref, rule)
    if not _leads_nowhere(failure, old, meant=bool(services), shadowed=shadowed is not None):
        return []
    remedies = list(right_targets(failure, step, rule, services))
    remedies.append(Remedy(f"delete {step.ref.words}", (DeleteRule(place_of(step.ref), rule),)))
    asked, became = end_of(step.packet.dst, step.packet.dport), end_of(old.dst, old.dport)
    sentence = f"{step.ref.words} in {host.id} translates {asked} to {became}, {_what_is_there(failure, old, services)}"
    if shadowed is not None:
        behind, meant = shadowed
        sentence += f", before {meant.text} is tried"
        *right, gone = remedies
        spared = list(exempted(failure, step, rule, behind))
        remedies = [*spared, replace(gone, meant=not spared), *right]
    code = "NAT_DNAT_SHADOWED" if shadowed is not None else _stale_code(old.dst, services)
    if code == "DST_LISTEN_OTHER_PORT":
        remedies[:0] = _as_published(failure, old.dport or 0, services, step.packet.dport or 0)
    evidence = (f"rule: {rule.text}", f"then: {failure.step.text}")
    owner = owner_of(step.ref, host.firewall)
    return [Blocker(code, sentence, step.ref, tuple(remedies), owner, evidence)]


def _leads_nowhere(failure: Failure, target: Packet, *, meant: bool, shadowed: bool) -> bool:
    """Whether the rule itself is wrong: no namespace has its target, nor has lost it, or it serves another port and
    there is a better one. A program that is there, if on an address that the packet does not have, makes the target
    right."""
    owner, another = _owner_of_address(failure, target.dst), meant or shadowed
    if owner is None:
        return not has_lost_it(failure, target.dst) and (another or not lost_address(failure, target.dst))
    there = [each for each in owner.listeners if (each.protocol, each.port) == (target.protocol, target.dport)]
    if there:
        return shadowed and all(each.address not in (None, target.dst) for each in there)
    return another


def _meant(failure: Failure, host: Netns, asked: int) -> list[IntendedService]:
    """The services that the translation can have meant. What the engine was asked for comes first; a target that is
    there serves or is gone, and what suits the asked port is a guess about one that is gone. Where a namespace has the
    target's address and another program's port, its own service is meant, or another one's on the port it names."""
    found = services_for(failure, host, asked)
    old = _target(failure)
    owner = _owner_of_address(failure, old.dst)
    if intention(failure, asked) is not None or owner is None:
        return found
    if not any(each.protocol is old.protocol and not _is_private(each) for each in owner.listeners):
        return []  # where nothing listens for others at all, the program has ended
    everyone = all_services(failure, host)
    served = [each for each in everyone if (each.address, each.port) == (old.dst, old.dport)]
    likely = [each for each in found if each.netns == owner or each.port == old.dport]
    own = [each for each in everyone if (each.netns, each.address) == (owner, old.dst)]
    return served or likely or (own if len(own) == 1 else [])


def _is_private(listener: Listener) -> bool:
    """Whether only its own namespace reaches it, as a container's resolver at 127.0.0.11."""
    return listener.address is not None and listener.address.is_loopback


def stolen(failure: Failure) -> list[Blocker]:
    """A published port that another rule translates first, to a place that is not its container's."""
    step = translation_of(failure)
    meant = intention(failure, step.packet.dport or 0) if step is not None else None
    if meant is None or meant[0].netns in (None, failure.netns.id):
        return []
    return stale_target(failure)


def masquerade_missing(failure: Failure) -> list[Blocker]:
    """An answer is for a container's own address, which nobody outside knows: the way out was not masqueraded."""
    if not failure.backwards:
        return []
    hops = failure.conversation.forward.hops
    for before, hop in pairwise(hops):
        router = failure.world.netns(hop.netns)
        source = hop.packet.src
        if router.id == failure.netns.id:
            continue  # who is on the network itself needs no other address to answer to
        if source != failure.packet.dst or source not in failure.world.netns(before.netns).addresses_by_value:
            continue
        for address in router.addresses:
            bridge = router.links_by_index.get(address.link)
            if (
                bridge is not None
                and bridge.kind == "bridge"
                and address.covers(source)
                and bridge.name in _came_by(hop)
            ):
                subnet = ip_network(str(address), strict=False)
                if subnet.version == 6 and not any(_postrouting(router, 6)):
                    return []  # who does not translate IPv6 at all routes it
                return _masquerade(failure, hop, bridge.name, subnet)
    return []


def _came_by(hop: Hop) -> frozenset[str]:
    """The devices that a packet came into a namespace by: a bridge's port and the bridge, or one device."""
    return frozenset(step.context.iif for step in hop.steps if step.context.iif)


def hairpin_not_masqueraded(failure: Failure) -> list[Blocker]:
    """A translated packet kept a source that its new destination can't answer to: its own, or a loopback address.

    IPv4 does not take a packet from its own address in (a martian); IPv6 does, and its answer goes nowhere. An answer
    for ::1 has no way back even where it was masqueraded: IPv6 has no route_localnet.
    """
    asked = failure.conversation.forward
    step, packet = translation_of(failure), asked.last.packet if failure.backwards else failure.packet
    if (
        step is None
        or step.ref is None
        or packet.dport is None
        or failure.leg not in (FailedLeg.FORWARD, FailedLeg.REPLY)
    ):
        return []
    went_back = len(asked.hops) > 1 and asked.hops[0].netns == asked.hops[-1].netns == failure.netns.id
    source = packet.src
    looped = source.is_loopback and source.version == 4
    if not ((failure.backwards and went_back) or (not failure.backwards and (failure.returned or looped))):
        return []
    if failure.outcome is Outcome.MARTIAN and failure.netns.id == step.ref.netns and not failure.step.context.iif:
        return []  # it never gets as far as the way out, where it would be masqueraded
    host = failure.world.netns(step.ref.netns)
    selector = Selector(packet.protocol, source, packet.dst, dport=packet.dport)
    for table, chain in _postrouting(host, packet.dst.version):
        place = RulePlace(host.id, table.backend, table.family, table.name, chain.name, len(chain.rules))
        flow = f"{source} → {end_of(packet.dst, packet.dport)}"
        remedy = Remedy(f"masquerade {flow} in {host.id}", (hairpin(place, selector),))
        ref = chain_ref(host.id, table, chain)
        sentence = f"{host.id} translates the destination of {flow} but not its source: {failure.step.text}"
        return [Blocker("NAT_HAIRPIN_NO_MASQ", sentence, ref, (remedy,), owner_of(ref, host.firewall))]
    return []


def router_not_asked_back(failure: Failure) -> list[Blocker]:
    """A router gave the packet another destination, and whoever has it answers past the router, or is who asked: the
    router has to be asked back, by a source of its own (NAT loopback)."""
    back = {hop.netns for hop in failure.trace.hops}
    if failure.leg not in (FailedLeg.FORWARD, FailedLeg.REPLY) or failure.depth:
        return []
    for hop in failure.conversation.forward.hops:
        after = next((s.after for s in hop.steps if s.after is not None and s.after.dst != s.packet.dst), None)
        router = failure.world.netns(hop.netns)
        past = router.id not in back if failure.backwards else router.id != failure.netns.id
        if after is None or after.dport is None or after.src.is_loopback or not past:
            continue
        selector = Selector(after.protocol, after.src, after.dst, dport=after.dport)
        place, ref = _way_out(router, after.dst.version)
        flow = f"{after.src} → {end_of(after.dst, after.dport)}"
        sentence = f"{router.id} translates the destination of {flow} but not its source, so {_past(failure)}"
        remedy = Remedy(f"masquerade {flow} in {router.id}", (hairpin(place, selector),))
        return [Blocker("NAT_HAIRPIN_NO_MASQ", sentence, ref, (remedy,), owner_of(ref, router.firewall))]
    return []


def _past(failure: Failure) -> str:
    if failure.backwards:
        return f"the reply bypasses it: {failure.step.text}"
    return f"{failure.netns.id} receives its own packet: {failure.step.text}"


def hairpin_not_translated(failure: Failure) -> list[Blocker]:
    """REPLY_MISMATCH within a bridge: the answer took the short way and was never un-NATed."""
    translated = translation_of(failure)
    if translated is None or translated.ref is None or not failure.backwards:
        return []
    host = failure.world.netns(translated.ref.netns)
    name = "net.bridge.bridge-nf-call-iptables"
    for link in host.links:
        if link.kind == "bridge" and name in host.sysctls and not calls_iptables(host, link, 4):
            ref = Ref(RefKind.SYSCTL, host.id, (name,), name, f"{name} = 0")
            remedy = Remedy(f"pass bridged packets in {host.id} to iptables", (SetSysctl(host.id, name, 1),))
            sentence = f"the reply stays inside {link.name} and is not translated back: {name} is 0"
            return [Blocker("HOST_BRNF_OFF", sentence, ref, (remedy,), "kernel", (f"reply: {failure.packet}",))]
    return []


def right_targets(failure: Failure, step: Step, rule: Rule, services: list[IntendedService]) -> Iterator[Remedy]:
    """The rule with the service's address and port, and the filter rule that the new target needs, if it does."""
    if step.ref is None:
        return
    host = failure.world.netns(step.ref.netns)
    for service in services:
        kept = service.port == step.packet.dport and not may_name_ports(rule)
        change = retarget(place_of(step.ref), rule, service.address, None if kept else service.port)
        if change is not None:
            title = f"translate to {service.name} at {end_of(service.address, service.port)}"
            yield Remedy(title, (change,))
            accepting = acceptance(failure, host, service)
            if accepting:
                yield Remedy(f"{title}, and accept it", (change, *accepting), fallback=True)


def _masquerade(failure: Failure, hop: Hop, bridge: str, subnet: IPNetwork) -> list[Blocker]:
    router = failure.world.netns(hop.netns)
    place, ref = _way_out(router, subnet.version)
    remedy = Remedy(f"masquerade {subnet} in {router.id}", (masquerade(place, str(subnet), bridge),))
    sentence = (
        f"{router.id} forwards packets of {subnet} without masquerading, "
        f"and {failure.netns.id} has no route back to {failure.packet.dst}"
    )
    at = replace(ref, text=f"no masquerade rule for {subnet}")
    last = next((step for step in reversed(hop.steps) if step.hook == "postrouting"), None)
    misses = near_misses(Passed(failure.world, router.id, last, hop.steps), masks) if last is not None else ()
    return [Blocker("NAT_MASQ_MISSING", sentence, at, (remedy,), owner_of(ref, router.firewall), near_misses=misses)]


def _way_out(router: Netns, version: int) -> tuple[RulePlace, Ref]:
    """The end of the chain that chooses source addresses; iptables' own where the firewall has none (any more)."""
    for table, chain in _postrouting(router, version):
        if owner_of_chain(table.name, chain.name) not in STRANGERS:
            ref = chain_ref(router.id, table, chain)
            return RulePlace(router.id, table.backend, table.family, table.name, chain.name, len(chain.rules)), ref
    place = iptables_place(router, version, "nat", "POSTROUTING")
    key = (str(place.backend), place.family, place.table, place.chain)
    return place, Ref(RefKind.CHAIN, router.id, key, "nat/POSTROUTING")


def _postrouting(netns: Netns, version: int) -> Iterator[tuple[Table, Chain]]:
    """The base chains that choose source addresses for an IP version."""
    for table in netns.firewall.tables:
        for chain in table.chains if table.family in (_TABLES[version], "inet") else ():
            if chain.base is not None and (chain.base.kind, chain.base.hook) == ("nat", "postrouting"):
                yield table, chain


def _as_published(failure: Failure, port: int, services: list[IntendedService], asked: int) -> Iterator[Remedy]:
    """The rule is what the engine was asked for: then the container is published anew, or its program listens there."""
    meant = intention(failure, asked)
    if meant is None or meant[0].netns is None or meant[1].container_port != port or not services:
        return
    again = run_again(meant[0], asking(failure, asked, services[0].port))
    there = Listener(failure.question.protocol, failure.packet.family, None, port)
    yield Remedy(f"{again}, or have it listen on port {port}", (Listen(meant[0].netns, there),), manual=True)


def _stale_code(address: IPAddress, services: list[IntendedService]) -> str:
    """A right address with a wrong port is a mistake in publishing, not a leftover."""
    if any(service.address == address for service in services):
        return "DST_LISTEN_OTHER_PORT"
    return "NAT_DNAT_STALE_TARGET"


def _what_is_there(failure: Failure, old: Packet, services: list[IntendedService]) -> str:
    owner = _owner_of_address(failure, old.dst)
    if owner is not None:
        serves = ", ".join(f"{each.port}" for each in services if each.netns == owner)
        return f"where nothing listens on port {old.dport} ({owner.id}{serves and f' serves {serves}'})"
    return "an unassigned address"


def _owner_of_address(failure: Failure, address: IPAddress) -> Netns | None:
    return next((netns for netns in failure.around if address in netns.addresses_by_value), None)


def _target(failure: Failure) -> Packet:
    """The packet as it was translated first."""
    return next((s.after for s in failure.trace.steps if s.after is not None), failure.packet)
