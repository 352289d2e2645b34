"""A name whose IPv6 address is tried first and fails: the client goes on with IPv4, and is served late."""

from __future__ import annotations

from engine.explain.search.endings import main_run
from engine.model.ref import Ref, RefKind
from engine.model.trace import Conversation
from engine.model.verdict import Cause, Question
from engine.path.exchange.by_name import at_address
from engine.path.exchange.conversation import conversations
from engine.path.world import World

_BROWSERS = "browsers try both at once, 250 ms apart (RFC 8305), and show nothing of it; most other programs wait"


def late_by_family(world: World, question: Question, talk: Conversation) -> list[Cause]:
    """NAME_AAAA_FIRST, where the address that is used is not the first one."""
    lookup = talk.name
    if (
        lookup is None
        or lookup.used is None
        or lookup.used.version == 6
        or lookup.addresses[:1] in ((), (lookup.used,))
    ):
        return []
    first = lookup.addresses[0]
    runs, _ = conversations(world, at_address(question, first))
    failed = main_run(runs).result
    if first.version == 4 or failed.works:
        return []
    why = (
        f"{lookup.asked} has the IPv6 address {first}, which is tried first and ends in {failed.symptom}; then the "
        f"client connects to {lookup.used}"
    )
    netns = failed.forward.hops[-1].netns
    at = failed.forward.last.ref or Ref(RefKind.NETNS, netns, (), netns, netns)
    return [Cause("NAME_AAAA_FIRST", why, at, evidence=(_BROWSERS,))]
