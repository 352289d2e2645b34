"""The firewall of a described router: its rules, what it forwards to hosts behind it, and whose addresses it changes.

1. Answers pass. Then the file's rules, the first that fits; then what a port forward or an address pair has
   translated; then `otherwise`.
2. A router that masquerades and says no more takes no new connection in by those devices, as routers of homes
   do.
3. A client within asks the outer address and is led to the host beside it, unless there is no `hairpin`.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from engine.model.address import IPAddress, IPNetwork
from engine.model.firewall import (
    BaseChain,
    Field,
    Match,
    Name,
    Nat,
    NatKind,
    NatValue,
    RuleVerdict,
    Statement,
    Table,
    VerdictKind,
)
from engine.several.edge.nouns import Described, PortForward, Ports
from engine.several.edge.statements import (
    ANSWERS,
    Line,
    addressed,
    chain,
    device,
    lines_of,
    ported,
    spoken,
    table,
    verdict,
)

#: Every IPv4 address: routers masquerade no IPv6.
_ALL4 = ip_network("0.0.0.0/0")
#: Priorities of the hooks (linux/netfilter_ipv4.h).
_DNAT, _FILTER, _SNAT = -100, 0, 100


def router_table(router: Described, name: str, file: str) -> Table:
    """The rules of a router, as a table of that name."""
    place = f"{file}:{router.line}"
    return table(
        name,
        (
            chain("prerouting", _translated(router), BaseChain("nat", "prerouting", _DNAT)),
            chain("input", _taken(router, place), BaseChain("filter", "input", _FILTER)),
            chain("forward", _forwarded(router, place), BaseChain("filter", "forward", _FILTER)),
            chain("postrouting", _renamed(router, place), BaseChain("nat", "postrouting", _SNAT)),
        ),
    )


def _translated(router: Described) -> Iterator[Line]:
    for pair in router.pairs:
        yield (addressed(pair.public.version, "daddr", (pair.public,)), _to(NatKind.DNAT, pair.private)), pair.text
    for forward in router.port_forwards:
        outer = [each for each in _outer(router) if each.version == forward.target.version]
        if outer:
            came = () if router.hairpin else (device("iifname", router.masquerade),)
            yield (*came, *_asks(forward, outer), _to(NatKind.DNAT, forward.target, forward.target_port)), forward.text


def _asks(forward: PortForward, outer: list[IPAddress]) -> tuple[Statement, ...]:
    there = addressed(forward.target.version, "daddr", outer)
    return there, spoken(forward.protocol), ported(forward.protocol, (forward.ports,))


def _taken(router: Described, place: str) -> Iterator[Line]:
    if not router.masquerade or router.otherwise == "allow":
        return
    yield ANSWERS
    for protocol, port in router.listens or ():
        heard = spoken(protocol), ported(protocol, (Ports(port, port),))
        yield (*heard, verdict("allow")), f"allow {protocol} {port}, where it listens ({place})"
    dropped = device("iifname", router.masquerade), verdict("drop")
    yield dropped, f"no port is forwarded for it ({place})"


def _forwarded(router: Described, place: str) -> Iterator[Line]:
    yield ANSWERS
    for rule in router.rules:
        yield from lines_of(rule)
    if router.masquerade or router.pairs:
        led = Match((Field("ct status"),), ((Name("dnat"),),), text="led to another address")
        yield (led, RuleVerdict(VerdictKind.ACCEPT)), f"allow what a port forward leads on ({place})"
    if router.otherwise in ("drop", "reject"):
        yield (verdict(router.otherwise),), f"{router.otherwise} what no rule allows ({place})"
    elif router.masquerade and not router.otherwise:
        dropped = device("iifname", router.masquerade), verdict("drop")
        yield dropped, f"drop new connections from outside ({place})"


def _renamed(router: Described, place: str) -> Iterator[Line]:
    for pair in router.pairs:
        own = addressed(pair.private.version, "saddr", (pair.private,))
        inner = [name for name, each in router.devices.items() if any(pair.private in one.network for one in each)]
        leaves = Match((Field("meta oifname"),), tuple((Name(each),) for each in inner), negate=True, text="leaves")
        yield (own, *((leaves,) if inner else ()), _to(NatKind.SNAT, pair.public)), pair.text
    for forward in router.port_forwards if router.hairpin else ():
        beside = _beside(router, forward.target)
        if beside is not None:
            version = forward.target.version
            both = addressed(version, "saddr", (beside,)), addressed(version, "daddr", (forward.target,))
            yield (*both, Nat(NatKind.MASQUERADE)), f"{forward.text}, for clients beside it"
    if router.masquerade:
        leaving = device("oifname", router.masquerade), addressed(4, "saddr", (_ALL4,))
        yield (*leaving, Nat(NatKind.MASQUERADE)), f"masquerade {', '.join(router.masquerade)} ({place})"


def _beside(router: Described, target: IPAddress) -> IPNetwork | None:
    """The subnet of the router in which the target is."""
    networks = (each.network for own in router.devices.values() for each in own)
    return next((each for each in networks if target in each), None)


def _outer(router: Described) -> list[IPAddress]:
    return [each.ip for name in router.masquerade for each in router.devices[name]]


def _to(kind: NatKind, address: IPAddress, port: int | None = None) -> Nat:
    return Nat(kind, NatValue(address, address, port, port))
