"""A twin that stands: what is asked of its snapshot, asked of it by a real client.

A question of the snapshot is about namespaces that have other names here. A client that the snapshot only assumes,
beyond a device, is the node that stands for whoever is there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from engine.apply import kinds
from engine.apply.hands import Hands
from engine.apply.namespaces import netns_file, run_in
from engine.lab import description, lifecycle
from engine.lab.lifecycle import Draft
from engine.lab.twin import same
from engine.lab.twin.rebuild import Rebuilt, TwinOptions, kinds_of
from engine.model.host import Netns, Snapshot
from engine.model.proof import Attempt
from engine.model.trace import Symptom
from engine.model.verdict import Question, Source
from engine.observe.recording import references
from engine.observe.recording.snapshot_file import dumps
from engine.prove.attempt import Target, attempt, open_client
from engine.prove.errors import ProveError
from engine.prove.listeners import within
from engine.records import dataclass, replace
from workbench import world
from workbench.exits import refused
from workbench.session.stopping import ReportProgress

#: Clients that try at the same time.
TOGETHER = 24
#: Seconds for an attempt: a lost first packet is sent again after one. And where a neighbour is asked three times
#: before it counts as gone (net.ipv4.neigh.default.mcast_solicit, retrans_time_ms).
SECONDS, PATIENT = 1.4, 4.5
#: Seconds after which a host may tell a client again why it refuses it.
LIMITED = 1.1


@dataclass(frozen=True, slots=True)
class Twin:
    """A twin: the lab that it is, and what it was rebuilt from."""

    draft: Draft
    rebuilt: Rebuilt

    @property
    def name(self) -> str:
        """The lab's name."""
        return self.draft.lab.name

    def look(self) -> Snapshot:
        """The twin as the kernel has it, without the rest of the machine. Raises `Refusal`."""
        try:
            seen = run_in(lifecycle.host_path(self.name), lambda: world.look(world.of_lab(self.name)))
        except OSError as error:
            raise refused(f"cannot enter twin {self.name}: {error.strerror}; take it down and up again") from error
        return description.alone(seen, self.draft.lab)

    def differences(self, seen: Snapshot) -> tuple[str, ...]:
        """What of it is not as the snapshot says."""
        return same.differences(self.rebuilt, seen)

    def forget_neighbours(self) -> None:
        """Has every namespace forget the neighbours that it found out."""
        places = [node.netns for node in self.rebuilt.nodes] + [each.stub.node.netns for each in self.rebuilt.beyond]
        with Hands() as hands:
            for netns in places:
                hands.run(str(netns_file(netns)), ("ip", "neigh", "flush", "all"))

    def question(self, asked: Question) -> Question | None:
        """A question of the snapshot as one of the twin; None where nobody here can ask it."""
        source = asked.source
        places = {node.origin: node.netns for node in self.rebuilt.nodes}
        if not source.outside:
            here = places.get(source.netns)
            return None if here is None else replace(asked, source=replace(source, netns=here))
        for each in self.rebuilt.beyond:
            if each.stub.origin == source.netns and source.address in each.addresses:
                own = Source(each.stub.node.netns, source.address, port=source.port)
                return replace(asked, source=own)
        return None


def draft(snapshot: Snapshot, file: str, name: str, options: TwinOptions) -> Twin:
    """The twin of a snapshot, before it is built."""
    return Twin(*lifecycle.twin(snapshot, dumps(snapshot), file, name, options))


def part_of(snapshot: Snapshot, places: frozenset[str]) -> Snapshot:
    """These namespaces of a snapshot, and its host, without the ports of bridges that lead to others."""
    kept = places | {snapshot.host}
    return references.within(
        replace(snapshot, namespaces=tuple(_without_ports(netns, kept) for netns in snapshot.namespaces)), kept
    )


def _without_ports(netns: Netns, kept: frozenset[str]) -> Netns:
    """A namespace without the ports of bridges whose other end is not kept, and without what hangs on them."""
    lost = {
        link.index
        for link in netns.links
        if link.master is not None and link.peer is not None and link.peer.netns not in (None, *kept)
    }
    return replace(
        netns,
        links=tuple(link for link in netns.links if link.index not in lost),
        addresses=tuple(each for each in netns.addresses if each.link not in lost),
        routes=tuple(each for each in netns.routes if not {hop.link for hop in each.nexthops} & lost),
        neighbours=tuple(each for each in netns.neighbours if each.link not in lost),
        fdb=tuple(each for each in netns.fdb if each.link not in lost),
    )


def options(snapshot: Snapshot, questions: Iterable[Question]) -> TwinOptions:
    """How a snapshot is rebuilt here: what the kernel lacks is found out. `questions` are those that will be asked."""
    sources = dict.fromkeys(each.source for each in questions)
    clients = tuple(
        (one.netns, one.device, one.address) for one in sources if one.device is not None and one.address is not None
    )
    return TwinOptions(kinds.lacking(kinds_of(snapshot)), clients)


def ask(seen: Snapshot, question: Question, seconds: float = PATIENT) -> Attempt:
    """One real attempt in a twin. Raises `Refusal` where the client cannot try."""
    source = question.source
    link = seen.by_id[source.netns].links_by_name.get(question.zone)
    scope = link.index if link is not None else 0
    target = Target(question.protocol, question.address, question.port, scope, source.address, source.port)
    try:
        client = within(seen, source.netns, lambda: open_client(target))
    except (ProveError, OSError) as error:
        raise refused(f"no client can ask from {source.netns}: {error}") from error
    return attempt(client, target, seconds)


@dataclass(frozen=True, slots=True)
class Compared:
    """A prediction on the snapshot, and what a real client saw; `seen` is None where nobody could ask."""

    question: Question
    predicted: Symptom
    seen: Symptom | None

    @property
    def agrees(self) -> bool:
        """Whether both are the same."""
        return self.seen is self.predicted


def compare(
    twin: Twin,
    seen: Snapshot,
    predicted: Iterable[tuple[Question, Symptom]],
    progress: ReportProgress = lambda *_: None,
) -> Iterator[Compared]:
    """Every prediction with a real attempt, many at a time, in order. `progress` gets how many of how many have
    been made.

    Clients that ask together leave traces for each other: a namespace learns its neighbours from their questions, and
    a host says only so often in a second why it refuses (net.ipv4.icmp_ratelimit). What differs is asked once more,
    alone, with all neighbours forgotten that were found out.
    """
    rows = list(predicted)
    with ThreadPoolExecutor(TOGETHER) as pool:
        found = []
        for each in pool.map(lambda row: Compared(row[0], row[1], _tried(twin, seen, row[0], _patience(row[1]))), rows):
            found.append(each)
            progress(len(found), len(rows))
    for each in found:
        if each.agrees or each.seen is None:
            yield each
        else:
            twin.forget_neighbours()
            time.sleep(LIMITED)
            yield replace(each, seen=_tried(twin, seen, each.question, PATIENT))


def _patience(predicted: Symptom) -> float:
    return PATIENT if predicted is Symptom.HOST_UNREACHABLE else SECONDS


def _tried(twin: Twin, seen: Snapshot, asked: Question, seconds: float) -> Symptom | None:
    question = twin.question(asked)
    return None if question is None else ask(seen, question, seconds).symptom
