"""A post: everything that listens in one namespace while the attempt is made.

`Post.open` runs in a thread that is in the namespace; reading and closing may be done from anywhere, since sockets
and open files of /proc belong to the namespace for life. Each source fails on its own and leaves a gap. No module is
loaded by listening: a source whose module is not there is not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from engine.model.host import Gap, Netns
from engine.model.link import Neighbour
from engine.model.proof import FlowSeen, Growth, RuleSeen
from engine.model.trace import Step
from engine.observe.base.errors import NetlinkError, gap
from engine.observe.base.kernel_modules import answers
from engine.observe.netlink.client import Message, Netlink
from engine.observe.netlink.neighbours import read_neighbours
from engine.observe.netlink.reader import Reader
from engine.prove.evidence import Way
from engine.prove.packets.capture import Capture, Captured
from engine.prove.packets.patterns import Pattern
from engine.prove.sources import conntrack_events, nftrace, routes
from engine.prove.sources.counters import StackCounters
from engine.prove.sources.nfnetlink import NfnetlinkListener
from engine.prove.sources.nftrace_rules import Marking


class Closes(Protocol):
    """What a source is."""

    def close(self) -> None:
        """Lets go of it."""


Source = TypeVar("Source", bound=Closes)
Event = TypeVar("Event", RuleSeen, FlowSeen)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a post listens for. `trace`: whether the rules that make the kernel trace may be added here."""

    packets: tuple[Pattern, ...]
    beside: tuple[Pattern, ...] = ()
    trace: bool = False


@dataclass
class Post:
    """The sources of one namespace; None is one that could not be had, and `gaps` says why."""

    netns: Netns
    gaps: list[Gap] = field(default_factory=list)
    capture: Capture | None = None
    traces: NfnetlinkListener | None = None
    marking: Marking | None = None
    events: NfnetlinkListener | None = None
    stack: StackCounters | None = None
    netlink: Netlink | None = None
    _held: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def open(cls, netns: Netns, wanted: Wanted) -> Post:
        """Begins to listen in the calling thread's namespace. Raises nothing."""
        post = cls(netns)
        post.netlink = post._have("netlink", Netlink)
        post.stack = post._have("counters", lambda: StackCounters(netns.id))
        post.capture = post._have("capture", lambda: Capture(netns, (*wanted.packets, *wanted.beside)))
        if answers("nf_conntrack_netlink"):
            post.events = post._have("conntrack events", conntrack_events.listen)
        elif netns.conntrack:
            post._gap("conntrack events", "`modprobe nf_conntrack_netlink` shows them")
        if netns.firewall.tables and answers("nf_tables"):
            post._trace(wanted)
        return post

    def _trace(self, wanted: Wanted) -> None:
        if not wanted.trace:
            self._gap("rule trace", "needs a rule in a table of portscope's own, which --trace allows")
            return
        self.traces = self._have("rule trace", nftrace.listen)
        if self.traces is not None:
            families = dict.fromkeys(pattern.family for pattern in wanted.packets)
            if any(link.kind == "bridge" for link in self.netns.links):
                families["bridge"] = None
            self.marking = self._have("rule trace", lambda: Marking(wanted.packets, families))

    def _gap(self, source: str, reason: str) -> None:
        self.gaps.append(Gap(source, self.netns.id, reason))

    def _have(self, source: str, make: Callable[[], Source]) -> Source | None:
        try:
            made = make()
        except (NetlinkError, OSError) as error:
            self.gaps.append(gap(source, self.netns.id, error))
            return None
        self._held.callback(made.close)
        return made

    def ways(self, steps: Sequence[Step]) -> tuple[tuple[Step, str, Way], ...]:
        """Where the kernel would send each step's packet."""
        if self.netlink is None:
            return ()
        try:
            return tuple((step, self.netns.id, routes.ask(self.netlink, self.netns, step)) for step in steps)
        except OSError as error:
            self.gaps.append(gap("route get", self.netns.id, error))
            return ()

    def packets(self) -> list[Captured]:
        """What was captured since the last call."""
        if self.capture is None:
            return []
        found = self.capture.drain()
        if lost := self.capture.lost():
            self._gap("capture", f"{lost} packet(s) did not fit and were lost")
        return found

    def rules(self) -> tuple[RuleSeen, ...]:
        """The rules that the kernel told of since the last call."""
        if self.marking is None or self.traces is None:
            return ()
        return self._parsed("rule trace", self.traces, nftrace.parse_traces)

    def flows(self) -> tuple[FlowSeen, ...]:
        """The events of connection tracking since the last call."""
        return self._parsed("conntrack events", self.events, conntrack_events.parse_events) if self.events else ()

    def _parsed(
        self, source: str, listener: NfnetlinkListener, parse: Callable[[str, Sequence[Message]], tuple[Event, ...]]
    ) -> tuple[Event, ...]:
        try:
            heard, whole = listener.drain()
            found = parse(self.netns.id, heard)
        except (NetlinkError, OSError) as error:
            self.gaps.append(gap(source, self.netns.id, error))
            return ()
        if not whole:
            self._gap(source, "the socket's buffer overflowed; some messages are missing")
        return found

    def growth(self) -> tuple[Growth, ...]:
        """The failures that the stack counted."""
        return self.stack.growth() if self.stack is not None else ()

    def neighbours(self) -> tuple[Neighbour, ...]:
        """The neighbour table as it is now."""
        if self.netlink is None:
            return ()
        reader = Reader(self.netlink, self.netns.id)
        found = read_neighbours(reader)
        self.gaps += reader.gaps
        return found

    def close(self) -> None:
        """Ends listening; the kernel removes the trace rules with their socket."""
        self._held.close()
