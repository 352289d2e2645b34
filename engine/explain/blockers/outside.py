"""Blockers that no change of this host is known to mend, said as what they are."""

from __future__ import annotations

from engine.explain.blocker import Blocker
from engine.explain.failure import Failure
from engine.model.ref import Ref, RefKind


def _at(failure: Failure) -> Ref:
    return failure.step.ref or Ref(RefKind.NETNS, failure.netns.id, (), failure.netns.id, failure.netns.id)


def leaves_view(failure: Failure) -> list[Blocker]:
    """The packet goes where the snapshot does not see: whoever is there decides."""
    sentence = (
        f"{failure.packet} leaves {failure.netns.id} by {_at(failure).name} for what is not visible from here; "
        "whether it arrives is decided there (check with a capture at the far end)"
    )
    return [Blocker("INFO_EXITS_HOST", sentence, _at(failure))]


def mismatch(failure: Failure) -> list[Blocker]:
    """An answer that the client does not recognise: its source was not translated back."""
    sentence = f"the answer does not look like one: {failure.step.text}"
    return [Blocker("RET_RETURN_NOT_UNNATED", sentence, _at(failure), evidence=(f"the answer: {failure.packet}",))]


def no_source(failure: Failure) -> list[Blocker]:
    """The sender has no address."""
    sentence = f"{failure.netns.id} has no address to send from: {failure.step.text}"
    return [Blocker("SRC_NO_ADDRESS", sentence, _at(failure))]


def loop(failure: Failure) -> list[Blocker]:
    """The packet goes round in circles."""
    places = " → ".join(dict.fromkeys(hop.netns for hop in failure.trace.hops[-4:]))
    return [Blocker("ROUTE_LOOP", f"{failure.packet} goes round in circles ({places})", _at(failure))]


def not_for_us(failure: Failure) -> list[Blocker]:
    """A frame or packet that its receiver does not take."""
    sentence = f"{failure.netns.id} does not take {failure.packet}: {failure.step.text}"
    return [Blocker("LINK_NOT_FOR_US", sentence, _at(failure))]


def unknown(failure: Failure) -> list[Blocker]:
    """What ended the packet, where nothing better can be said."""
    sentence = f"{failure.packet} ends in {failure.netns.id}: {failure.step.text}"
    return [Blocker("INFO_UNEXPLAINED", sentence, _at(failure))]
