"""Rules that hand the packet to a program (NFQUEUE, nft's queue): what becomes of it where nobody listens, or somebody.

1. Where nobody listens on the queue the packet is dropped; with `bypass` the chain is left as if it had accepted.
2. A program that listens accepts or drops as it likes, and its accept leaves the chain, too: both are branches.
3. Of several queues a hash chooses one: where somebody listens on some of them only, both cases are branches as well.

Source: net/netfilter/nf_queue.c (nf_queue, nf_reinject), nfnetlink_queue.c (nfqnl_enqueue_packet).
"""

from __future__ import annotations

from engine.model.firewall import Queue, RuleVerdict, VerdictKind
from engine.model.trace import Assumption
from engine.path.journey import Journey
from engine.path.lookup.refs import RulePosition

ACCEPT, DROP = RuleVerdict(VerdictKind.ACCEPT), RuleVerdict(VerdictKind.DROP)


def queued(journey: Journey, place: RulePosition, statement: Queue) -> tuple[str, RuleVerdict]:
    """What was done with the packet, in words, and the verdict."""
    listening, numbers = journey.netns.firewall.queues, range(statement.low, statement.high + 1)
    name = str(statement.low) if len(numbers) == 1 else f"{statement.low}-{statement.high}"
    without = ACCEPT if statement.bypass else DROP
    if listening is not None and not any(number in listening for number in numbers):
        return f"queue {name}: no program listens: {without}", without
    known = listening is not None and all(number in listening for number in numbers)
    who = "a program listens" if known else "a program may listen"
    sentence = f"{who} on queue {name} of {journey.netns.id} and decides about the packet"
    about = Assumption("ASSUME_UNKNOWN_TARGET", sentence, place.ref(journey.netns.id))
    taken = (ACCEPT, DROP)[journey.pick(2, about)]
    return f"queue {name}: {taken}?", taken
