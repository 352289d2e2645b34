"""Conntrack entries. Source: conntrack(8)."""

from __future__ import annotations

from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.plan import Change
from engine.model.traffic import ConntrackEntry
from engine.model.where import Argv, Argvs, Where
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class DeleteFlow(Change):
    """Deletes a conntrack entry. The flow's next packet makes a new one: there is no way back."""

    netns: str
    entry: ConntrackEntry

    def argv(self, where: Where) -> Argvs:
        """`conntrack -D`."""
        return ((*where.enter(self.netns), "conntrack", "-D", *flow_words(self.entry)),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The entries without it."""
        netns = snapshot.by_id[self.netns]
        kept = tuple(each for each in netns.conntrack if each != self.entry)
        return snapshot.with_netns(replace(netns, conntrack=kept))


def flow_words(entry: ConntrackEntry) -> Argv:
    """A tracked flow in conntrack(8)'s words: both ends of its first packet, so that no other flow is meant."""
    flow, family = entry.original, "ipv4" if entry.original.src.version == 4 else "ipv6"
    protocol = "icmpv6" if entry.protocol is Protocol.ICMPV6 else str(entry.protocol)
    words = ["-f", family, "-p", protocol, "--orig-src", str(flow.src), "--orig-dst", str(flow.dst)]
    if flow.sport is not None and flow.dport is not None:
        words += ["--orig-port-src", str(flow.sport), "--orig-port-dst", str(flow.dport)]
    if entry.zone:
        words += ["--zone", str(entry.zone)]
    return tuple(words)
