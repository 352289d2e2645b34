"""Blockers of connection tracking: a flow that was tracked before decides, or the table has no room for a new one."""

from __future__ import annotations

from engine.explain.blocker import Blocker, Remedy
from engine.explain.failure import Failure
from engine.model.host import Netns
from engine.model.plan import DeleteFlow, SetSysctl
from engine.model.ref import Ref, RefKind
from engine.model.trace import StepKind
from engine.model.traffic import ConntrackEntry
from engine.path.conntrack import MOST
from engine.path.existing import entry_ref, target_of


def stale_flow(failure: Failure) -> list[Blocker]:
    """A flow that the first packet belongs to, in each namespace that tracks one: forgotten, the rules are asked."""
    return [
        _stale(netns, entry, step.ref)
        for step in failure.conversation.forward.steps
        if step.kind is StepKind.CONNTRACK and step.ref is not None and step.ref.kind is RefKind.CONNTRACK
        for netns in (failure.world.netns(step.ref.netns),)
        for entry in netns.conntrack
        if entry_ref(netns.id, entry).key == step.ref.key
    ]


def _stale(netns: Netns, entry: ConntrackEntry, at: Ref) -> Blocker:
    where = f"still sends it to {target_of(entry)}" if "dnat" in entry.status else "sends it on untranslated"
    sentence = f"{netns.id} tracks the client's flow since before, {where} and does not ask its nat rules: {at.text}"
    forget = Remedy(f"forget the tracked flow {at.name} in {netns.id}", (DeleteFlow(netns.id, entry),))
    return Blocker("CT_STALE_ENTRY", sentence, at, (forget,), "kernel")


def table_full(failure: Failure) -> list[Blocker]:
    """CONNTRACK_FULL: more flows may be tracked. The limit is the kernel's, set in the namespace of PID 1."""
    ref, netns = failure.step.ref, failure.netns
    if ref is None:
        return []
    most = netns.sysctl(MOST)
    root = next((each for each in failure.world.snapshot.namespaces if each.path is None or 1 in each.pids), netns)
    sentence = f"the table of tracked flows of {netns.id} is full: {failure.step.text}"
    raise_limit = Remedy(f"let the kernel track {2 * most} flows", (SetSysctl(root.id, MOST, 2 * most),))
    return [Blocker("CT_TABLE_FULL", sentence, ref, (raise_limit,), "kernel")]
