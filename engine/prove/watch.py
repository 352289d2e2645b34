"""Watching for a client that is not on this machine: nothing is sent, its packets are waited for.

The host is watched for what the question asks about: the client's address, the target, the port. When the first packet
comes, its port makes it a known conversation; what the host does with it in the moment that follows (`SETTLE`) is
compared with the prediction. What the client gets is told by what leaves towards it: an answer is "connected", a
reset "refused", an ICMP error what it means to a client (`ERRORS`), silence a timeout; each as far as this host can
see. Whether a program then says something is not watched for.
"""

from __future__ import annotations

import time

from engine.model.host import Snapshot
from engine.model.packet import ECHO, TCP_RST, Packet, Protocol
from engine.model.proof import Agreement, Attempt, Leg, Proof, Sighting
from engine.model.trace import Symptom
from engine.model.verdict import Verdict
from engine.prove.compare import proof_of
from engine.prove.errors import ProveError
from engine.prove.evidence import Evidence, comments, sightings
from engine.prove.listeners import Listening, Posts
from engine.prove.packets.headers import parse_packet
from engine.prove.packets.packet_matching import ObservedTalk, talk_of
from engine.prove.predicted import conversations
from engine.prove.prove import Proven, Wishes
from engine.read_only import may
from engine.records import replace

#: Seconds that a first packet is waited for when nobody says otherwise, and that its answer is.
SECONDS, SETTLE = 30.0, 1.5
#: Seconds after which the wish to stop is noticed.
_SLICE = 0.2
_DOUBT = "as far as this host can see"

#: By IP version: the code of a destination unreachable message, and what a connecting client makes of it
#: (net/ipv4/icmp.c, icmp_err_convert; net/ipv6/icmp.c, tab_unreach). Any other error is "no route to host".
ERRORS: dict[int, dict[int, Symptom]] = {
    4: {
        0: Symptom.NET_UNREACHABLE,
        2: Symptom.PROTOCOL_UNREACHABLE,
        3: Symptom.REFUSED,
        9: Symptom.NET_UNREACHABLE,
    },
    6: {0: Symptom.NET_UNREACHABLE, 1: Symptom.PROHIBITED, 4: Symptom.REFUSED},
}
_UNREACHABLE = {4: 3, 6: 1}
#: Errors that a UDP socket keeps to itself.
_QUIET = frozenset({Symptom.NET_UNREACHABLE, Symptom.HOST_UNREACHABLE})
_ACCEPTED = frozenset({Symptom.ACCEPTED_THEN_CLOSED, Symptom.ACCEPTED_THEN_SILENT})


def watch(snapshot: Snapshot, verdict: Verdict, wishes: Wishes | None = None) -> Proven:
    """Waits for the packets of the question's outside client and compares. Raises ProveError for an echo."""
    may("have packets watched and traced")
    wishes = wishes or Wishes()
    question = verdict.question
    if question.protocol in ECHO:
        raise ProveError(
            "an outside client's echoes are not waited for: ask for a port, or from a namespace of this host"
        )
    unknown = talk_of(question, conversations(verdict), None)
    begun = time.monotonic()
    with Posts(snapshot, verdict, Listening(unknown, wishes.trace), question.source.netns) as posts:
        ways = posts.ways()
        port = _first_port(posts, unknown, question.source.device or "", wishes)
        if port is None:
            waited = time.monotonic() - begun
            gaps = posts.collect().gaps
            missing = Proof(verdict.symptom, None, Agreement.UNSEEN, gaps=gaps, arrived=False, waited=waited)
            return Proven(missing)
        talk = talk_of(question, conversations(verdict), port)
        _settle(posts, talk)
        seen = replace(posts.collect(), ways=ways)
    made = _attempt(seen, talk, question.source.device or "")
    shown = proof_of(snapshot, verdict, made, seen, talk)
    if verdict.symptom in _ACCEPTED and made.symptom is Symptom.CONNECTED:
        shown = replace(shown, agrees=Agreement.UNSEEN)
    return Proven(replace(shown, arrived=True, waited=time.monotonic() - begun), comments(seen.captured, talk))


def _first_port(posts: Posts, talk: ObservedTalk, device: str, wishes: Wishes) -> int | None:
    """The client's port, once a packet of it came in by the device; None when none did until the wait ended."""
    until = time.monotonic() + (SECONDS if wishes.seconds is None else wishes.seconds)
    while (left := until - time.monotonic()) > 0 and not wishes.stop.is_set():
        for each in posts.captured() if posts.wait(min(left, _SLICE)) else ():
            packet = parse_packet(each.data)
            if packet and each.device == device and not each.outgoing and _asks(packet, talk):
                return packet.sport
    return None


def _asks(packet: Packet, talk: ObservedTalk) -> bool:
    asked = (packet.protocol, packet.dst, packet.dport) == (talk.protocol, talk.target, talk.target_port)
    return asked and packet.src == talk.addresses[0]


def _settle(posts: Posts, talk: ObservedTalk) -> None:
    """Waits until the client was answered, at most for a moment."""
    until = time.monotonic() + SETTLE
    while posts.wait(until - time.monotonic()):
        seen = sightings(posts.captured(), talk)
        if any(each.leg in (Leg.CONFIRM, Leg.ERROR) for each in seen):
            return


def _attempt(seen: Evidence, talk: ObservedTalk, device: str) -> Attempt:
    """The client's attempt as its host sees it."""
    back = [each for each in sightings(seen.captured, talk) if each.device == device and each.direction == "out"]
    address = talk.addresses[0] if talk.addresses else None
    return Attempt(_symptom(back, talk.protocol), address, talk.port, doubt=_DOUBT)


def _symptom(back: list[Sighting], protocol: Protocol) -> Symptom:
    answers = [each for each in back if each.leg is Leg.REPLY]
    if any(not each.packet.tcp_flags & TCP_RST for each in answers):
        return Symptom.CONNECTED
    if answers:
        return Symptom.REFUSED
    error = next((each.packet for each in back if each.leg is Leg.ERROR), None)
    if error is None:
        return Symptom.TIMEOUT
    version = error.dst.version
    known = ERRORS[version] if error.icmp_type == _UNREACHABLE[version] else {}
    symptom = known.get(error.icmp_code or 0, Symptom.HOST_UNREACHABLE)
    return Symptom.TIMEOUT if protocol is not Protocol.TCP and symptom in _QUIET else symptom
