"""Rules of native nftables: the same vocabulary as `xt`, and what only nftables has: sets, maps, concatenations.

A match is a function from a `Ground` to words. `rule` gives one line of a chain; `Sets` collects the named sets and
maps that lines refer to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.fidelity.fuzz.hosts import MACS
from tests.fidelity.fuzz.words import (
    REJECTS,
    STATES,
    Ground,
    a_mark,
    a_range,
    one_address,
    one_device,
    one_network,
    one_port,
)

ALWAYS = ("prerouting", "input", "forward", "output", "postrouting")
IN, OUT = ("prerouting", "input", "forward"), ("forward", "output", "postrouting")
#: xtables' words for rejections, as nftables has them.
REJECT_WORDS = {4: "icmp", 6: "icmpv6"}
NAMES = {"adm-prohibited": "admin-prohibited", "addr-unreachable": "addr-unreachable", "proto-unreachable":
         "prot-unreachable"}  # fmt: skip


@dataclass
class Sets:
    """Named sets and maps of a table, each a line."""

    lines: list[str] = field(default_factory=list)

    def name(self, kind: str, words: str) -> str:
        """Adds one; its reference."""
        name = f"{kind[0]}{len(self.lines)}"
        self.lines.append(f"{kind} {name} {{ {words} }}")
        return f"@{name}"


@dataclass(frozen=True)
class Lawn(Ground):
    """Ground of a table of nftables. `mixed` tables (inet) have rules for both IP versions."""

    sets: Sets = field(default_factory=Sets)
    mixed: bool = False

    @property
    def ip(self) -> str:
        """The name of the network header."""
        return "ip" if self.family == 4 else "ip6"


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


def negated(lawn: Lawn) -> str:
    """An operator that is there or not."""
    return "!= " if lawn.dice.chance(0.2) else ""


def several(values: Sequence[str]) -> str:
    """An anonymous set."""
    return "{ " + ", ".join(dict.fromkeys(values)) + " }"


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
    value = {"tcp": "tcp", "udp": "udp", "th": "{ tcp, udp }", "icmp": "{ icmp, ipv6-icmp }"}
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
    port = f"meta l4proto {protocol} ct original proto-dst {negated(lawn)}{one_port(lawn)}"
    return lawn.dice.either(
        *([port] if protocol in ("tcp", "udp") else []),
        f"ct status {negated(lawn)}{lawn.dice.either('dnat', 'snat', 'seen-reply', 'confirmed', 'assured')}",
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
    scope = ""
    if lawn.hook in ("prerouting", "input") and lawn.dice.chance(0.2):
        scope = " . iif"
    if lawn.hook == "postrouting" and lawn.dice.chance(0.2):
        scope = " . oif"
    return f"fib {side}{scope} type {negated(lawn)}{lawn.dice.either('local', 'local', 'unicast', 'broadcast')}"


def _fib_oif(lawn: Lawn, _protocol: str) -> str:
    selector = lawn.dice.either("saddr . iif", "saddr . mark . iif", "saddr", "saddr . mark")
    return f"fib {selector} oif {lawn.dice.either('missing', 'exists')}"


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


def _mac(lawn: Lawn, _protocol: str) -> str:
    return f"ether saddr {negated(lawn)}{lawn.dice.pick(MACS)}"


def _owner(lawn: Lawn, _protocol: str) -> str:
    return f"meta skuid {negated(lawn)}{lawn.dice.either(0, 0, 1000)}"


def _undecided(lawn: Lawn, _protocol: str) -> str:
    return lawn.dice.either("limit rate 1/second burst 2 packets", "limit rate over 5/second", "numgen random mod 2 0")


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
    Part(1, _ttl),
    Part(3, _concatenation, protocols=("", "tcp", "udp")),
    Part(9, _icmp, protocols=("icmp",)),
    Part(0.7, _pkttype),
    Part(1.5, _mac, IN),
    Part(1, _owner, ("output", "postrouting"), decided=False),
    Part(0.15, _undecided, decided=False),
)
PROTOCOLS = ((3.0, ""), (4.0, "tcp"), (2.0, "udp"), (2.0, "th"), (0.7, "icmp"))


def rule(lawn: Lawn, chains: Sequence[str] = (), kind: str = "filter") -> str:
    """One line of a chain of type `kind`; `chains` may be jumped to."""
    dice = lawn.dice
    protocol = dice.weighted(PROTOCOLS)
    usable = [
        (part.weight, part)
        for part in MATCHES
        if lawn.hook in part.hooks and (not part.protocols or protocol in part.protocols)
    ]
    parts = list(dict.fromkeys(dice.weighted(usable) for _ in range(dice.weighted(((4.0, 1), (3.0, 2), (1.0, 3))))))
    words = [part.words(lawn, protocol) for part in parts]
    words += ["counter"] if dice.chance(0.15) else []
    done = verdict(lawn, chains, kind, protocol)
    idle = done in ("", "log") and not all(part.decided for part in parts)
    return " ".join([*words, "accept" if idle else done]).strip()


def _reject(lawn: Lawn, protocol: str) -> str:
    kind = lawn.dice.pick([each for each in REJECTS[lawn.family] if each != "tcp-reset"])
    name = kind.partition("-")[2]
    word = NAMES.get(name, name)
    if lawn.mixed and lawn.dice.chance(0.5):
        return "reject with icmpx " + lawn.dice.either("port-unreachable", "admin-prohibited", "no-route")
    if protocol == "tcp" and lawn.dice.chance(0.3):
        return "reject with tcp reset"
    return lawn.dice.either(f"reject with {REJECT_WORDS[lawn.family]} {word}", "reject")


def _setting(lawn: Lawn, protocol: str) -> str:
    value, mask = a_mark(lawn)
    ports = several([f"{one_port(lawn)} : {value:#x}"])
    by_port = [f"meta mark set {protocol} dport map {ports}"] if protocol in PORTS else []
    return lawn.dice.either(
        *by_port,
        f"meta mark set {value:#x}",
        f"meta mark set meta mark & {~mask & 0xFFFFFFFF:#x} | {value:#x}",
        f"meta mark set meta mark ^ {value:#x}",
        f"ct mark set {value:#x}",
        "ct mark set meta mark",
        "meta mark set ct mark",
    )


def _hops(lawn: Lawn) -> str:
    return f"{'ip ttl' if lawn.family == 4 else 'ip6 hoplimit'} set {lawn.dice.either(1, 1, 2, 3, 200)}"


def _map_of_verdicts(lawn: Lawn, chains: Sequence[str], protocol: str) -> str:
    dice = lawn.dice
    verdicts = ["accept", "drop", "return", "continue", *(f"jump {chain}" for chain in chains)]
    by_port = 1.0 if protocol in PORTS else 0.0
    kind = dice.weighted(
        ((3.0 * by_port, "port"), (2.0, "state"), (2.0, "device"), (1.5, "address"), (by_port, "named"))
    )
    if kind == "state":
        return f"ct state vmap {{ established : accept, related : accept, invalid : {dice.pick(verdicts)} }}"
    if kind == "device":
        side = "iifname" if lawn.arrives else "oifname"
        keys = dict.fromkeys(f'"{one_device(lawn)}"' for _ in range(2))
        return f"{side} vmap {several([f'{key} : {dice.pick(verdicts)}' for key in keys])}"
    if kind == "address":
        keys = dict.fromkeys(one_address(lawn) for _ in range(2))
        return f"{lawn.ip} daddr vmap {several([f'{key} : {dice.pick(verdicts)}' for key in keys])}"
    keys = dict.fromkeys(str(one_port(lawn)) for _ in range(2))
    entries = several([f"{key} : {dice.pick(verdicts)}" for key in keys])
    if kind == "named":
        return f"{protocol} dport vmap " + lawn.sets.name("map", f"type inet_service : verdict; elements = {entries}")
    return f"{protocol} dport vmap {entries}"


def verdict(lawn: Lawn, chains: Sequence[str], kind: str, protocol: str) -> str:
    """What a rule does in the end."""
    dice = lawn.dice
    to = dice.pick(chains) if chains else ""
    table: list[tuple[float, str]] = [(7.0, "accept"), (1.5, "return"), (1.0, ""), (0.4, "log"), (0.5, "continue")]
    table += [(4.0, f"jump {to}"), (1.5, f"goto {to}")] if to else []
    table += [(2.5, _setting(lawn, protocol))]
    if kind != "nat":
        table += [(2.5, "drop"), (2.0, _map_of_verdicts(lawn, chains, protocol))]
    if kind != "nat" and lawn.hook == "output":
        table += [(1.0, _hops(lawn))]
    if kind == "filter" and lawn.hook in ("prerouting", "input", "forward", "output"):
        table += [(2.0, _reject(lawn, protocol))]
    return dice.weighted(table)
