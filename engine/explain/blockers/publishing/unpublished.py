"""Blockers of publishing: nobody asked the engine for the port, and a container could be meant."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from engine.change.listener import Listen
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers.publishing.publish import (
    HOLDING,
    asking,
    held,
    left_to_the_proxy,
    port_ref,
    publish,
    run_again,
    untranslated,
)
from engine.explain.blockers.publishing.published_but_broken import unfulfilled
from engine.explain.blockers.publishing.services import IntendedService, all_services, intention, services_for
from engine.explain.blockers.unassigned_address import balances
from engine.explain.evidence.rule_effects import translates
from engine.explain.evidence.rule_scope import aimed
from engine.explain.failure import FailedLeg, Failure, rule_at, translation_of
from engine.model.address import end_of
from engine.model.firewall import Field, Interval, Match, Nat, NatKind, Rule
from engine.model.host import Netns
from engine.model.verdict import FixKind
from engine.path.lookup.sockets import listeners_on_port
from engine.records import replace


def not_published(failure: Failure) -> list[Blocker]:
    """NO_LISTENER at the host's address: no rule translates the port, and a container could be meant."""
    host, asked = failure.netns, failure.packet.dport or 0
    if failure.leg is not FailedLeg.FORWARD or translation_of(failure) or failure.depth:
        return []
    if host.id != failure.home.host and not all_services(failure, host):
        return []
    meant = intention(failure, asked)
    if meant is not None:
        return [unfulfilled(failure, *meant)]
    if behind := _behind_the_image(failure, host, asked):
        return [behind]
    everyone = next(filter(None, (all_services(failure, host, version) for version in _versions(failure))), [])
    if not everyone or _shares_host(failure):
        return []
    left = left_to_the_proxy(failure)
    if left is not None or (failure.packet.dst.is_loopback and _translated_for_others(failure, asked)):
        return [_left_to_a_program(failure, asked, left)]
    found = services_for(failure, host, asked)
    engines = _publishes(host) or any(each.container is not None for each in everyone)
    if not found and not engines:
        return []
    remedies = tuple(publish(failure, host, service, asked) for service in found)
    remedies += (_by_the_engine(failure, found, asked),) if engines else ()
    evidence = (
        *islice(_published(failure), 4),
        *(f"{each.name} listens on {end_of(each.address, each.port)}" for each in (found or everyone)[:4]),
    )
    sentence = _unserved(failure, host, asked)
    misses = untranslated(failure)
    return [
        Blocker("NAT_NOT_PUBLISHED", sentence, port_ref(failure, host), remedies, everyone[0].engine, evidence, misses)
    ]


def _unserved(failure: Failure, host: Netns, asked: int) -> str:
    """What there is of the port that is asked for, where it is not published."""
    port = f"{asked}/{failure.question.protocol}"
    elsewhere = [str(each) for each in listeners_on_port(host, failure.packet)]
    if elsewhere:
        end = end_of(failure.packet.dst, asked)
        return f"port {port} of {host.id} is served on {', '.join(elsewhere)} only, not on {end}"
    places = ((each.name, port) for each, port in failure.home.published if port.host_port == asked)
    for name, other in places:
        if other.protocol is not failure.question.protocol:
            own, wanted = str(other.protocol).upper(), str(failure.question.protocol).upper()
            return f"port {asked} of {host.id} is published for {name} by {own} only, not by {wanted}"
    return f"port {port} is not published on {host.id}: no rule translates it and nothing listens on it"


def _behind_the_image(failure: Failure, host: Netns, asked: int) -> Blocker | None:
    """The option that publishes the port stood behind the image's name, where words are the program's."""
    wanted = (asked, failure.question.protocol)
    given = ((each, port) for each in failure.home.containers if each.of_host for port in each.misplaced)
    container, port = next((one for one in given if (one[1].host_port, one[1].protocol) == wanted), (None, None))
    if container is None or port is None:
        return None
    words = asking(failure, asked, port.container_port)
    sentence = (
        f"{container.name} was run with -p {words} behind the image's name, where {container.engine} takes it for a "
        "word of its command"
    )
    again = f"run {container.name} again with -p {words} before the image's name"
    everyone = all_services(failure, host)
    own = [each for each in everyone if (each.container, each.port) == (container, port.container_port)]
    by_hand = tuple(publish(failure, host, service, asked, again) for service in own)
    for_good = Remedy(
        again, (Listen(host.id, held(failure, asked)),), manual=True, kind=FixKind.PUBLISH, fallback=bool(own)
    )
    return Blocker("NAT_NOT_PUBLISHED", sentence, port_ref(failure, host), (*by_hand, for_good), container.engine)


def fallen(failure: Failure) -> list[Blocker]:
    """What drops or rejects in INPUT: the packet would never be asked there, were the port of the one container that
    serves it published, as nothing of the host's own listens on it. A rule that is aimed at the packet is another
    matter."""
    host, ref, asked = failure.netns, failure.step.ref, failure.packet.dport or 0
    if failure.step.hook != "input" or ref is None or listeners_on_port(host, failure.packet):
        return []
    found = rule_at(failure.world, ref)
    conditions = tuple(each for each in found[1].statements if isinstance(each, Match)) if found else ()
    served = any(service.port == asked for service in services_for(failure, host, asked))
    if not served or intention(failure, asked) is not None or aimed(conditions, failure.packet):
        return []
    falls = f"the packet reaches {ref.words}, which drops it: that chain is for the host's own services"
    return [replace(each, evidence=(*each.evidence, falls)) for each in not_published(failure)]


def _translated_for_others(failure: Failure, asked: int) -> bool:
    """Whether rules of the packet's IP version translate the port, though not for the address that is asked for."""
    name = f"{failure.question.protocol} dport"
    families = ("inet", "ip" if failure.packet.dst.version == 4 else "ip6")
    tables = (table for table in failure.netns.firewall.tables if table.family in families)
    return any(
        isinstance(match, Match) and match.fields == (Field(name),) and (Interval(asked, asked),) in match.elements
        for rule in (rule for table in tables for chain in table.chains for rule in chain.rules)
        if any(map(translates, rule.statements))
        for match in rule.statements
    )


def _left_to_a_program(failure: Failure, asked: int, left: Rule | None) -> Blocker:
    """A loopback address, or the container's own bridge, which rules of publishing leave to a program of the engine:
    and there is none."""
    address, port = failure.packet.dst, f"{asked}/{failure.question.protocol}"
    others = f"other addresses than {address}" if left is None else f"all devices but {failure.step.context.iif}"
    sentence = f"rules translate {port} for {others} only, and nothing listens on it at {address}"
    elsewhere = "another address of the host" if left is None else "the container's own address"
    title = f"use {elsewhere}, or restart the container of {port}, which starts its proxy"
    remedy = Remedy(title, (Listen(failure.netns.id, held(failure, asked)),), manual=True)
    return Blocker(
        "NAT_PROXY_ABSENT", sentence, port_ref(failure, failure.netns), (remedy,), near_misses=untranslated(failure)
    )


def _versions(failure: Failure) -> tuple[int, int]:
    """The IP version that is asked for, then the other: a port that is published serves both, by the engine's proxy."""
    return (4, 6) if failure.packet.dst.version == 4 else (6, 4)


def _published(failure: Failure) -> Iterator[str]:
    """What is published beside the port that is asked for, as the engine tells it."""
    for container in failure.home.containers:
        ports = [f"{port.host_port}/{port.protocol} (its {port.container_port})" for port in container.published]
        if ports and container.of_host:
            yield f"{container.name} is published as {', '.join(ports[:4])}{', …' if len(ports) > 4 else ''}"


def _shares_host(failure: Failure) -> bool:
    """Whether the question names a container that has the host's own network: its ports are the host's."""
    asked = failure.question.target.rpartition(":")[0]
    host = failure.home.host
    return any(each.netns == host and each.name == asked for each in failure.home.containers)


def _publishes(host: Netns) -> bool:
    """Whether the host translates any destination at all."""
    rules = (rule for table in host.firewall.tables for chain in table.chains for rule in chain.rules)
    return any(isinstance(s, Nat) and s.kind is NatKind.DNAT for rule in rules for s in rule.statements)


def _by_the_engine(failure: Failure, found: list[IntendedService], asked: int) -> Remedy:
    """Published for good, and for everybody; where which container was meant can't be told, in general words."""
    port = asking(failure, asked, 0).replace(":0", ":PORT")
    title = f"publish a container's port as {asked} (run it again with -p {port}), or start a program on it on the host"
    if balances(failure.netns) and not any(each.engine in HOLDING for each in failure.home.containers):
        title = f"give a service the node port {asked}, or start a program on it on the host"
    if len(found) == 1 and found[0].container is not None:
        title = run_again(found[0].container, asking(failure, asked, found[0].port))
    held_there = Listen(failure.netns.id, held(failure, asked))
    return Remedy(title, (held_there,), manual=True, fallback=len(found) == 1, cost=2, kind=FixKind.PUBLISH)
