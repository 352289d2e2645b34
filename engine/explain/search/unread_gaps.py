"""What could not be read and would have decided: then the answer is "depends", not a guess.

A gap in a namespace that the packets crossed may hide a rule, a route or a socket. Only a few gaps hide nothing
but names: which process holds a socket, what an engine calls its containers; that of IPVS, or of the sockets of a
described host, matters where no socket takes the packet.
"""

from __future__ import annotations

from engine.model.host import LISTENERS, Gap, Snapshot
from engine.model.ref import Ref, RefKind
from engine.model.trace import Conversation, Outcome
from engine.model.verdict import Cause

#: Sources whose gaps hide names, are answered by the walk itself (a link whose far end is not seen), or hide only
#: flows of others (conntrack: a question is about a new one).
NAMES_ONLY = frozenset({"/proc/PID/fd", "/proc/PID/ns/net", "link peers", "sock_diag", "conntrack"})

#: The source whose gap hides who takes what no socket of a namespace takes.
BALANCER = "IPVS"

#: Sources whose gaps matter where no socket takes the packet: an edge file may not say what listens on a router.
UNTAKEN = frozenset({BALANCER, LISTENERS})

#: Sources whose gaps leave a namespace empty, so that nothing said about it holds.
EVERYTHING = frozenset({"namespace", "netlink"}) | UNTAKEN


def relevant_gaps(snapshot: Snapshot, conversation: Conversation) -> tuple[Gap, ...]:
    """Gaps of the namespaces that the packets crossed, and of the whole host."""
    crossed, untaken = _crossed(conversation), _untaken(conversation)
    hosts = {netns.machine for netns in snapshot.namespaces if netns.id in crossed}
    here = (gap for gap in snapshot.gaps if gap.netns in crossed or (not gap.netns and gap.machine in hosts))
    return tuple(gap for gap in here if gap.source not in UNTAKEN or gap.netns in untaken)


def decisive(gaps: tuple[Gap, ...]) -> tuple[Gap, ...]:
    """The gaps that may hide what decides."""
    return tuple(gap for gap in gaps if gap.netns and gap.source not in NAMES_ONLY)


def hollow(gaps: tuple[Gap, ...], netns: str) -> bool:
    """Whether a namespace is only a name in the picture."""
    return any(gap.netns == netns and gap.source in EVERYTHING for gap in gaps)


def cause_of(gap: Gap) -> Cause:
    """A gap as the cause of an answer that can't be given."""
    ref = Ref(RefKind.NETNS, gap.netns, (), gap.netns, f"{gap.source} of {gap.netns}")
    sentence = f"cannot read {gap.source} of {gap.netns}: {gap.reason}"
    return Cause("INFO_NOT_READ", sentence, ref)


def _untaken(conversation: Conversation) -> set[str]:
    """The namespaces in which no socket took what was asked."""
    asked = conversation.forward
    found = {asked.hops[-1].netns} if asked.outcome is Outcome.NO_LISTENER else set()
    return found | (_untaken(conversation.relayed) if conversation.relayed else set())


def _crossed(conversation: Conversation) -> set[str]:
    found = {hop.netns for trace in conversation.traces for hop in trace.hops}
    return found | (_crossed(conversation.relayed) if conversation.relayed else set())
