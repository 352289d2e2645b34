"""A zone that is another host of the fleet: its client is that host itself, and packets walk from one into the other.

The two are joined by what both snapshots say (`engine.several`): a network that both are on, neighbours that know each
other's MAC address, the ends of a tunnel. Where nothing joins them, nothing is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property

from engine.explain.question import QuestionError, resolve
from engine.fleet.answering import AnswerFrom, ServiceEnd, Walked, answered
from engine.fleet.zones import ClientZone, NoClient
from engine.model.address import end_of
from engine.model.host import Snapshot
from engine.model.verdict import Question
from engine.path.world import World
from engine.several.joining import joined
from engine.several.naming import Given, HostsError

#: The snapshot of the host that a zone is.
Others = Callable[[ClientZone], Snapshot]


def none(zone: ClientZone) -> Snapshot:
    """Without a fleet there are no other hosts. Raises NoClient."""
    raise NoClient(f"no host is called {zone.host}")


def from_others(snapshot: Snapshot, host: str, others: Others) -> AnswerFrom:
    """How other hosts ask this one."""
    between = cache(lambda zone: HostPair(others(zone), zone, snapshot, host))
    return lambda zone, question: between(zone).walked(question)


class HostPair:
    """Two hosts of a fleet: the one that asks, and the one that is asked."""

    def __init__(self, asker: Snapshot, zone: ClientZone, snapshot: Snapshot, host: str) -> None:
        self._hosts = Given(asker, zone.host, zone.host), Given(snapshot, host, host)

    @cached_property
    def _world(self) -> World:
        try:
            return World(joined(self._hosts))
        except HostsError as error:
            raise NoClient(str(error)) from None

    def walked(self, question: Question) -> Walked:
        """The answer to a question about a port of the one, as the other asks it. Raises NoClient."""
        asker, asked = self._hosts
        if not self._world.snapshot.joins:
            raise NoClient(f"no network joins {asker.called} with this host")
        target = f"{asked.called}/{end_of(question.address, question.port)}"
        try:
            answer, end = answered(self._world, resolve(self._world.snapshot, target, asker.called, question.protocol))
        except QuestionError as error:
            raise NoClient(str(error)) from None
        return Walked(answer, ServiceEnd(self._own(end.netns), end.port, end.on_loopback))

    def _own(self, netns: str) -> str:
        """What a namespace is called in the snapshot of its host alone."""
        asked = self._hosts[1]
        return asked.snapshot.host if netns == asked.called else netns.removeprefix(f"{asked.called}/")
