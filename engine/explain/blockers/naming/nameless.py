"""What a look-up that found nothing is put down to: each idea in turn, the likeliest first."""

from __future__ import annotations

from collections.abc import Callable

from engine.explain.blocker import Blocker
from engine.explain.blockers.naming import networks, resolvers, strangers
from engine.explain.blockers.naming.missed_name import MissedName
from engine.explain.failure import FailedLeg, Failure

Idea = Callable[[MissedName], list[Blocker]]
#: What is known of the name itself: it then does not matter whether a server outside would have answered.
OF_THE_NAME: tuple[Idea, ...] = (
    networks.without_names,
    networks.elsewhere,
    strangers.host_gateway,
    strangers.stopped,
    strangers.slip,
    networks.closed,
)
OF_AN_ANSWER: tuple[Idea, ...] = (resolvers.undecided, strangers.nowhere)


def nameless(failure: Failure) -> list[Blocker]:
    """Blockers of a look-up that found nothing: all, or where a query failed those that are known without it."""
    missed = MissedName.of(failure)
    if missed is None:
        return []
    ideas = OF_THE_NAME if failure.leg is not FailedLeg.NAME else (*OF_THE_NAME, *OF_AN_ANSWER)
    return [blocker for idea in ideas for blocker in idea(missed)]
