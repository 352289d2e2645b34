"""Findings beside a connection that works: it will hang, since large packets are lost and nobody is told.

A router on the way passes on less than both ends send at once, and the error with which it says so (fragmentation
needed, packet too big) does not get back to the sender. What stops the error is diagnosed as any packet's end is, and
its remedies are proven: the error has to get back.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.change.new_rules import clamping
from engine.explain.blocker import Remedy
from engine.explain.blockers import diagnose
from engine.explain.failure import FailedLeg, Failure
from engine.explain.ranking.selection import FixChoice, fix_of
from engine.explain.ranking.side_effects import Sideways
from engine.explain.search.endings import main_run
from engine.explain.search.search import after_remedy
from engine.model.firewall import Backend, Chain
from engine.model.host import Netns
from engine.model.ref import Ref, RefKind
from engine.model.trace import Conversation, Outcome, Symptom, Trace
from engine.model.verdict import Cause, Fix, Question
from engine.model.where import RulePlace
from engine.path.exchange.conversation import conversations
from engine.path.exchange.pmtu import TooBig, too_big
from engine.path.world import World
from engine.records import replace

#: Endings of an error that tell nothing of whether it is lost.
UNDECIDED = frozenset({Outcome.DELIVERED, Outcome.LEAVES_VIEW, Outcome.UNKNOWN})


def swallowed(world: World, question: Question, conversation: Conversation) -> tuple[Cause, ...]:
    """Routers whose errors about packets that are too big are lost, each with what lets them through."""
    lost = (each for each in too_big(world, question) if each.error.outcome not in UNDECIDED)
    return tuple(_finding(_lost(world, question, conversation, each.error), each) for each in lost)


def _lost(world: World, question: Question, conversation: Conversation, error: Trace) -> Failure:
    """The error's end, as the failure of a conversation of its own."""
    return Failure(world, question, replace(conversation, forward=error), FailedLeg.FORWARD, error)


def _finding(failure: Failure, narrow: TooBig) -> Cause:
    blocker = diagnose(failure)[0]
    nowhere = Ref(RefKind.NETNS, failure.netns.id, (), failure.netns.id, failure.netns.id)
    sentence = (
        f"connects, but large packets are lost: {narrow.sender} sends up to {narrow.size} bytes, "
        f"{narrow.device} of {narrow.netns} has MTU {narrow.mtu}, and the ICMP error does not reach the sender"
    )
    evidence = (f"the ICMP error: {blocker.sentence}", *_smaller(failure, narrow))
    at = failure.step.ref or nowhere
    return Cause("LINK_PMTU_BLACKHOLE", sentence, at, blocker.owner, evidence, fixes=tuple(_fixes(failure, narrow)))


def _smaller(failure: Failure, narrow: TooBig) -> Iterator[str]:
    """The sender's own device with the smaller MTU, where the model then loses nothing: no change of portscope's."""
    netns = failure.world.netns(narrow.sender)
    link = netns.links_by_name.get(narrow.sends_by)
    if link is not None:
        smaller = netns.with_link(replace(link, mtu=narrow.mtu))
        after = failure.world.derive(failure.world.snapshot.with_netns(smaller))
        if not _still(after, failure.question, narrow):
            yield f"without a rule: `ip link set {link.name} mtu {narrow.mtu}` in {netns.id} (verified in simulation)"


def _fixes(failure: Failure, narrow: TooBig) -> Iterator[Fix]:
    sideways = Sideways(failure.question)
    for remedy in (*(each for blocker in diagnose(failure) for each in blocker.remedies), _clamp(failure, narrow)):
        after = after_remedy(failure.world, remedy)
        talk = main_run(conversations(after, failure.question)[0]).result
        if talk.symptom is Symptom.CONNECTED and not _still(after, failure.question, narrow):
            effects = sideways.of(failure.world, after, remedy.changes)
            yield fix_of(failure.world.snapshot, FixChoice(remedy, Symptom.CONNECTED, effects))


def _still(world: World, question: Question, narrow: TooBig) -> bool:
    """Whether large packets of the same sender are still lost at the same router, and nobody is told."""
    left = (each for each in too_big(world, question) if each.error.outcome is not Outcome.DELIVERED)
    return any((each.netns, each.sender) == (narrow.netns, narrow.sender) for each in left)


def _clamp(failure: Failure, narrow: TooBig) -> Remedy:
    """The far end is told, as it opens the connection, to be sent no larger packets than the router passes on."""
    netns = failure.world.netns(narrow.netns)
    title = f"clamp the MSS of connections via {narrow.device} in {netns.id} to the path MTU"
    return Remedy(title, (clamping(_place(netns, narrow.packet.dst.version), narrow.device),))


def _place(netns: Netns, version: int) -> RulePlace:
    """The top of iptables' mangle FORWARD; where the firewall is nftables' own, of a chain that filters there."""
    families = ("ip" if version == 4 else "ip6", "inet")
    tables = [table for table in netns.firewall.tables if table.family in families]
    native = [(table, chain) for table in tables for chain in table.chains if _forwards(chain)]
    if native and all(table.backend is Backend.NFT for table in tables):
        table, chain = native[0]
        return RulePlace(netns.id, table.backend, table.family, table.name, chain.name, 0)
    legacy = any(table.backend is Backend.XT_LEGACY for table in tables)
    return RulePlace(netns.id, Backend.XT_LEGACY if legacy else Backend.XT_NFT, families[0], "mangle", "FORWARD", 0)


def _forwards(chain: Chain) -> bool:
    return chain.base is not None and (chain.base.kind, chain.base.hook) == ("filter", "forward")
