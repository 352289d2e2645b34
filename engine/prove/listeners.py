"""The posts of one attempt: one in each namespace of the predicted way, opened before and read after it.

Namespaces are entered by threads that end afterwards. One that may not be entered, or has gone, leaves a gap.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from engine.model.host import Gap, Netns, Snapshot
from engine.model.proof import Growth
from engine.model.trace import Step
from engine.model.verdict import Verdict
from engine.observe.base.errors import gap
from engine.observe.base.namespaces import NetnsRef, apart, enter, side_by_side
from engine.observe.firewall.read import read_firewall
from engine.prove.evidence import Evidence, Way
from engine.prove.listener import Post, Wanted
from engine.prove.packets.capture import Captured, address_questions
from engine.prove.packets.packet_matching import ObservedTalk
from engine.prove.predicted import namespaces, next_hops, routing_steps
from engine.prove.sources.counters import rule_growth
from engine.records import dataclass

Result = TypeVar("Result")


def place_of(snapshot: Snapshot, netns: str) -> NetnsRef:
    """How a namespace of the snapshot is entered."""
    found = snapshot.by_id[netns]
    ways = [found.path] if found.path else []
    ways += [f"/proc/{pid}/ns/net" for pid in found.pids] + ["/proc/1/ns/net"]
    return NetnsRef(found.inode, pids=found.pids, ways=tuple(ways))


def within(snapshot: Snapshot, netns: str, work: Callable[[], Result]) -> Result:
    """Runs `work` in a thread of its own inside a namespace. Raises OSError where that cannot be entered."""

    def inside() -> Result:
        enter(place_of(snapshot, netns))
        return work()

    return apart(inside)


@dataclass(frozen=True, slots=True)
class Listening:
    """What to listen for, and where trace rules may be added (namespace ids; None is everywhere)."""

    talk: ObservedTalk
    trace: frozenset[str] | None

    def wanted(self, verdict: Verdict, netns: str) -> Wanted:
        """What the post of a namespace is told."""
        beside = address_questions(dict.fromkeys((*self.talk.addresses, *next_hops(verdict))))
        return Wanted(self.talk.patterns, beside, self.trace is None or netns in self.trace)


class Posts:
    """The posts; a context manager that closes them all."""

    def __init__(self, snapshot: Snapshot, verdict: Verdict, listening: Listening, first: str) -> None:
        self._snapshot = snapshot
        self._verdict = verdict
        self._captured: list[Captured] = []
        wanted = [snapshot.by_id[netns] for netns in dict.fromkeys((first, *namespaces(verdict)))]
        self.posts: tuple[Post, ...] = tuple(side_by_side(lambda netns: self._open(netns, listening), wanted))

    def _open(self, netns: Netns, listening: Listening) -> Post:
        try:
            enter(place_of(self._snapshot, netns.id))
        except OSError as error:
            return Post(netns, [gap("namespace", netns.id, error)])
        return Post.open(netns, listening.wanted(self._verdict, netns.id))

    def ways(self) -> tuple[tuple[Step, str, Way], ...]:
        """Where the kernel would send the packet of each routing step."""
        return tuple(way for post in self.posts for way in post.ways(routing_steps(self._verdict, post.netns.id)))

    def wait(self, seconds: float) -> bool:
        """Waits until a post has captured something; False when none did in time."""
        listening = [post.capture for post in self.posts if post.capture is not None]
        return bool(seconds > 0 and select.select(listening, (), (), seconds)[0])

    def captured(self) -> tuple[Captured, ...]:
        """All packets since the posts were opened."""
        self._captured += [each for post in self.posts for each in post.packets()]
        return tuple(self._captured)

    def collect(self) -> Evidence:
        """All that was heard since the posts were opened. Rule counters are read anew where rules have any."""
        captured = self.captured()
        rules = tuple(each for post in self.posts for each in post.rules())
        flows = tuple(each for post in self.posts for each in post.flows())
        growths = tuple(each for post in self.posts for each in post.growth())
        neighbours = {post.netns.id: post.neighbours() for post in self.posts}
        counted, unread = self._count()
        return Evidence(
            captured,
            rules,
            flows,
            growths,
            counted,
            neighbours=neighbours,
            traced=frozenset(post.netns.id for post in self.posts if post.marking is not None),
            captured_in=frozenset(post.netns.id for post in self.posts if post.capture is not None),
            gaps=(*(each for post in self.posts for each in post.gaps), *unread),
        )

    def _count(self) -> tuple[tuple[Growth, ...], tuple[Gap, ...]]:
        """By how much rules counted more than in the snapshot."""
        counting = [post.netns for post in self.posts if _counts(post.netns)]

        def again(netns: Netns) -> tuple[tuple[Growth, ...], tuple[Gap, ...]]:
            try:
                enter(place_of(self._snapshot, netns.id))
            except OSError as error:
                return (), (gap("rule counters", netns.id, error),)
            after, gaps = read_firewall(netns.id)
            return rule_growth(netns.id, netns.firewall, after), gaps

        found = side_by_side(again, counting) if counting else []
        return tuple(each for rows, _ in found for each in rows), tuple(each for _, gaps in found for each in gaps)

    def close(self) -> None:
        """Ends all listening. The kernel takes its time over each socket (an RCU grace period), so all at once."""
        side_by_side(Post.close, self.posts)

    def __enter__(self) -> Posts:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _counts(netns: Netns) -> bool:
    return any(
        rule.packets is not None for table in netns.firewall.tables for chain in table.chains for rule in chain.rules
    )
