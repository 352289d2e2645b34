"""A recorded host, cut in two at a cable and joined again, gives every answer that it gave in one piece.

Each namespace that is not the host becomes a host of its own, as if it were a machine on the same segment. Where the
joins find all cables again, each question must end as it did; but where the packet is for an address that nobody has,
somebody unseen may be on the segment, and the walk leaves the snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from engine.explain.search.endings import main_run
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.trace import Conversation, Outcome
from engine.model.verdict import Question, Source
from engine.observe.recording.references import within
from engine.path.exchange.conversation import conversations
from engine.path.world import World
from engine.records import replace
from engine.several.joining import joined
from engine.several.naming import Given
from tests.fidelity.record import Row, read_host, read_truth

TRUTH = read_truth()


def cut_in_two(snapshot: Snapshot, far: str) -> Snapshot:
    """The host without a namespace, and that namespace as a host, joined."""
    here = within(snapshot, [netns.id for netns in snapshot.namespaces if netns.id != far])
    there = within(replace(snapshot, host=far), [far])
    here = replace(here, containers=tuple(each for each in here.containers if each.netns != far))
    there = replace(there, containers=tuple(each for each in there.containers if each.netns == far), networks=())
    return joined([Given(here, "here", "here"), Given(there, "there", "there")])


def id_of(snapshot: Snapshot, far: str, netns: str) -> str:
    return "there" if netns == far else "here" if netns == snapshot.host else f"here/{netns}"


def joins_all(snapshot: Snapshot, far: str, whole: Snapshot) -> bool:
    """Whether both ends of each cable that was cut are joined."""
    ends = {(plug.netns, plug.link) for join in whole.joins for plug in (join.near, join.far)}
    cables = {
        (id_of(snapshot, far, netns.id), link.index)
        for netns in snapshot.namespaces
        for link in netns.links
        if link.kind == "veth" and link.peer is not None and (netns.id == far) != (link.peer.netns == far)
    }
    return bool(cables) and cables <= ends


def result(snapshot: Snapshot, row: Row, source: str) -> Conversation:
    asked = Question(Source(source), ip_address(row.address), row.port, Protocol(row.protocol))
    return main_run(conversations(World(snapshot), asked)[0]).result


def compared(name: str) -> Iterator[tuple[Row, Conversation]]:
    """What the joined halves give for each recorded question of a host, cut wherever that can be told."""
    snapshot = read_host(name)
    for far in (netns.id for netns in snapshot.namespaces if netns.id != snapshot.host):
        whole = cut_in_two(snapshot, far)
        for row in TRUTH[name] if joins_all(snapshot, far, whole) else ():
            if row.source in snapshot.by_id:
                yield row, result(whole, row, id_of(snapshot, far, row.source))


@pytest.mark.parametrize("name", sorted(TRUTH)[::4])
def test_the_halves_answer_as_real_clients_saw_the_whole(name: str) -> None:
    wrong = [
        (row, talk.symptom)
        for row, talk in compared(name)
        if str(talk.symptom) != row.symptom and talk.forward.outcome is not Outcome.LEAVES_VIEW
    ]
    assert wrong == []


def test_most_hosts_can_be_cut() -> None:
    assert sum(1 for name in sorted(TRUTH)[::12] for _ in compared(name)) > 60
