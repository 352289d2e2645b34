"""The rows of one host: each of its open ports, asked from each zone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import NamedTuple

from engine.explain.ask import ask
from engine.explain.board import open_ports
from engine.explain.evidence.owners import owner_of
from engine.explain.findings.bypass import past_default
from engine.explain.survey.everywhere import uplinks
from engine.explain.survey.exposure import remedy, warnings
from engine.fleet.rows import LISTENING, PAST, PUBLISHED, UNINTENDED, Row
from engine.fleet.zones import INTERNET, ClientZone, NoClient, client
from engine.model.host import Netns, Snapshot
from engine.model.matrix import MatrixPort, PortOwner
from engine.model.ref import Ref, RefKind
from engine.model.trace import StepKind, Trace
from engine.model.verdict import Question, Reach, Source, Verdict
from engine.path.world import World
from engine.records import replace

#: The finding of a connection that a rule was meant to deny.
BYPASSED = "FW_BYPASSED"


class CellAnswer(NamedTuple):
    """What of a row a walk found out."""

    verdict: str
    symptom: str
    cause: str
    rule: str
    owner: str
    past: str
    fix: str
    gap: str


class ServiceEnd(NamedTuple):
    """Where a packet that arrived did: a namespace, its port there, and whether that is on a loopback address."""

    netns: str
    port: int
    on_loopback: bool


class Walked(NamedTuple):
    """What a walk found out. Ids of namespaces are the same on hosts that are alike."""

    answer: CellAnswer
    end: ServiceEnd


#: How a question of a host is answered.
Answer = Callable[[Question], Walked]
#: And as a zone asks it that is another host. Raises NoClient.
AnswerFrom = Callable[[ClientZone, Question], Walked]


def unasked(zone: ClientZone, question: Question) -> Walked:
    """A host alone is asked by no other one. Raises NoClient."""
    raise NoClient(f"{zone.host} is not there to ask {question.end}")


def rows(
    snapshot: Snapshot, host: str, zones: Sequence[ClientZone], answer: Answer, answer_from: AnswerFrom = unasked
) -> Iterator[Row]:
    """The rows of a host, in order of its ports. A zone that is a host has no rows of that host itself."""
    who = cache(lambda zone, version: _client(snapshot, zone, version))
    for port in open_ports(snapshot):
        fixed = _fixed(snapshot, host, port)
        for zone in (each for each in zones if _routed(port, each) and each.host != host):
            row = fixed._replace(zone=zone.name)
            if zone.host:
                yield _row(snapshot, row, port, port.question.source, partial(answer_from, zone))
            else:
                yield _row(snapshot, row, port, who(zone, port.question.address.version), answer)


def _client(snapshot: Snapshot, zone: ClientZone, version: int) -> Source | NoClient:
    """Who asks, or why there is no client."""
    try:
        return client(snapshot, zone, version)
    except NoClient as reason:
        return reason


def answered(world: World, question: Question) -> Walked:
    """One question, walked and explained."""
    verdict = ask(world.snapshot, question, world)
    bypass = next((each for each in verdict.findings if each.code == BYPASSED), None)
    if verdict.reach is Reach.YES and bypass is None:
        bypass = past_default(world, question, verdict.conversation)
    cause = bypass or next(iter(verdict.told), None)
    decided, owner = _decided(world.snapshot, verdict)
    fix = next((each.title for each in cause.fixes), "") if cause is not None else ""
    forward = verdict.conversation.forward
    packet = forward.last.packet
    answer = CellAnswer(
        str(verdict.reach),
        str(verdict.symptom),
        cause.code if cause is not None else "",
        decided,
        owner,
        _denied(bypass.at) if bypass is not None else "",
        fix,
        "; ".join(dict.fromkeys(f"{gap.source}: {gap.reason}" for gap in verdict.gaps)),
    )
    return Walked(answer, ServiceEnd(forward.hops[-1].netns, packet.dport or 0, packet.dst.is_loopback))


def _decided(snapshot: Snapshot, verdict: Verdict) -> tuple[str, str]:
    """The rule that denied the packet; of one that arrived the last that let it through or translated it."""
    if verdict.reach is not Reach.YES:
        at = next((each.at for each in verdict.causes if each.at.kind in (RefKind.RULE, RefKind.CHAIN)), None)
    else:
        at = _last_rule(verdict.conversation.forward)
    return (_words(at), owner_of(at, snapshot.by_id[at.netns].firewall)) if at is not None else ("", "")


def _last_rule(trace: Trace) -> Ref | None:
    deciding = (step.ref for step in reversed(trace.steps) if step.kind in (StepKind.RULE, StepKind.NAT))
    return next((ref for ref in deciding if ref is not None and ref.kind is RefKind.RULE), None)


def _words(ref: Ref) -> str:
    """A rule as people look it up: where it is, and its line."""
    return f"{ref.name}: {ref.text}" if ref.text and ref.text != ref.name else ref.name


def _denied(ref: Ref) -> str:
    return f"{ref.name}: policy" if ref.kind is RefKind.CHAIN else _words(ref)


def _routed(port: MatrixPort, zone: ClientZone) -> bool:
    """Whether a packet for the port can come from a zone at all: the internet has no route to a container's own private
    address (RFC 1918, 3); a host's may be behind a translation one to one, as clouds have it."""
    if zone.name != INTERNET or port.service is not PortOwner.CONTAINER:
        return True
    return port.question.address.is_global


def _row(snapshot: Snapshot, fixed: Row, port: MatrixPort, source: Source | NoClient, answer: Answer) -> Row:
    try:
        if isinstance(source, NoClient):
            raise source
        question = _asked(snapshot, port.question, source)
        found, end = answer(question)
    except NoClient as reason:
        return fixed._replace(gap=str(reason))
    row = fixed._replace(address=str(question.address))
    if found.verdict != Reach.YES:
        return row._replace(**found._asdict())
    if not _is_service(port, end, fixed.netns):
        return row._replace(gap=f"another service answers there: port {end.port} in {end.netns}")
    intended, remedy = _intended(snapshot, port, found)
    return row._replace(**found._asdict())._replace(intended=intended, fix=found.fix or remedy)


def _is_service(port: MatrixPort, end: ServiceEnd, netns: str) -> bool:
    """Whether the service that listens is what answers. What is published is reached where anything answers, but for
    what is published on a loopback address: it is asked for at another one."""
    if port.service is PortOwner.PUBLISHED and not port.loopback_only:
        return True
    on_loopback = port.loopback_only and port.service is PortOwner.HOST
    return end == ServiceEnd(netns, port.serves, on_loopback)


def _asked(snapshot: Snapshot, question: Question, source: Source) -> Question:
    """The question of a client; a port of the loopback address is asked for at that of the uplink."""
    if not question.address.is_loopback:
        return replace(question, source=source)
    for _, address in uplinks(snapshot, question.address.version):
        return replace(question, source=source, address=address.address)
    raise NoClient(f"no device with an IPv{question.address.version} address leads out of this host")


def _intended(snapshot: Snapshot, port: MatrixPort, found: CellAnswer) -> tuple[str, str]:
    """Whether it was meant to be reached, and what to do where it was not."""
    if found.past:
        return PAST, ""
    for code, _ in warnings(snapshot, port):
        if code in UNINTENDED:
            return UNINTENDED[code], remedy(code, port)
    return (PUBLISHED if port.service is PortOwner.PUBLISHED else LISTENING), ""


def _fixed(snapshot: Snapshot, host: str, port: MatrixPort) -> Row:
    """What a row says of the port, from every zone."""
    asked = port.question
    container = next((each for each in snapshot.containers if each.name == port.owner), None)
    if port.service is PortOwner.HOST:
        container = None
    netns = snapshot.host_netns if container is None else snapshot.by_id.get(container.netns or "")
    return Row(
        host,
        snapshot.taken_at,
        netns.id if netns is not None else "",
        container.name if container is not None else "",
        container.image if container is not None else "",
        str(asked.address),
        asked.port,
        str(asked.protocol),
        process=_process(netns, port),
        published=_published(snapshot, port),
    )


def _process(netns: Netns | None, port: MatrixPort) -> str:
    """The program that listens there, where that is known: at the address that is asked for, else at any."""
    asked, found = port.question, ""
    for listener in netns.listeners if netns is not None else ():
        if (listener.port, listener.protocol) == (port.serves, asked.protocol) and listener.process is not None:
            if listener.address == asked.address:
                return listener.process.name
            found = found or listener.process.name
    return found


def _published(snapshot: Snapshot, port: MatrixPort) -> str:
    asked = port.question
    if port.service is not PortOwner.PUBLISHED:
        return ""
    for container, each in snapshot.published:
        if (container.name, each.host_port, each.protocol) == (port.owner, asked.port, asked.protocol):
            where = "*" if each.host_address is None else str(each.host_address)
            return f"{where}:{each.host_port}->{each.container_port}/{each.protocol}"
    return f"*:{asked.port}->{port.serves}/{asked.protocol} by a rule"
