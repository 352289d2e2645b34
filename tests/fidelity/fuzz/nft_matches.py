"""Conditions of rules of nftables: the vocabulary of `xt_matches`, and what only nftables has: sets, concatenations.

A match is a function from a `Lawn` and a protocol to words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.fidelity.fuzz.hosts import MACS
from tests.fidelity.fuzz.lawn import Lawn, negated, several
from tests.fidelity.fuzz.words import (
    STATES,
    a_mark,
    a_range,
    one_address,
    one_device,
    one_network,
    one_port,
)

ALWAYS = ("prerouting", "input", "forward", "output", "postrouting")
IN, OUT = ("prerouting", "input", "forward"), ("forward", "output", "postrouting")


Words = Callable[[Lawn, str], str]


@dataclass(frozen=True)
class Part:
    """A match: its likelihood, its words, the hooks that it may stand at, the protocols that it speaks of, and whether
    the model can decide it: where it cannot, a rule that does nothing has no step."""

    weight: float
    words: Words
    hooks: Sequence[str] = ALWAYS
    protocols: Sequence[str] = ()
    decided: bool = True


def _end(lawn: Lawn, _protocol: str) -> str:
    dice, side = lawn.dice, lawn.dice.either("saddr", "daddr")
    kind = dice.weighted(((4.0, "address"), (4.0, "net"), (2.0, "set"), (1.5, "named"), (0.7, "mask"), (1.0, "range")))
    head = f"{lawn.ip} {side} "
    if kind == "mask" and lawn.family == 4:
        return f"{head}& 255.0.0.255 == {one_address(lawn).split('.')[0]}.0.0.{dice.number(1, 3)}"
    if kind == "range" and lawn.family == 4:
        stem = one_address(lawn).rpartition(".")[0]
        return f"{head}{negated(lawn)}{stem}.1-{stem}.{dice.number(2, 60)}"
    if kind == "set":
        return head + negated(lawn) + several([one_address(lawn) for _ in range(3)])
    if kind == "named":
        values = several([one_network(lawn), one_address(lawn)] if dice.chance(0.5) else [one_address(lawn)])
        words = f"type ipv{lawn.family}_addr; flags interval; auto-merge; elements = {values}"
        return head + negated(lawn) + lawn.sets.name("set", words)
    return head + negated(lawn) + (one_network(lawn) if kind == "net" else one_address(lawn))


def _device(side: str) -> Words:
    def words(lawn: Lawn, _protocol: str) -> str:
        name, kind = one_device(lawn), lawn.dice.weighted(((6.0, ""), (1.0, "wild"), (1.5, "set"), (1.0, "index")))
        if kind == "wild":
            return f'{side}name {negated(lawn)}"{name[:2]}*"'
        if kind == "set":
            return f"{side}name {negated(lawn)}" + several([f'"{name}"', f'"{one_device(lawn)}"'])
        if kind == "index" and name not in lawn.plot.drafts[lawn.netns].bridges:
            return f'{side} {negated(lawn)}"{name}"'
        return f'{side}name {negated(lawn)}"{name}"'

    return words


def _port_value(lawn: Lawn) -> str:
    low, high = a_range(lawn)
    kind = lawn.dice.weighted(((5.0, "one"), (1.5, "range"), (2.5, "set"), (1.5, "named")))
    if kind == "range":
        return f"{negated(lawn)}{low}-{high}"
    if kind == "set":
        return negated(lawn) + several([str(one_port(lawn)) for _ in range(3)])
    if kind == "named":
        values = several([str(one_port(lawn)), f"{low}-{high}"])
        return negated(lawn) + lawn.sets.name(
            "set", f"type inet_service; flags interval; auto-merge; elements = {values}"
        )
    return f"{negated(lawn)}{one_port(lawn)}"


def _port(lawn: Lawn, protocol: str) -> str:
    guard = "meta l4proto { tcp, udp } " if protocol == "th" else ""
    side = "dport" if lawn.dice.chance(0.85) else "sport"
    return f"{guard}{protocol} {side} {_port_value(lawn)}"


def _flags(lawn: Lawn, _protocol: str) -> str:
    return "tcp flags " + lawn.dice.either(
        "syn / syn,ack", "& (syn | ack) == syn | ack", "& syn != 0", "rst", "& (fin | syn | rst | ack) == syn", "! syn"
    )


def _protocol(lawn: Lawn, protocol: str) -> str:
    if not protocol and lawn.dice.chance(0.3):
        return f"{'ip protocol' if lawn.family == 4 else 'ip6 nexthdr'} {negated(lawn)}{lawn.dice.either('tcp', 'udp')}"
    value = {"tcp": "tcp", "udp": "udp", "th": "{ tcp, udp }", "icmp": "icmp" if lawn.family == 4 else "ipv6-icmp"}
    return f"meta l4proto {value.get(protocol) or negated(lawn) + lawn.dice.either('tcp', 'udp', 'icmp')}"


def _family(lawn: Lawn, _protocol: str) -> str:
    return f"meta nfproto {negated(lawn)}ipv{lawn.family}" if lawn.mixed else f"meta protocol {lawn.ip}"


def _state(lawn: Lawn, _protocol: str) -> str:
    if lawn.dice.chance(0.5):
        return "ct state " + lawn.dice.either("established,related", "established", "new", "{ established, related }")
    return f"ct state {negated(lawn)}{','.join(lawn.dice.some(STATES, 3))}"


def _conntrack(lawn: Lawn, protocol: str) -> str:
    side = lawn.dice.either("saddr", "daddr")
    value, mask = a_mark(lawn)
    way, end = lawn.dice.either("original", "reply"), lawn.dice.either("src", "dst", "dst")
    guard = f"meta l4proto {protocol} " if protocol in ("tcp", "udp") else ""
    return lawn.dice.either(
        f"{guard}ct {way} proto-{end} {_port_value(lawn)}",
        f"ct zone {negated(lawn)}{lawn.dice.number(0, 2)}",
        *([] if protocol else [f"ct protocol {negated(lawn)}{lawn.dice.either('tcp', 'udp')}"]),
        f"ct status {negated(lawn)}{lawn.dice.either('dnat', 'snat', 'seen-reply', 'confirmed', 'assured')}",
        f"ct status {lawn.dice.either('dnat,snat', '{ dnat, snat }', '& dnat == dnat', '& (snat | dnat) != 0')}",
        f"ct direction {lawn.dice.either('original', 'reply')}",
        f"ct original {lawn.ip} {side} {negated(lawn)}{one_address(lawn)}",
        f"ct reply {lawn.ip} {side} {negated(lawn)}{one_address(lawn)}",
        f"ct mark & {mask:#x} {lawn.dice.either('==', '!=')} {value:#x}",
        f"ct mark {negated(lawn)}{value:#x}",
    )


def _mark(lawn: Lawn, _protocol: str) -> str:
    value, mask = a_mark(lawn)
    return lawn.dice.either(
        f"meta mark & {mask:#x} {lawn.dice.either('==', '!=')} {value:#x}",
        f"meta mark {negated(lawn)}{value:#x}",
        f"meta mark {negated(lawn)}{several([hex(value), '0x1', '0x10'])}",
    )


def _fib_type(lawn: Lawn, _protocol: str) -> str:
    side = lawn.dice.either("daddr", "daddr", "saddr")
    scope = " . mark" if lawn.dice.chance(0.2) else ""
    if lawn.hook in ("prerouting", "input") and lawn.dice.chance(0.2):
        scope += " . iif"
    if lawn.hook == "postrouting" and lawn.dice.chance(0.2):
        scope += " . oif"
    kind = lawn.dice.either("local", "local", "unicast", "broadcast", "unreachable")
    return f"fib {side}{scope} type {negated(lawn)}{kind}"


def _fib_oif(lawn: Lawn, _protocol: str) -> str:
    marked, device = lawn.dice.either("", " . mark"), lawn.dice.either("", " . iif")
    result = f'oifname {negated(lawn)}"{one_device(lawn)}"' if lawn.dice.chance(0.3) else ""
    result = result or f"oif {lawn.dice.either('missing', 'exists')}"
    return f"fib {lawn.dice.either('saddr', 'saddr', 'daddr')}{marked}{device} {result}"


def _way(lawn: Lawn, _protocol: str) -> str:
    """The way that the packet has."""
    words = [f"rt {lawn.ip} nexthop {negated(lawn)}{one_address(lawn)}", "rt classid 0"]
    if lawn.hook in ("forward", "output", "postrouting"):
        words.append(f"rt mtu {lawn.dice.either('< 1400', '>= 1400', '1460', '!= 1440')}")
    return lawn.dice.pick(words)


def _ipsec(lawn: Lawn, _protocol: str) -> str:
    asks = "meta" if lawn.arrives and lawn.dice.chance(0.6) else "rt"
    return f"{asks} ipsec {lawn.dice.either('missing', 'missing', 'exists')}"


def _label(lawn: Lawn, _protocol: str) -> str:
    return f"ct label {negated(lawn)}{lawn.dice.number(1, 3)}"


def _headers(lawn: Lawn, _protocol: str) -> str:
    """What is the same in all packets of an IP version."""
    if lawn.family == 4:
        return lawn.dice.either("ip version 4", "ip hdrlength 5", "ip option rr missing", "ip option lsrr exists")
    return lawn.dice.either("ip6 version 6", "exthdr frag missing", "exthdr hbh exists", "frag more-fragments 1")


def _ttl(lawn: Lawn, _protocol: str) -> str:
    return f"{'ip ttl' if lawn.family == 4 else 'ip6 hoplimit'} {lawn.dice.either('', '!= ', '< ', '>= ')}64"


def _concatenation(lawn: Lawn, protocol: str) -> str:
    dice = lawn.dice
    pairs = [f"{one_address(lawn)} . {one_port(lawn)}" for _ in range(2)]
    if protocol and dice.chance(0.4):
        low, high = a_range(lawn)
        element = f"{one_network(lawn)} . {low}-{high}"
        words = f"type ipv{lawn.family}_addr . inet_service; flags interval; elements = {several([element])}"
        return f"{lawn.ip} {dice.either('saddr', 'daddr')} . {protocol} dport {negated(lawn)}" + lawn.sets.name(
            "set", words
        )
    if protocol and dice.chance(0.3):
        triples = [f"{one_address(lawn)} . {dice.either('tcp', 'udp')} . {one_port(lawn)}" for _ in range(2)]
        return f"{lawn.ip} {dice.either('saddr', 'daddr')} . meta l4proto . th dport {negated(lawn)}{several(triples)}"
    if lawn.arrives and dice.chance(0.3):
        element = f'"{one_device(lawn)}" . {one_network(lawn)}'
        words = f"type ifname . ipv{lawn.family}_addr; flags interval; elements = {several([element])}"
        return f"iifname . {lawn.ip} saddr {negated(lawn)}" + lawn.sets.name("set", words)
    if protocol not in ("tcp", "udp"):
        elements = several([f'"{one_device(lawn)}" . {dice.either("tcp", "udp")}' for _ in range(2)])
        return f"meta {'iifname' if lawn.arrives else 'oifname'} . meta l4proto {elements}"
    return f"{lawn.ip} {dice.either('saddr', 'daddr')} . {protocol} dport {negated(lawn)}{several(pairs)}"


def _icmp(lawn: Lawn, _protocol: str) -> str:
    if lawn.family == 4:
        return f"icmp type {negated(lawn)}{lawn.dice.either('destination-unreachable', 'echo-request')}"
    return f"icmpv6 type {negated(lawn)}{lawn.dice.either('destination-unreachable', 'echo-request')}"


def _pkttype(lawn: Lawn, _protocol: str) -> str:
    return f"meta pkttype {negated(lawn)}unicast"


PORTS = ("tcp", "udp", "th")


def _class(lawn: Lawn, _protocol: str) -> str:
    """The class of service, which rules may have set."""
    return f"{lawn.ip} dscp {negated(lawn)}{lawn.dice.either('0x02', 'cs0', 'ef', '{ cs0, ef }', '0x01-0x10')}"


def _segments(lawn: Lawn, _protocol: str) -> str:
    if lawn.dice.chance(0.2):
        return f"tcp option {lawn.dice.either('fastopen', 'mptcp', 'sack')} {lawn.dice.either('missing', 'exists')}"
    words = ("size 1000-1460", "size < 1400", "size != 1460", "exists", "missing")
    return f"tcp option maxseg {lawn.dice.pick(words)}"


def _length(lawn: Lawn, _protocol: str) -> str:
    name = lawn.dice.either("meta length", f"{lawn.ip} length")
    return f"{name} {negated(lawn)}{lawn.dice.either('60', '0-59', '40-100', '100-1500')}"


def _kind(lawn: Lawn, _protocol: str) -> str:
    """The group or kind of a device."""
    side = "iif" if lawn.arrives and (not lawn.leaves or lawn.dice.chance(0.5)) else "oif"
    return f"meta {side}" + lawn.dice.either(
        f"group {negated(lawn)}{lawn.dice.either('default', '7', '{ 1-6, 8 }')}",
        f'kind {negated(lawn)}"{lawn.dice.either("veth", "bridge", "macvlan")}"',
        f"type {negated(lawn)}{lawn.dice.either('ether', *([] if lawn.mixed else ['loopback']))}",
    )


def _mac(lawn: Lawn, _protocol: str) -> str:
    return f"ether saddr {negated(lawn)}{lawn.dice.pick(MACS)}"


def _owner(lawn: Lawn, _protocol: str) -> str:
    return f"meta skuid {negated(lawn)}{lawn.dice.either(0, 0, 1000)}"


def _undecided(lawn: Lawn, _protocol: str) -> str:
    """Conditions about chance, time, or what other packets did before."""
    return lawn.dice.either(
        "limit rate 1/second burst 2 packets",
        "limit rate over 5/second",
        "numgen random mod 2 0",
        "numgen inc mod 2 0",
        f"jhash {lawn.ip} saddr mod 2 seed 0x1 0",
        "meta random < 2147483648",
        'meta hour "00:00"-"23:59:59"',
        'meta time > "2020-01-01"',
        "meta day 0-6",
        "meta cpu 0",
        "quota over 300 bytes",
        "ct count over 1",
    )


MATCHES = (
    Part(9, _end),
    Part(4, _device("iif"), IN),
    Part(3, _device("oif"), OUT),
    Part(16, _port, protocols=PORTS),
    Part(2, _flags, protocols=("tcp",)),
    Part(2, _protocol),
    Part(1, _family),
    Part(6, _state),
    Part(4, _conntrack),
    Part(4, _mark),
    Part(3, _fib_type),
    Part(1.5, _fib_oif, ("prerouting", "input", "forward")),
    Part(1, _way),
    Part(0.5, _ipsec, decided=False),
    Part(0.7, _label),
    Part(0.5, _headers),
    Part(1, _ttl),
    Part(3, _concatenation, protocols=("", "tcp", "udp")),
    Part(9, _icmp, protocols=("icmp",)),
    Part(0.7, _pkttype),
    Part(1.5, _mac, IN),
    Part(1, _owner, ("output", "postrouting"), decided=False),
    Part(1, _class),
    Part(1, _segments, protocols=("tcp",)),
    Part(0.7, _length, decided=False),
    Part(1, _kind),
    Part(0.2, _undecided, decided=False),
)
