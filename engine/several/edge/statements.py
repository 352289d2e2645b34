"""Rules of an edge file in the model's vocabulary, which is that of every firewall."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from engine.model.address import IPAddress, IPNetwork
from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Field,
    Interval,
    Match,
    Name,
    Opaque,
    Reject,
    RejectKind,
    Rule,
    RuleVerdict,
    Statement,
    Table,
    VerdictKind,
)
from engine.model.packet import PROTOCOL_NUMBERS, Protocol
from engine.several.edge.nouns import EdgeRule, Ports

#: A rule of a file: its statements, and the words that it was written in.
Line = tuple[tuple[Statement, ...], str]
#: What answers a refused packet (nft(8), reject: icmpx stands for both versions).
_VERDICTS: dict[str, Statement] = {
    "allow": RuleVerdict(VerdictKind.ACCEPT),
    "drop": RuleVerdict(VerdictKind.DROP),
    "reject": Reject(RejectKind.PORT_UNREACHABLE),
}
#: Answers to what was let through, and errors about it.
ANSWERS: Line = (
    (
        Match(
            (Field("ct state"),),
            ((Name("established"),), (Name("related"),)),
            text="answers",
        ),
        RuleVerdict(VerdictKind.ACCEPT),
    ),
    "allow answers to what was let through",
)


def verdict(action: str) -> Statement:
    """What a rule does with a packet: allow, drop or reject."""
    return _VERDICTS[action]


def lines_of(rule: EdgeRule, members: Sequence[IPAddress] | None = None) -> Iterator[Line]:
    """A rule, once for each IP version that it names. `members` are the addresses of its group; none are known where
    the group's hosts were not given, and then it is not known either whether the rule is about a packet."""
    if rule.group and not members:
        yield (Opaque(f"group {rule.group}"), verdict(rule.action)), rule.text
        return
    sources, destinations = rule.sources, rule.destinations
    if members:
        there = tuple(ip_network(each) for each in members)
        sources, destinations = (sources, there) if rule.to_group else (there, destinations)
    named = [*sources, *destinations]
    versions: list[int] = sorted({each.version for each in named}) or [4]
    for version in versions:
        sides = (("saddr", sources), ("daddr", destinations))
        places = [_places(version, side, networks) for side, networks in sides if networks]
        if any(place is None for place in places):
            continue
        conditions = [*(place for place in places if place is not None), *_asked(rule)]
        yield (*conditions, verdict(rule.action)), rule.text


def addressed(version: int, side: str, places: Iterable[IPAddress | IPNetwork]) -> Match:
    """Packets whose source (`saddr`) or destination (`daddr`) is in one of the places, all of one IP version."""
    family = "ip" if version == 4 else "ip6"
    intervals = tuple((_interval(each),) for each in places)
    return Match((Field(f"{family} {side}"),), intervals, text=f"{family} {side}")


def device(side: str, names: Iterable[str]) -> Match:
    """Packets that come in (`iifname`) or leave (`oifname`) by one of the devices."""
    return Match((Field(f"meta {side}"),), tuple((Name(each),) for each in names), text=f"{side} {' '.join(names)}")


def spoken(protocol: Protocol) -> Match:
    """Packets of a protocol."""
    number = PROTOCOL_NUMBERS[protocol]
    return Match((Field("meta l4proto"),), ((Interval(number, number),),), text=str(protocol))


def ported(protocol: Protocol, ports: Iterable[Ports]) -> Match:
    """Packets to one of the ports."""
    return Match((Field(f"{protocol} dport"),), tuple((Interval(each.low, each.high),) for each in ports), text="ports")


def _asked(rule: EdgeRule) -> Iterator[Match]:
    if rule.came:
        yield device("iifname", (rule.came,))
    if rule.leaves:
        yield device("oifname", (rule.leaves,))
    if rule.protocol is not None:
        yield spoken(rule.protocol)
    if rule.ports and rule.protocol is not None:
        yield ported(rule.protocol, rule.ports)


def _places(version: int, side: str, networks: Sequence[IPNetwork]) -> Match | None:
    own = [each for each in networks if each.version == version]
    return addressed(version, side, own) if own else None


def _interval(place: IPAddress | IPNetwork) -> Interval:
    if isinstance(place, IPv4Network | IPv6Network):
        return Interval(int(place.network_address), int(place.broadcast_address))
    return Interval(int(place), int(place))


def chain(name: str, lines: Iterable[Line], base: BaseChain | None = None) -> Chain:
    """A chain of such rules."""
    return Chain(name, tuple(Rule(index, said, text) for index, (said, text) in enumerate(lines)), base)


def table(name: str, chains: Iterable[Chain]) -> Table:
    """A table of the file's rules, for both IP versions."""
    return Table(Backend.NFT, "inet", name, tuple(chains))
