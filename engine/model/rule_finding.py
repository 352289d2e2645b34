"""What is wrong with a rule as such, whatever is asked: it can never match, it is there twice, nothing has met it."""

from __future__ import annotations

from enum import StrEnum

from engine.model.ref import Ref
from engine.records import dataclass


class RuleFlaw(StrEnum):
    """What is wrong with a rule."""

    #: The same rule stands before it in its chain.
    DUPLICATE = "duplicate"
    #: A rule before it takes every packet.
    AFTER_VERDICT = "after-verdict"
    #: A rule before it takes every packet that it is about.
    SHADOWED = "shadowed"
    #: No rule leads to its chain.
    UNREACHED = "unreached"
    #: Its set has no element.
    EMPTY_SET = "empty-set"
    #: Its device does not exist.
    NO_DEVICE = "no-device"
    #: Its address is on no interface, though its subnet is a bridge of this host.
    NO_ADDRESS = "no-address"
    #: It names a published port where only the container's port, or no packet for it, comes by.
    PUBLISHED = "published"
    #: Its counter is zero.
    UNUSED = "unused"


#: Flaws by which a rule matches no packet at all, as the host is now.
NEVER = frozenset(RuleFlaw) - {RuleFlaw.UNUSED, RuleFlaw.NO_ADDRESS, RuleFlaw.PUBLISHED}


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """A flaw of a rule, or of a chain that no rule leads to."""

    flaw: RuleFlaw
    at: Ref
    #: A sentence without its subject: "has the same text as rule 2 of filter/INPUT".
    sentence: str
    owner: str
    #: The rule that is the reason, where it is one.
    by: Ref | None = None
