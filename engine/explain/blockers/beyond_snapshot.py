"""Blockers that no change of this host is known to mend, said as what they are."""

from __future__ import annotations

from engine.change.listener import Listen
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers.route import by_loopback
from engine.explain.failure import Failure
from engine.model.address import end_of, family_of
from engine.model.packet import Protocol
from engine.model.ref import Ref, RefKind
from engine.model.trace import Outcome
from engine.path.lookup.sockets import listener_ref
from engine.records import replace

#: How to look for a fault that is outside of this host.
OUTSIDE = (
    "check outside of this host: the next router, a firewall or cloud security group on the path, the target",
    "to see the real reply: `portscope why … --prove` sends the packet; a capture at the far end shows the rest",
    "if it fails only at times: `portscope why … --watch` reports the change on this host that flips the answer",
)


#: Policies belong to a program (strongSwan, libreswan), which would not know of one that is taken from it.
_POLICIES = (
    "`ip xfrm policy` lists all; its program removes it, and so does `ip xfrm policy delete`",
    "`nstat -az 'Xfrm*'` counts the drops by reason",
)


def _at(failure: Failure) -> Ref:
    return failure.step.ref or Ref(RefKind.NETNS, failure.netns.id, (), failure.netns.id, failure.netns.id)


def leaves_view(failure: Failure) -> list[Blocker]:
    """The packet goes where the snapshot does not see: whoever is there decides."""
    sentence = (
        f"{failure.packet} leaves {failure.netns.id} via {_at(failure).name}, out of the snapshot; "
        "hosts beyond decide whether it arrives"
    )
    return [Blocker("INFO_EXITS_HOST", sentence, _at(failure), evidence=OUTSIDE)]


def ipsec(failure: Failure) -> list[Blocker]:
    """IPSEC_DROP: a policy, which came with a program that speaks IPsec, and is its to change."""
    sentence = f"in {failure.netns.id}: {failure.step.text}"
    return [Blocker("HOST_IPSEC_POLICY", sentence, _at(failure), evidence=_POLICIES)]


def mismatch(failure: Failure) -> list[Blocker]:
    """An answer that the client does not recognise: it comes from another address, or was not translated back."""
    found = _other_address(failure)
    if found is not None:
        return [found]
    sentence = f"the client does not accept the reply: {failure.step.text}"
    return [Blocker("RET_RETURN_NOT_UNNATED", sentence, _at(failure), evidence=(f"reply: {failure.packet}",))]


def _other_address(failure: Failure) -> Blocker | None:
    """A datagram's answer that left with another source than what was asked: the socket is bound to no address."""
    answered, asked = failure.trace.hops[0], failure.conversation.forward
    at, want = asked.last.ref, asked.last.packet.dst
    if failure.question.protocol is not Protocol.UDP or not failure.backwards or at is None:
        return None
    source = answered.packet.src
    if answered.netns != asked.hops[-1].netns or source == want or source.is_unspecified:
        return None
    netns = failure.world.netns(answered.netns)
    open_sockets = (each for each in netns.listeners if listener_ref(netns.id, each).key == at.key)
    listener = next((each for each in open_sockets if each.address is None), None)
    if listener is None:
        return None
    who = listener.process.name if listener.process else "the program"
    sentence = (
        f"the UDP reply comes from {source}, not {want}: {who} in {netns.id} is bound to the wildcard address, so "
        "the route picks the source; the client discards it"
    )
    if want not in netns.addresses_by_value:
        proxied = (
            f"{netns.id} lacks {want}: a transparent proxy replies from a socket of its own there (IP_TRANSPARENT)"
        )
        return Blocker("RET_ANSWER_FROM_OTHER_ADDRESS", sentence, at, evidence=(proxied,))
    bound = Listen(netns.id, replace(listener, address=want, family=family_of(want)), listener)
    there = end_of(want, listener.port)
    title = f"bind {who} to {there}, or have it reply from the asked address (IP_PKTINFO)"
    return Blocker("RET_ANSWER_FROM_OTHER_ADDRESS", sentence, at, (Remedy(title, (bound,), manual=True),))


def no_source(failure: Failure) -> list[Blocker]:
    """The sender has no address."""
    sentence = f"{failure.netns.id}: {failure.step.text}"
    return [Blocker("SRC_NO_ADDRESS", sentence, _at(failure))]


def loop(failure: Failure) -> list[Blocker]:
    """The packet goes round in circles: by the loopback device, or between routers."""
    places = " → ".join(dict.fromkeys(hop.netns for hop in failure.trace.hops[-4:]))
    return by_loopback(failure) or [
        Blocker("ROUTE_LOOP", f"routing loop: {failure.packet} circles until its TTL expires ({places})", _at(failure))
    ]


def not_for_us(failure: Failure) -> list[Blocker]:
    """A frame or packet that its receiver does not take."""
    sentence = f"{failure.netns.id} discards {failure.packet}: {failure.step.text}"
    return [Blocker("LINK_NOT_FOR_US", sentence, _at(failure))]


def unknown(failure: Failure) -> list[Blocker]:
    """What ended the packet, where nothing better can be said."""
    end = f"{failure.packet} ends in {failure.netns.id}"
    if failure.outcome is Outcome.UNKNOWN:
        end = f"cannot tell how {failure.packet} goes on in {failure.netns.id}"
    sentence = f"{end}: {failure.step.text}"
    return [Blocker("INFO_UNEXPLAINED", sentence, _at(failure))]
