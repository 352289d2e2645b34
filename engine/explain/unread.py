"""What could not be read and would have decided: then the answer is "depends", not a guess.

A gap in a namespace that the packets crossed may hide a rule, a route or a socket. Only a few gaps hide nothing
but names: which process holds a socket, what an engine calls its containers.
"""

from __future__ import annotations

from engine.model.host import Gap, Snapshot
from engine.model.ref import Ref, RefKind
from engine.model.trace import Conversation
from engine.model.verdict import Cause

#: Sources whose gaps hide names, are answered by the walk itself (a link whose far end is not seen), or hide only
#: flows of others (conntrack: a question is about a new one).
NAMES_ONLY = frozenset({"/proc/PID/fd", "/proc/PID/ns/net", "link peers", "sock_diag", "conntrack"})

#: Sources whose gaps leave a namespace empty, so that nothing said about it holds.
EVERYTHING = frozenset({"namespace", "netlink"})


def relevant_gaps(snapshot: Snapshot, conversation: Conversation) -> tuple[Gap, ...]:
    """Gaps of the namespaces that the packets crossed, and of the whole host."""
    crossed = _crossed(conversation)
    return tuple(gap for gap in snapshot.gaps if not gap.netns or gap.netns in crossed)


def decisive(gaps: tuple[Gap, ...]) -> tuple[Gap, ...]:
    """The gaps that may hide what decides."""
    return tuple(gap for gap in gaps if gap.netns and gap.source not in NAMES_ONLY)


def hollow(gaps: tuple[Gap, ...], netns: str) -> bool:
    """Whether a namespace is only a name in the picture."""
    return any(gap.netns == netns and gap.source in EVERYTHING for gap in gaps)


def cause_of(gap: Gap) -> Cause:
    """A gap as the cause of an answer that can't be given."""
    ref = Ref(RefKind.NETNS, gap.netns, (), gap.netns, f"{gap.source} of {gap.netns}")
    sentence = f"what {gap.source} of {gap.netns} holds could not be read: {gap.reason}"
    return Cause("INFO_NOT_READ", sentence, ref)


def _crossed(conversation: Conversation) -> set[str]:
    found = {hop.netns for trace in conversation.traces for hop in trace.hops}
    return found | (_crossed(conversation.relayed) if conversation.relayed else set())
