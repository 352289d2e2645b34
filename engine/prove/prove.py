"""`prove`: the attempt with everything listening around it, and the prediction beside what was seen.

In order: the client's socket takes its port, so that only its packets are looked for; a post is opened in each
namespace of the predicted way; the kernel is asked where it would route; the attempt is made by the calling thread;
what was heard is collected, everything is closed, and `compare` puts both side by side.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from threading import Event

from engine.model.host import Gap, Snapshot
from engine.model.packet import ECHO
from engine.model.proof import Attempt, Drop, Proof
from engine.model.verdict import Question, Source, Verdict
from engine.observe.base.errors import gap
from engine.prove import names
from engine.prove.attempt import Target, attempt, open_client, port_of
from engine.prove.compare import proof_of
from engine.prove.echo import new_ident
from engine.prove.errors import ProveError
from engine.prove.evidence import comments
from engine.prove.listeners import Listening, Posts, within
from engine.prove.packets.capture import Captured
from engine.prove.packets.packet_matching import talk_of
from engine.prove.packets.pcapng import file_of
from engine.prove.predicted import conversations
from engine.prove.sources import drops
from engine.read_only import may
from engine.records import dataclass, field, replace

#: Seconds for the whole attempt, when nobody says otherwise: a lost first packet is sent again after one.
SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """How long an attempt may take (None: as usual), and in which namespaces (by id) trace rules may be added.

    With `trace` None they may be added in all. Once `stop` is set, an outside client is no longer waited for.
    """

    seconds: float | None = None
    trace: frozenset[str] | None = frozenset()
    stop: Event = field(default_factory=Event)


@dataclass(frozen=True)
class Proven:
    """The proof, and the captured packets, each with what it is."""

    proof: Proof
    captured: Mapping[Captured, str] = field(default_factory=dict)

    def pcapng(self) -> bytes:
        """The packets as a file for Wireshark."""
        return file_of(self.captured, self.captured)


def client_of(snapshot: Snapshot, question: Question) -> Source | None:
    """Who makes the attempt: the namespace that asks, or the one on this machine that has an outside client's address.

    None where the client is not on this machine, or where several namespaces have its address.
    """
    asked = question.source
    if not asked.outside:
        return asked
    owners = [
        netns.id
        for netns in snapshot.namespaces
        if netns.id != snapshot.host and asked.address in netns.addresses_by_value
    ]
    return Source(owners[0], asked.address, port=asked.port) if len(owners) == 1 else None


def prove(snapshot: Snapshot, verdict: Verdict, wishes: Wishes | None = None) -> Proven:
    """Makes the question's attempt and compares. Raises ProveError when it cannot be made.

    The client must be on this machine (`client_of`); for one that is not, see `watch`.
    """
    may("send a packet")
    wishes = wishes or Wishes()
    client = client_of(snapshot, verdict.question)
    if client is None:
        raise ProveError("the client is not on this machine: its packets can only be waited for")
    drops.sweep()
    target = _target(snapshot, verdict.question, client)
    with _client_socket(snapshot, client, target) as knocker:
        port = target.port if target.protocol in ECHO else port_of(knocker)
        talk = talk_of(verdict.question, conversations(verdict), port)
        with Posts(snapshot, verdict, Listening(talk, wishes.trace), client.netns) as posts:
            ways = posts.ways()
            made, dropped, gaps = _attempt(knocker, target, SECONDS if wishes.seconds is None else wishes.seconds)
            seen = posts.collect()
    named = tuple(names.rows(snapshot, verdict))
    seen = replace(seen, ways=ways, drops=dropped, gaps=(*gaps, *seen.gaps), names=named)
    return Proven(proof_of(snapshot, verdict, made, seen, talk), comments(seen.captured, talk))


def _target(snapshot: Snapshot, question: Question, client: Source) -> Target:
    link = snapshot.by_id[client.netns].links_by_name.get(question.zone)
    scope = link.index if link is not None else 0
    port = new_ident() if question.protocol in ECHO else question.port
    return Target(question.protocol, question.address, port, scope, client.address, client.port, question.url)


def _client_socket(snapshot: Snapshot, client: Source, target: Target) -> socket.socket:
    try:
        return within(snapshot, client.netns, lambda: open_client(target))
    except OSError as error:
        why = error.strerror or str(error)
        raise ProveError(f"the namespace {client.netns} cannot be entered ({why}): run as root") from error


def _attempt(
    knocker: socket.socket, target: Target, seconds: float
) -> tuple[Attempt, tuple[Drop, ...], tuple[Gap, ...]]:
    """The attempt by this thread, with the kernel's drop reasons where they may be had."""
    try:
        tracing = drops.DropTracing(threading.get_native_id())
    except (OSError, ProveError) as error:
        return attempt(knocker, target, seconds), (), (gap("drop reasons", "", error),)
    try:
        made = attempt(knocker, target, seconds)
        try:
            return made, tracing.read(), ()
        except OSError as error:
            return made, (), (gap("drop reasons", "", error),)
    finally:
        tracing.close()
