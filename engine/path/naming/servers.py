"""One server asked for one name: the query's own conversation, who takes it, and whom that asks in turn.

The query is a datagram to port 53 that is walked as any other packet; an answer that is too long for one comes by TCP,
the same way. A server outside of the snapshot, or a program whose records are not known, has an unknown answer.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.model.address import IPAddress
from engine.model.application.lab_resolver import LAB_RESOLVER
from engine.model.application.naming import DNS_PORT, Libc, NameConfig, NamedBy, NameStep, NameSymptom, Resolver
from engine.model.packet import Protocol
from engine.model.ref import Ref, RefKind
from engine.model.trace import Conversation, Outcome, Symptom
from engine.model.traffic import Listener
from engine.model.verdict import Question, Source
from engine.path.naming.answers import (
    DOCKERS,
    DOCKERS_PATIENCE,
    HOST_NAMES,
    Known,
    home_of,
    names_of,
    of_aardvark,
    of_docker,
    of_forwarder,
    of_lab,
)
from engine.path.world import World
from engine.records import dataclass, replace

#: A resolver that asks a resolver that asks a resolver … ends here.
MOST_IN_TURN = 4
#: Seconds until a neighbour that does not answer counts as dead (arp(7): three questions, a second apart).
LATE_SECONDS = 3
#: What a name's server has said for good: no other server is asked.
FINAL = frozenset({NameSymptom.FOUND, NameSymptom.NO_NAME, NameSymptom.NO_ADDRESS, NameSymptom.UNKNOWN})
_LEADS_AWAY = frozenset({Outcome.LEAVES_VIEW, Outcome.UNKNOWN})
_BY = {"dockerd": NamedBy.DOCKER, "aardvark-dns": NamedBy.AARDVARK}


@dataclass(frozen=True, slots=True)
class NameAsker:
    """Who looks a name up: by which configuration, from where, and how one of its questions is walked."""

    world: World
    config: NameConfig
    ask: Callable[[Question], Conversation]


@dataclass(frozen=True, slots=True)
class ServerSaid:
    """What asking one server came to: its own step, then those of the servers that it asked."""

    steps: tuple[NameStep, ...]
    symptom: NameSymptom
    addresses: tuple[IPAddress, ...] = ()

    @property
    def seconds(self) -> int:
        """What the client waits for it."""
        return sum(step.seconds for step in self.steps)


def ask_server(asking: NameAsker, at: tuple[str, IPAddress], name: str, patience: int, depth: int = 0) -> ServerSaid:
    """Asks the server at an address from a namespace (`at`), which waits so many seconds for an answer."""
    netns, server = at
    talk = asking.ask(Question(Source(netns), server, DNS_PORT, Protocol.UDP))
    plain = NameStep(NamedBy.DNS, name, NameSymptom.UNKNOWN, server, at=talk.forward.last.ref, query=talk)
    if any(trace.outcome in _LEADS_AWAY for trace in talk.way):
        return _outside(asking.world, plain)
    if talk.symptom is not Symptom.CONNECTED:
        hears = depth == 0 and asking.config.libc is Libc.GLIBC
        return _unanswered(plain, talk, patience, hears=hears)
    listener = _listener(asking.world, talk)
    program = listener.process.name if listener is not None and listener.process is not None else ""
    known = _known(asking, talk, listener, program, name) if depth < MOST_IN_TURN else None
    by = _BY.get(program, NamedBy.LOCAL)
    if known is None:
        return _outside(asking.world, plain)
    step = replace(plain, by=by, network=known.network, answer=known.addresses)
    if known.named:
        found = NameSymptom.FOUND if known.addresses else NameSymptom.NO_NAME
        at_container = _container_ref(asking.world, known.container) or step.at
        return ServerSaid((replace(step, symptom=found, at=at_container),), found, known.addresses)
    return _in_turn(asking, replace(step, symptom=NameSymptom.NO_NAME), known, name, depth)


def _outside(world: World, step: NameStep) -> ServerSaid:
    """A server whose records are not seen. Unless it was asked, it has no name that an engine gives a container, and
    may have any other."""
    for each in world.snapshot.name_answers:
        if (each.server, each.name) == (step.server, step.name):
            told = replace(step, symptom=each.symptom, answer=each.addresses)
            return ServerSaid((told,), each.symptom, each.addresses)
    own = step.name in HOST_NAMES or any(
        step.name in (*names_of(each, place), each.service.lower())
        for each in world.snapshot.containers
        for place in each.attachments
    )
    symptom = NameSymptom.NO_NAME if own else NameSymptom.UNKNOWN
    return ServerSaid((replace(step, symptom=symptom),), symptom)


def _unanswered(step: NameStep, talk: Conversation, patience: int, *, hears: bool) -> ServerSaid:
    """The query got no answer: nothing came in time, or an error did. glibc `hears` of every error (IP_RECVERR;
    resolv/res_enable_icmp.c), other resolvers of those that UDP counts as fatal."""
    known = {Symptom.TIMEOUT: NameSymptom.TIMEOUT, Symptom.REFUSED: NameSymptom.REFUSED}
    symptom = known.get(talk.symptom, NameSymptom.UNREACHABLE)
    if hears and talk.error is not None and talk.error.outcome is Outcome.DELIVERED:
        symptom = NameSymptom.REFUSED if symptom is NameSymptom.REFUSED else NameSymptom.UNREACHABLE
    late = LATE_SECONDS if talk.forward.outcome is Outcome.NO_NEIGHBOUR else 0
    seconds = patience if symptom is NameSymptom.TIMEOUT else late
    return ServerSaid((replace(step, symptom=symptom, seconds=seconds),), symptom)


def _listener(world: World, talk: Conversation) -> Listener | None:
    """The socket that took the query."""
    ref = talk.forward.last.ref
    if ref is None or ref.kind is not RefKind.LISTENER:
        return None
    protocol, address, port = ref.key
    for each in world.netns(ref.netns).listeners:
        if (str(each.protocol), str(each.address or ""), each.port) == (protocol, address, port):
            return each
    return None


def _known(asking: NameAsker, talk: Conversation, listener: Listener | None, program: str, name: str) -> Known | None:
    """What the program that took the query says by itself; None where that is not known."""
    ended = talk.forward.hops[-1].netns
    snapshot = asking.world.snapshot.around(ended)
    if listener is None or listener.process is None:
        return None
    if program == "dockerd" and str(listener.address) == DOCKERS:
        home = home_of(snapshot, listener.process.pid) or snapshot.host_netns
        return of_docker(snapshot, asking.config, home.id, name)
    resolver = _resolver(asking.world, ended, listener.process.pid, program)
    if resolver is None or not resolver.known:
        return None
    of_clients = {"aardvark-dns": of_aardvark, LAB_RESOLVER: of_lab}.get(program)
    if of_clients is not None:
        client = asking.world.netns(asking.config.netns)
        return of_clients(resolver, {talk.forward.last.packet.src, *client.addresses_by_value}, name)
    return of_forwarder(resolver, name)


def _resolver(world: World, netns: str, pid: int, program: str) -> Resolver | None:
    found = [each for each in world.snapshot.resolvers if each.program == program and each.netns == netns]
    return next((each for each in found if each.pid == pid), found[0] if found else None)


def _in_turn(asking: NameAsker, step: NameStep, known: Known, name: str, depth: int) -> ServerSaid:
    """The servers that a resolver asks for a name that it has not, one after the other."""
    if not known.servers:
        symptom = NameSymptom.NO_NAME if step.by is NamedBy.AARDVARK else NameSymptom.SERVER_FAILURE
        return ServerSaid((replace(step, symptom=symptom),), symptom)
    steps = [step]
    for at in known.servers:
        said = ask_server(asking, at, name, DOCKERS_PATIENCE, depth + 1)
        steps += said.steps
        if said.symptom in FINAL:
            return ServerSaid(tuple(steps), said.symptom, said.addresses)
    return ServerSaid(tuple(steps), NameSymptom.SERVER_FAILURE)


def _container_ref(world: World, container: str) -> Ref | None:
    found = next((each for each in world.snapshot.containers if each.id == container), None)
    if found is None:
        return None
    return Ref(
        RefKind.CONTAINER, found.netns or world.snapshot.host, (found.id,), found.name, f"container {found.name}"
    )
