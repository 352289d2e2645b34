"""Blockers of address translation: a port that no rule translates, or that is translated to the wrong place."""

from __future__ import annotations

from dataclasses import dataclass

from engine.explain.blocker import Blocker, Remedy
from engine.explain.failure import Failure, place_of, rule_at, translation_of
from engine.explain.nearmiss import near_misses
from engine.explain.owners import owner_of
from engine.explain.rulecraft import Selector, insertion, retarget, translation
from engine.model.address import IPAddress
from engine.model.container import Container
from engine.model.firewall import Backend, Chain, Nat, Table
from engine.model.host import Netns
from engine.model.link import Address, Link
from engine.model.plan import Change, DeleteRule, Listen, RulePlace, SetContainer
from engine.model.ref import Ref, RefKind
from engine.model.trace import Outcome, Step
from engine.model.traffic import Listener


@dataclass(frozen=True, slots=True)
class Service:
    """Where a published port should lead: a container, its address on the host's bridge, its port."""

    container: Container | None
    netns: Netns
    address: IPAddress
    port: int
    bridge: Link

    @property
    def name(self) -> str:
        """The container's name, else the namespace's."""
        return self.container.name if self.container else self.netns.id


def stale_target(failure: Failure) -> list[Blocker]:
    """The packet was translated to where nothing of the kind is: the rule gets the right target, or goes."""
    step = translation_of(failure)
    found = rule_at(failure.world, step.ref) if step is not None and step.ref is not None else None
    if step is None or step.ref is None or found is None:
        return []
    rule, ref = found[1], step.ref
    host = failure.world.netns(ref.netns)
    place = place_of(ref)
    old = _target_text(failure)
    remedies = []
    for service in services(failure, host, step.packet.dport or 0):
        if f"{service.address}:{service.port}" == old:
            return []
        change = retarget(place, rule, service.address, service.port)
        if change is not None:
            title = f"translate to {service.name} at {service.address}:{service.port}"
            remedies.append(Remedy(title, (change,)))
    remedies.append(Remedy(f"delete {ref.name}", (DeleteRule(place, rule),)))
    nobody = not any(_has(netns, old) for netns in failure.world.snapshot.namespaces)
    why = "an address that nobody has" if nobody else "a port where the service is not"
    sentence = f"rule {ref.name} in {ref.netns} translates {step.packet.dst}:{step.packet.dport} to {old}, {why}"
    owner = owner_of(ref, host.firewall)
    evidence = (f"rule: {rule.text}", f"then: {failure.step.text}")
    return [Blocker("NAT_DNAT_STALE_TARGET", sentence, ref, tuple(remedies), owner, evidence)]


def not_published(failure: Failure) -> list[Blocker]:
    """Nothing listens at the host's address, no rule translates the port, and a container could be meant."""
    host = failure.netns
    if failure.outcome is not Outcome.NO_LISTENER or translation_of(failure) or failure.depth:
        return []
    asked = failure.packet.dport or 0
    intended = _intended(failure, asked)
    found = services(failure, host, asked)
    everyone = _services(failure, host)
    if not everyone:
        return [] if intended is None else [_not_running(failure, intended)]
    step = _first_prerouting(failure) or failure.step
    misses = near_misses(failure.world, step, host.id, want=Nat)
    port = f"{asked}/{failure.question.protocol}"
    ref = Ref(RefKind.NETNS, host.id, (), f"port {port}", f"port {port} of {host.id}")
    if intended is not None:
        code = "NAT_RULES_WIPED"
        sentence = f"{intended.engine} published {port} for {intended.name}, but no rule of {host.id} translates it"
    else:
        code = "NAT_NOT_PUBLISHED"
        sentence = f"port {port} is not published on {host.id}: no rule translates it and nothing listens on it"
    remedies = tuple(_publish(failure, host, service, asked) for service in found) or (_publish_some(failure, asked),)
    evidence = tuple(f"{each.name} listens on {each.address}:{each.port}" for each in (found or everyone)[:4])
    engine = next((each.container.engine for each in everyone if each.container), "admin")
    return [Blocker(code, sentence, ref, remedies, engine, evidence, misses)]


def services(failure: Failure, host: Netns, asked: int) -> list[Service]:
    """Where `asked` could lead, the likeliest first: as the engine intends it, the same port, the only service."""
    protocol = failure.question.protocol
    everyone = _services(failure, host)
    for container in failure.world.snapshot.containers:
        for port in container.published:
            if port.host_port == asked and port.protocol is protocol:
                meant = [b for b in everyone if b.container is not None and b.container.id == container.id]
                exact = [b for b in meant if b.port == port.container_port]
                if exact:
                    return exact
    same = [b for b in everyone if b.port == asked]
    if same:
        return same[:1]
    return everyone if len(everyone) == 1 else []


def _services(failure: Failure, host: Netns) -> list[Service]:
    """Every service in a namespace that hangs on one of the host's bridges."""
    found = []
    for netns in failure.world.snapshot.namespaces:
        if netns.id == host.id:
            continue
        for address, bridge in _on_bridges(failure, host, netns):
            for listener in netns.listeners:
                if _serves(listener, address, failure):
                    containers = failure.world.snapshot.containers_in(netns.id)
                    container = containers[0] if containers else None
                    found.append(Service(container, netns, address.address, listener.port, bridge))
    return found


def _serves(listener: Listener, address: Address, failure: Failure) -> bool:
    if listener.protocol is not failure.question.protocol:
        return False
    return listener.address is None or listener.address == address.address


def _on_bridges(failure: Failure, host: Netns, netns: Netns) -> list[tuple[Address, Link]]:
    """The namespace's addresses that lie in the subnet of a bridge of the host, with that bridge."""
    version = failure.question.address.version
    found = []
    for address in netns.addresses:
        device = netns.links_by_index.get(address.link)
        if device is None or device.peer is None or device.peer.netns != host.id or address.address.version != version:
            continue
        for own in host.addresses:
            link = host.links_by_index.get(own.link)
            if link is not None and link.kind == "bridge" and own.covers(address.address):
                found.append((address, link))
    return found


def _publish(failure: Failure, host: Netns, service: Service, asked: int) -> Remedy:
    """The rules that the engine itself writes for a published port, in the chains that it keeps for them."""
    protocol = failure.question.protocol
    changes: list[Change] = []
    nat = _chain(host, "nat", "prerouting")
    if nat is not None:
        table, chain = nat
        selector = Selector(
            protocol, dport=asked, not_iif=service.bridge.name, local_destination=not chain.name.startswith("DOCKER")
        )
        changes.append(translation(_end_of(host, table, chain), selector, service.address, service.port))
    accept = _chain(host, "filter", "forward")
    if accept is not None:
        table, chain = accept
        selector = Selector(
            protocol,
            destination=service.address,
            dport=service.port,
            not_iif=service.bridge.name,
            oif=service.bridge.name,
        )
        changes.append(insertion(_end_of(host, table, chain), selector))
    again = "" if service.container is None else f" (lasting: run {service.name} again with -p {asked}:{service.port})"
    return Remedy(f"publish {asked} for {service.name} at {service.address}:{service.port}{again}", tuple(changes))


def _publish_some(failure: Failure, asked: int) -> Remedy:
    """Which container was meant can't be told; once it is published, the host's own port answers."""
    wanted = Listener(failure.question.protocol, failure.packet.family, None, asked)
    title = f"publish a container's port as {asked} (run it again with -p {asked}:PORT), or listen on it on the host"
    return Remedy(title, (Listen(failure.netns.id, wanted),), manual=True)


def _chain(host: Netns, kind: str, hook: str) -> tuple[Table, Chain] | None:
    """The engine's own chain in the table of that kind, else the base chain at the hook."""
    for table in host.firewall.tables:
        bases = [c for c in table.chains if c.base and c.base.hook == hook and c.base.kind == kind]
        if not bases or (table.backend is Backend.NFT and table.family not in ("ip", "inet")) or table.family == "ip6":
            continue
        own = table.chain("DOCKER")
        return table, own or bases[0]
    return None


def _end_of(host: Netns, table: Table, chain: Chain) -> RulePlace:
    return RulePlace(host.id, table.backend, table.family, table.name, chain.name, len(chain.rules))


def _intended(failure: Failure, asked: int) -> Container | None:
    for container in failure.world.snapshot.containers:
        for port in container.published:
            if port.host_port == asked and port.protocol is failure.question.protocol:
                return container
    return None


def _not_running(failure: Failure, container: Container) -> Blocker:
    ref = Ref(
        RefKind.CONTAINER, failure.netns.id, (container.id,), container.name, f"{container.name} is {container.state}"
    )
    start = SetContainer(container.id, container.command, ("start", container.name), "running")
    remedies = (Remedy(f"start {container.name}", (start,)),) if container.state != "running" else ()
    sentence = f"{container.name}, which publishes the port, is {container.state}"
    return Blocker("DST_NOT_RUNNING", sentence, ref, remedies, container.engine)


def _first_prerouting(failure: Failure) -> Step | None:
    for step in failure.trace.steps:
        if step.hook in ("prerouting", "output"):
            return step
    return None


def _target_text(failure: Failure) -> str:
    after = next((s.after for s in failure.trace.steps if s.after is not None), failure.packet)
    return f"{after.dst}:{after.dport}"


def _has(netns: Netns, target: str) -> bool:
    return any(str(address) == target.rpartition(":")[0] for address in netns.addresses_by_value)
