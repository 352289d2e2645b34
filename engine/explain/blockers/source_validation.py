"""Blockers that doubt a packet's source: the reverse path filter, loopback and own addresses from outside.

A namespace that does not believe an address does not answer its address questions (ARP) either, so these also
explain a neighbour that stays silent.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.change.address import DeleteAddress
from engine.change.route import DeleteRoute
from engine.change.sysctl import SetSysctl
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers.route import removal_of
from engine.explain.failure import Failure
from engine.explain.fixes.routes import network_word, ways
from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.ref import Ref, RefKind
from engine.model.route import PolicyRule
from engine.path.lookup.fib import Fib, FlowKey, Found
from engine.path.lookup.route_decision import REFUSALS, route_ref, rule_ref
from engine.records import dataclass, replace

#: The reverse path filter that is content with any route back (ip-sysctl.rst, rp_filter).
LOOSE = 2


def reverse_path(failure: Failure) -> list[Blocker]:
    """RP_FILTER: a route that refuses the way back goes, or the filter of the device is loosened."""
    ref = failure.step.ref
    if ref is None:
        return []
    device, source = failure.step.context.iif, failure.packet.src
    return doubted(failure, Doubt(failure.netns, device, source, ref, failure.step.text))


@dataclass(frozen=True, slots=True)
class Doubt:
    """A namespace that does not believe that `source` is behind `device`; `at` is the setting that decides."""

    netns: Netns
    device: str
    source: IPAddress
    at: Ref
    why: str


def doubted(failure: Failure, doubt: Doubt) -> list[Blocker]:
    """Blockers for a source that is not believed."""
    netns, device, source = doubt.netns, doubt.device, doubt.source
    if doubt.at.kind is RefKind.ADDRESS:
        sentence = f"{netns.id} drops it: source validation of {source} on {device} fails: {doubt.why}"
        return [_own_address(failure, doubt, sentence)]
    refused = _refusing_route(failure, netns, source)
    loosen = Remedy(
        f"set the reverse path filter of {device} in {netns.id} to loose",
        (SetSysctl(netns.id, f"net.ipv4.conf.{device}.rp_filter", LOOSE),),
    )
    if refused is not None:
        return [refused]
    routes = (*_only_other_route(failure, doubt), *ways(failure, netns, source))
    if max(netns.sysctl(f"net.ipv4.conf.{name}.rp_filter") for name in ("all", device)) == LOOSE:
        sentence = f"{netns.id} drops it: reverse path filter on {device}: {doubt.why}"
        return [Blocker("RET_NO_ROUTE_BACK", sentence, doubt.at, routes)]
    sentence = f"{netns.id} drops it: reverse path filter on {device}: {doubt.why}"
    return [Blocker("HOST_RP_FILTER_STRICT", sentence, doubt.at, (loosen, *routes))]


def _only_other_route(failure: Failure, doubt: Doubt) -> Iterator[Remedy]:
    """The route that leads to the source by another device goes, where the next best leads to it by this one."""
    netns, key = doubt.netns, FlowKey(doubt.source)
    found = failure.world.fib(netns).lookup(key)
    if not isinstance(found, Found) or found.route.kind != "unicast" or found.route.protocol == "kernel":
        return
    rest = Fib(replace(netns, routes=tuple(route for route in netns.routes if route != found.route))).lookup(key)
    link = netns.links_by_name.get(doubt.device)
    if link is not None and isinstance(rest, Found) and any(hop.link == link.index for hop in rest.nexthops):
        delete = DeleteRoute(netns.id, found.route)
        word = network_word(found.route.destination)
        yield Remedy(f"delete route {word} in {netns.id}, which uses another device", (delete,))


def _refusing_route(failure: Failure, netns: Netns, source: IPAddress) -> Blocker | None:
    """A blackhole, prohibit or unreachable route (or policy rule) for the source's own address."""
    found = failure.world.fib(netns).lookup(FlowKey(source))
    if isinstance(found, PolicyRule):
        at, kind = rule_ref(netns, found), found.action
    elif isinstance(found, Found) and found.route.kind in REFUSALS:
        at, kind = route_ref(netns, found.route), found.route.kind
    else:
        return None
    change = removal_of(netns, at)
    remedies = (Remedy(f"delete {at.words}", (change,)),) if change else ()
    return Blocker(
        f"RET_ROUTE_{kind.upper()}", f"{at.words} in {netns.id} rejects packets to {source}: {at.text}", at, remedies
    )


def martian(failure: Failure) -> list[Blocker]:
    """MARTIAN: a loopback address on a device that must not carry one, or one's own address from outside."""
    ref = failure.step.ref
    if ref is None:
        return []
    netns, device = failure.netns, failure.step.context.iif
    sentence = f"{netns.id} drops {failure.packet}: {failure.step.text}"
    if ref.kind is RefKind.SYSCTL:
        name = str(ref.key[0])
        device = name.removeprefix("net.ipv4.conf.").removesuffix(".route_localnet")
        remedy = Remedy(f"set route_localnet to 1 on {device}", (SetSysctl(netns.id, name, 1),))
        return [Blocker("NAT_LOOPBACK_NEEDS_ROUTE_LOCALNET", sentence, ref, (remedy,), "kernel")]
    if failure.returned:
        return [Blocker("HOST_MARTIAN", sentence, ref, owner="kernel")]
    return [_own_address(failure, Doubt(netns, device, failure.packet.src, ref, failure.step.text), sentence)]


def _own_address(failure: Failure, doubt: Doubt, sentence: str) -> Blocker:
    """A source that is one of the namespace's own addresses."""
    netns, device = doubt.netns, doubt.device
    name = f"net.ipv4.conf.{device}.accept_local"
    accepting = Remedy(f"set accept_local to 1 on {device}", (SetSysctl(netns.id, name, 1),))
    remedies = (*(remedy for _, remedy in _given_up(failure, netns, doubt.source)), accepting)
    return Blocker("HOST_MARTIAN", sentence, doubt.at, remedies, "kernel")


def answer_kept(failure: Failure) -> list[Blocker]:
    """REPLY_MISMATCH: the answer ended where the client's address is somebody's own, and the client is another."""
    netns, client = failure.netns, failure.packet.dst
    if not failure.backwards or netns.id == failure.conversation.forward.hops[0].netns:
        return []
    sentence = f"{netns.id} has the client's address {client} too: the reply stays there"
    return [Blocker("LINK_DUPLICATE_ADDRESS", sentence, at, (way,)) for at, way in _given_up(failure, netns, client)]


def _given_up(failure: Failure, netns: Netns, address: IPAddress) -> Iterator[tuple[Ref, Remedy]]:
    """How a namespace gives up an address that somebody else has: it goes, or the route of type local that makes it one
    of the namespace's own (AnyIP)."""
    others = (each for each in failure.around if each.id != netns.id)
    if address != failure.question.source.address and not any(address in each.addresses_by_value for each in others):
        return
    for each in netns.addresses:
        if each.address == address:
            link = netns.links_by_index[each.link].name
            at = Ref(RefKind.ADDRESS, netns.id, (str(address),), f"{each} dev {link}", str(each))
            yield at, Remedy(f"remove {each} from {link} in {netns.id}", (DeleteAddress(netns.id, link, each),))
    found = failure.world.fib(netns).lookup(FlowKey(address))
    if isinstance(found, Found) and found.route.kind == "local" and found.route.protocol != "kernel":
        word = network_word(found.route.destination)
        remedy = Remedy(f"delete route local {word} in {netns.id}", (DeleteRoute(netns.id, found.route),))
        yield route_ref(netns, found.route), remedy
