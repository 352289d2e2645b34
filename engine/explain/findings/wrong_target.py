"""Findings beside a connection that works: it is not the one that the engine was asked for.

Another container, or another program, answers in the place of the one that publishes the port; or only the engine's
proxy serves it, since the rule that should translate the port is gone: then the program sees the proxy, not the client.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from engine.change.new_rules import Selector, insertion
from engine.explain.blocker import Remedy
from engine.explain.blockers.nat import right_targets
from engine.explain.blockers.publishing.publish import publish, rewriting, untranslated
from engine.explain.blockers.publishing.rules import iptables_place
from engine.explain.blockers.publishing.services import IntendedService, all_services
from engine.explain.evidence.owners import owner_of
from engine.explain.failure import FailedLeg, Failure, rule_at, translation_of
from engine.explain.ranking.selection import FixChoice, fix_of
from engine.explain.ranking.side_effects import Sideways
from engine.explain.search.endings import main_run
from engine.explain.search.search import after_remedy
from engine.explain.survey.probes import takes
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.ref import Ref
from engine.model.trace import Conversation, Symptom
from engine.model.traffic import Relay
from engine.model.verdict import Cause, Fix, Question
from engine.path.exchange.conversation import conversations
from engine.path.lookup.broadcast_domain import ports_of
from engine.path.lookup.sockets import listener_ref
from engine.path.world import World
from engine.records import dataclass

#: Whether a conversation is what the engine was asked for.
Meant = Callable[[Conversation], bool]


def unintended(world: World, question: Question, conversation: Conversation) -> tuple[Cause, ...]:
    """What a connection is instead of the one that was meant; nothing where nobody's intention is known."""
    talk = Failure(world, question, conversation, FailedLeg.FORWARD, conversation.forward)
    return (*_another_answers(talk), *_only_by_proxy(talk))


@dataclass(frozen=True, slots=True)
class Publisher:
    """Whom a port was published for: by what the engine says, or by where its proxy leads. `netns` is None where it
    does not run."""

    name: str
    netns: str | None
    engine: str
    port: int
    created: bool = False


def _another_answers(talk: Failure) -> Iterator[Cause]:
    """A container or program that is not the one which the port was published for."""
    last = _last(talk.conversation).forward
    netns, at = last.hops[-1].netns, last.last.ref
    meant = min(_publishers(talk), key=lambda each: (each.netns != netns, each.netns is None), default=None)
    if meant is None or meant.netns == netns or at is None:
        return
    if meant.netns is None:
        if meant.created and netns == talk.home.host:
            sentence = f"{at.text} in {netns} answers instead of {meant.name}, which publishes the same port"
            never = f"{meant.name} never started: stop the other program, then start it"
            yield Cause("DST_PORT_CONFLICT", sentence, at, "admin", (never,))
        return
    step = translation_of(talk)
    found = rule_at(talk.world, step.ref) if step is not None and step.ref is not None else None
    if step is None or step.ref is None or found is None:
        return
    host, port = talk.world.netns(step.ref.netns), step.packet.dport or 0
    here = [each.name for each in talk.home.containers_in(netns)]
    who = here[0] if here else netns
    sentence = f"{who} answers instead of {meant.name}: {step.ref.words} in {host.id} translates port {port} to {who}"
    evidence = (f"rule: {found[1].text}", f"{meant.engine} published {port} for {meant.name}")
    services = [each for each in all_services(talk, host) if each.netns.id == meant.netns and each.port == meant.port]
    remedies = right_targets(talk, step, found[1], services)
    fixes = _proven(talk, remedies, lambda after: _last(after).forward.hops[-1].netns == meant.netns)
    owner = owner_of(step.ref, host.firewall)
    yield Cause("NAT_DNAT_STALE_TARGET", sentence, step.ref, owner, evidence, fixes=fixes)


def _last(conversation: Conversation) -> Conversation:
    """The connection of the last relay, or the only one."""
    return _last(conversation.relayed) if conversation.relayed is not None else conversation


def _publishers(talk: Failure) -> Iterator[Publisher]:
    """Whom the asked port of the host is published for."""
    snapshot, asked = talk.home, talk.question
    host = snapshot.host_netns
    if asked.address not in host.addresses_by_value or asked.address.is_loopback:
        return
    for container, port in snapshot.published:
        there = port.host_address is None or port.host_address.is_unspecified or port.host_address == asked.address
        if there and (port.host_port, port.protocol) == (asked.port, asked.protocol):
            created = container.state == "created"
            yield Publisher(container.name, container.netns, container.engine, port.container_port, created)
    for listener in host.listeners:
        relay = listener.process.relay if listener.process is not None else None
        if (listener.port, listener.protocol) != (asked.port, asked.protocol) or not takes(listener, asked.address):
            continue
        for netns in snapshot.namespaces if relay is not None and relay.kind == "docker-proxy" else ():
            if relay is not None and relay.target in netns.addresses_by_value and relay.port is not None:
                yield Publisher(netns.id, netns.id, "docker", relay.port)


def _only_by_proxy(talk: Failure) -> Iterator[Cause]:
    """A rule would take the packet before the proxy's socket could, if it were there."""
    second, at, packet = talk.conversation.relayed, talk.step.ref, talk.packet
    relay = _relay_at(talk.netns, at)
    if second is None or at is None or relay is None or relay.kind != "docker-proxy" or packet.dst.is_loopback:
        return
    everyone = all_services(talk, talk.netns)
    service = next((each for each in everyone if (each.address, each.port) == (relay.target, relay.port)), None)
    if service is None or service.address.version != packet.dst.version or _from_bridge(talk, service.bridge):
        return
    sentence = (
        f"{service.name} is reached through docker-proxy only: {talk.netns.id} has no DNAT rule for port "
        f"{packet.dport}; it sees {second.forward.hops[0].packet.src} for every client"
    )
    untracked = any(step.context.ct_state == "untracked" for step in talk.trace.hops[-1].steps)
    why = (
        "a rule exempts the packet from connection tracking"
        if untracked
        else "rules were flushed, or dockerd writes none"
    )
    evidence = (why,)
    again = rewriting(service.container) if service.container and not untracked else ""
    remedy = publish(talk, talk.netns, service, packet.dport or 0, again)
    remedies = [remedy, *([_all_its_rules(talk, service, again, remedy)] if again else ())]
    fixes = _proven(talk, remedies, lambda after: after.relayed is None)[:1]
    yield Cause("NAT_PROXY_ONLY", sentence, at, "docker", evidence, untranslated(talk), fixes)


def _relay_at(netns: Netns, at: Ref | None) -> Relay | None:
    """What the process of a socket relays to."""
    found = (each for each in netns.listeners if at is not None and listener_ref(netns.id, each).key == at.key)
    process = next((each.process for each in found), None)
    return process.relay if process is not None else None


def _all_its_rules(talk: Failure, service: IntendedService, again: str, remedy: Remedy) -> Remedy:
    """The engine writes all of its rules, also that answers are forwarded: no command does the same."""
    place = iptables_place(talk.netns, service.address.version, "filter", "FORWARD")
    answers = Selector(talk.question.protocol, source=service.address, sport=service.port, established=True)
    return Remedy(again, (*remedy.changes, insertion(place, answers)), manual=True, kind=remedy.kind)


def _from_bridge(talk: Failure, bridge: Link) -> bool:
    """Whether the packet came in by the service's own bridge, whose packets Docker leaves to its proxy."""
    came_by = {step.context.iif for step in talk.trace.hops[-1].steps}
    return bool(came_by & {bridge.name, *(port.name for port in ports_of(talk.netns, bridge))})


def _proven(talk: Failure, remedies: Iterable[Remedy], meant: Meant) -> tuple[Fix, ...]:
    """Remedies after which the connection is the one that was meant."""
    sideways, found = Sideways(talk.question), []
    for remedy in remedies:
        after = after_remedy(talk.world, remedy)
        result = main_run(conversations(after, talk.question)[0]).result
        if result.symptom is Symptom.CONNECTED and meant(result):
            way = FixChoice(remedy, result.symptom, sideways.of(talk.world, after, remedy.changes))
            found.append(fix_of(talk.world.snapshot, way))
    return tuple(found)
