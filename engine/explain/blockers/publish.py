"""Blockers of publishing: what the engine was asked for and the host does not do; what publishes a port."""

from __future__ import annotations

from engine.explain.blocker import Blocker, Remedy
from engine.explain.failure import Failure, Leg, is_tcp, place_of, rule_at, translation_of
from engine.explain.nearmiss import Passed, kept_from, near_misses
from engine.explain.owners import owner_of
from engine.explain.rulecraft import Selector, insertion, translation
from engine.explain.services import Service, intention, services_for
from engine.explain.wanted import translates
from engine.model.address import Family, end_of
from engine.model.container import Container, PublishedPort
from engine.model.firewall import Backend, Chain, Match, Rule, Table, Verdict
from engine.model.host import Netns
from engine.model.plan import Change, DeleteRule, Listen, RulePlace, SetContainer
from engine.model.ref import Ref, RefKind
from engine.model.trace import Hop, Step
from engine.model.traffic import Listener
from engine.model.verdict import NearMiss
from engine.path.matches import Answer, matches
from engine.path.view import View

#: Engines with a program of their own that holds a published port, and with a client that runs a container again.
HOLDING = ("docker", "podman")
#: What became of a container, where the word for its state does not say it.
STATES = {"exited": "has exited", "created": "was never started", "stopped": "was stopped"}


def kept_from_translation(failure: Failure) -> list[Blocker]:
    """A rule of nat that returns or accepts takes the packet before the rule that translates it is asked."""
    if failure.leg is not Leg.FORWARD or failure.depth or translation_of(failure):
        return []
    hop = failure.trace.hops[-1]
    ref = kept_from(Passed(failure.world, hop.netns, _first_hook(failure), hop.steps), translates)
    found = rule_at(failure.world, ref) if ref is not None else None
    if ref is None or found is None:
        return []
    sentence = f"rule {ref.name} in {ref.netns} lets the packet go untranslated, before the rule that translates it"
    remedy = Remedy(f"delete {ref.name}", (DeleteRule(place_of(ref), found[1]),))
    owner = owner_of(ref, failure.netns.firewall)
    return [
        Blocker("NAT_DNAT_SHADOWED", sentence, ref, (remedy,), owner, (f"rule: {ref.text}",), untranslated(failure))
    ]


def rules_wiped(failure: Failure) -> list[Blocker]:
    """The engine published the port, but no rule translated the packet, which then fell in INPUT."""
    if failure.step.hook != "input" or failure.leg is not Leg.FORWARD or translation_of(failure) or failure.depth:
        return []
    meant = intention(failure, failure.packet.dport or 0)
    if meant is None or failure.packet.dst.is_loopback:
        return []
    blocker = unfulfilled(failure, *meant)
    return [blocker] if blocker.code == "NAT_RULES_WIPED" else []


def held_only(failure: Failure) -> list[Blocker]:
    """SERVICE: a process of the engine holds the port and passes nothing on, for it relies on rules that are gone."""
    meant = intention(failure, failure.packet.dport or 0)
    return [] if meant is None or failure.depth else [unfulfilled(failure, *meant)]


def unfulfilled(failure: Failure, container: Container, published: PublishedPort) -> Blocker:
    """Why a port that the engine was asked to publish does not work."""
    host, asked, misses = failure.netns, published.host_port, untranslated(failure)
    at = port_ref(failure, host)
    again = run_again(container, asking(failure, asked, published.container_port))
    manual = Remedy(again, (Listen(host.id, held(failure, asked)),), manual=True)
    if container.state not in ("running", "paused"):
        return _not_running(failure, container)
    if published.host_address is not None and published.host_address != failure.packet.dst:
        sentence = (
            f"{container.name} is published on {end_of(published.host_address, asked)} only, "
            f"and the packet is for {failure.packet.dst}"
        )
        found = services_for(failure, host, asked) if not failure.packet.dst.is_loopback else []
        remedies = (*(publish(failure, host, service, asked) for service in found), manual)
        return Blocker("NAT_DNAT_HOSTIP_MISMATCH", sentence, at, remedies, container.engine, near_misses=misses)
    if published.family not in (None, failure.packet.family):
        everywhere = "0.0.0.0" if published.family is Family.INET else "[::]"
        sentence = (
            f"{container.name} is published on {everywhere}:{asked} only, and the packet is for {failure.packet.dst}"
        )
        return Blocker("NAT_DNAT_HOSTIP_MISMATCH", sentence, at, (manual,), container.engine, near_misses=misses)
    if container.network_mode in ("none", "host"):
        sentence = f"{container.name} has network mode {container.network_mode}, which publishes nothing"
        return Blocker("NAT_NOT_PUBLISHED", sentence, at, (manual,), container.engine)
    mode = _gateway_mode(failure, container)
    if mode:
        own = services_for(failure, host, asked)
        ask = f": ask for {end_of(own[0].address, own[0].port)}, with a route to it" if own else ""
        sentence = f"{container.name}'s network is {mode}: {container.engine} translates no port for it{ask}"
        return Blocker("NAT_NOT_PUBLISHED", sentence, at, (manual,), container.engine)
    internal = _internal(failure, container)
    if internal:
        sentence = (
            f"{container.name} is only in {internal}, an internal network, where {container.engine} publishes nothing"
        )
        connect = f"connect {container.name} to a network that is not internal, or run it again in one"
        remedy = Remedy(connect, (Listen(host.id, held(failure, asked)),), manual=True)
        return Blocker("NAT_NOT_PUBLISHED", sentence, at, (remedy,), container.engine)
    left = left_to_the_proxy(failure)
    holds = container.engine.startswith(HOLDING) and failure.leg is not Leg.SERVICE
    if holds and (failure.packet.dst.is_loopback or left is not None):
        sentence = (
            f"no program of {container.engine} holds {end_of(failure.packet.dst, asked)} for {container.name} any more"
        )
        if left is not None:
            sentence += f", to which the rule for the port leaves packets of the container's own bridge: {left.text}"
        restart = _client(container, "restart")
        return Blocker("NAT_PROXY_ABSENT", sentence, at, (restart,), container.engine, near_misses=misses)
    found = services_for(failure, host, asked)
    reload = (_reload(container),) if container.engine.startswith("podman") and container.attachments else ()
    remedies = (*reload, *(publish(failure, host, service, asked) for service in found), manual)
    sentence = f"{container.engine} published {asked} for {container.name}, but no rule of {host.id} translates it"
    evidence = tuple(f"{each.name} listens on {end_of(each.address, each.port)}" for each in found)
    return Blocker("NAT_RULES_WIPED", sentence, at, remedies, container.engine, evidence, misses)


def left_to_the_proxy(failure: Failure) -> Rule | None:
    """The rule that would have translated the packet if it came by any other device: as Docker writes it beside its
    proxy, which takes what a container asks of its own bridge."""
    first = _first_hook(failure)
    view = View(failure.netns, failure.world.fib(failure.netns), first.packet, first.context, first.hook)
    for table in failure.netns.firewall.tables:
        for rule in (each for chain in table.chains for each in chain.rules if any(map(translates, each.statements))):
            conditions = [each for each in rule.statements if isinstance(each, Match)]
            failed = [each for each in conditions if matches(each, view, table) is not Answer.YES]
            if len(failed) == 1 and failed[0].negate and failed[0].fields[0].name == "meta iifname":
                return rule
    return None


def run_again(container: Container, port: str) -> str:
    """What publishes a port for good: the pod's specification, the Compose file, else the container's command line."""
    if container.pod and not container.engine.startswith(HOLDING):
        outer, _, inner = port.rpartition(":")
        return f"make {container.pod} again with a port whose hostPort is {outer} and containerPort {inner}"
    if container.service:
        client = (container.command or (container.engine,))[0]
        return (
            f'put "{port}" under `ports:` of the service {container.service} of {container.project or "its project"}, '
            f"then `{client} compose up -d {container.service}`"
        )
    return f"run {container.name} again with -p {port}"


def asking(failure: Failure, asked: int, port: int) -> str:
    """The ports of a published service in the words of the engine's client: `8080:80`, `5353:53/udp`."""
    return f"{asked}:{port}" + ("" if is_tcp(failure) else f"/{failure.question.protocol}")


def _not_running(failure: Failure, container: Container) -> Blocker:
    text = f"{container.name} ({container.state})"
    ref = Ref(RefKind.CONTAINER, failure.netns.id, (container.id,), container.name, text)
    state = STATES.get(container.state, f"is {container.state}")
    sentence = f"{container.name}, which publishes the port, {state}"
    if container.state == "restarting":
        stays = f"make the program of {container.name} stay up (its log tells why it ends)"
        up = Listen(failure.netns.id, held(failure, failure.packet.dport or 0))
        return Blocker("DST_NOT_RUNNING", sentence, ref, (Remedy(stays, (up,), manual=True),), container.engine)
    return Blocker("DST_NOT_RUNNING", sentence, ref, (_client(container, "start"),), container.engine)


def _gateway_mode(failure: Failure, container: Container) -> str:
    """`routed` or `isolated` where a network of the container is so for the packet's IP version; else nothing."""
    option = f"com.docker.network.bridge.gateway_mode_ipv{failure.packet.dst.version}"
    names = {place.network for place in container.attachments}
    networks = (n for n in failure.world.snapshot.networks if n.name in names and n.engine == container.engine)
    modes = (dict(network.options).get(option, "") for network in networks)
    return next((mode for mode in modes if mode in ("routed", "isolated")), "")


def _internal(failure: Failure, container: Container) -> str:
    """The container's networks, if all of them are internal; else nothing."""
    snapshot = failure.world.snapshot
    inside = {each.name for each in snapshot.networks if each.internal and each.engine == container.engine}
    names = [place.network for place in container.attachments]
    return ", ".join(names) if names and inside.issuperset(names) else ""


def _client(container: Container, verb: str) -> Remedy:
    """The engine's own client; it makes the rules and holds the port anew."""
    change = SetContainer(container.id, container.command or (container.engine,), (verb, container.name), "running")
    return Remedy(f"{verb} {container.name}", (change,))


def _reload(container: Container) -> Remedy:
    """Podman makes a container's rules anew while it runs."""
    words = ("network", "reload", container.name)
    change = SetContainer(container.id, container.command or (container.engine,), words, container.state)
    return Remedy(f"have podman make the rules of {container.name} again", (change,))


def publish(failure: Failure, host: Netns, service: Service, asked: int) -> Remedy:
    """The rules that the engine itself writes for a published port, in the chains that it keeps for them."""
    port = asking(failure, asked, service.port)
    again = f" (lasting: {run_again(service.container, port)})" if service.container else ""
    title = f"publish {asked} for {service.name} at {end_of(service.address, service.port)}{again}"
    return Remedy(title, (*_translation(failure, host, service, asked), *acceptance(failure, host, service)))


def _translation(failure: Failure, host: Netns, service: Service, asked: int) -> tuple[Change, ...]:
    nat = engine_chain(host, "nat", _first_hook(failure).hook or "prerouting", service.address.version)
    if nat is None:
        return ()
    table, chain = nat
    own = chain.base is None
    # Where packets are made here they come in by no device, and iptables refuses -i.
    bridge = "" if chain.base is not None and chain.base.hook == "output" else service.bridge.name
    selector = Selector(failure.question.protocol, dport=asked, not_iif=bridge, local_destination=not own)
    return (translation(_end_of(host, table, chain), selector, service.address, service.port),)


def acceptance(failure: Failure, host: Netns, service: Service) -> tuple[Change, ...]:
    """The filter rule that goes with a translation; none where it is there, or there is no filter at all."""
    accept = engine_chain(host, "filter", "forward", service.address.version)
    if accept is None:
        return ()
    table, chain = accept
    bridge = service.bridge.name
    selector = Selector(
        failure.question.protocol, destination=service.address, dport=service.port, not_iif=bridge, oif=bridge
    )
    change = insertion(_end_of(host, table, chain), selector)
    there = any(rule.text == change.rule.text for rule in chain.rules)
    return () if there else (change,)


def held(failure: Failure, asked: int) -> Listener:
    """A program of the host's that takes the port that is asked for, at any address."""
    return Listener(failure.question.protocol, failure.packet.family, None, asked)


def engine_chain(host: Netns, kind: str, hook: str, version: int) -> tuple[Table, Chain] | None:
    """The engine's own chain in an IP version's table with a base chain of that kind and hook, else that base chain."""
    families = ("ip" if version == 4 else "ip6", "inet")
    for table in host.firewall.tables:
        bases = [c for c in table.chains if c.base and c.base.hook == hook and c.base.kind == kind]
        if bases and table.family in families and (table.backend is not Backend.NFT or kind == "nat"):
            return table, (table.chain("DOCKER") if _jumps(bases[0], "DOCKER") else None) or bases[0]
    return None


def _jumps(chain: Chain, target: str) -> bool:
    statements = (statement for rule in chain.rules for statement in rule.statements)
    return any(isinstance(each, Verdict) and each.chain == target for each in statements)


def _end_of(host: Netns, table: Table, chain: Chain) -> RulePlace:
    return RulePlace(host.id, table.backend, table.family, table.name, chain.name, len(chain.rules))


def port_ref(failure: Failure, host: Netns) -> Ref:
    """The port that is asked for, on the host."""
    port = f"{failure.packet.dport}/{failure.question.protocol}"
    return Ref(RefKind.NETNS, host.id, (), f"port {port}", f"port {port} of {host.id}")


def untranslated(failure: Failure, where: Hop | None = None) -> tuple[NearMiss, ...]:
    """Rules that would have translated the packet where it ended (or on that part of its way), but for a condition or
    two."""
    hop = where or failure.trace.hops[-1]
    return near_misses(Passed(failure.world, hop.netns, _first_hook(failure, hop), hop.steps), translates)


def _first_hook(failure: Failure, hop: Hop | None = None) -> Step:
    """The step at which a translation would have been made."""
    steps = (hop or failure.trace.hops[-1]).steps
    return next((step for step in steps if step.hook in ("prerouting", "output")), steps[-1])
