"""Rules of iptables, legacy and over nf_tables: a grammar of matches and targets as tables.

A match is a function from a `Ground` to words; a table says how likely each is and where it may stand. A rule is a
protocol, up to three matches, and a target. Lines are those of iptables-save.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.fidelity.fuzz.dice import Dice
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

Words = Callable[[Ground, str], str]

HOOKS = {"PREROUTING": "prerouting", "INPUT": "input", "FORWARD": "forward", "OUTPUT": "output",
         "POSTROUTING": "postrouting"}  # fmt: skip
TABLES = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
}
ALWAYS = tuple(HOOKS.values())
IN, OUT = ("prerouting", "input", "forward"), ("forward", "output", "postrouting")


@dataclass(frozen=True)
class Part:
    """A match: its likelihood, its words, the hooks and protocols that it may have, the tables that lack it, and
    whether the model can decide it: where it cannot, a rule that does nothing has no step."""

    weight: float
    words: Words
    hooks: Sequence[str] = ALWAYS
    protocols: Sequence[str] = ()
    families: Sequence[int] = (4, 6)
    not_in: Sequence[str] = ()
    decided: bool = True


def maybe_not(ground: Ground, words: str) -> str:
    """The words, sometimes the other way round."""
    return f"! {words}" if ground.dice.chance(0.2) else words


def _end(side: str) -> Words:
    def words(ground: Ground, _protocol: str) -> str:
        value = one_network(ground) if ground.dice.chance(0.5) else one_address(ground)
        return maybe_not(ground, f"-{side} {value}")

    return words


def _device(side: str) -> Words:
    def words(ground: Ground, _protocol: str) -> str:
        name = one_device(ground)
        return maybe_not(ground, f"-{side} {name[:2]}+" if ground.dice.chance(0.15) else f"-{side} {name}")

    return words


def _one_range(ground: Ground) -> str:
    low, high = a_range(ground)
    return f"{low}:{high}"


def _destination_port(ground: Ground, protocol: str) -> str:
    value = _one_range(ground) if ground.dice.chance(0.25) else str(one_port(ground))
    return f"-m {protocol} " + maybe_not(ground, f"--dport {value}")


def _source_port(ground: Ground, protocol: str) -> str:
    value = ground.dice.either("1024:65535", "1:1023", str(one_port(ground)))
    return f"-m {protocol} " + maybe_not(ground, f"--sport {value}")


def _flags(ground: Ground, _protocol: str) -> str:
    mask = ground.dice.either("FIN,SYN,RST,ACK SYN", "SYN,ACK SYN,ACK", "SYN SYN", "RST RST", "ACK NONE")
    return "-m tcp " + maybe_not(ground, f"--tcp-flags {mask}")


def _multiport(ground: Ground, _protocol: str) -> str:
    ports = [str(one_port(ground)) for _ in range(ground.dice.number(1, 3))]
    ports += [_one_range(ground)] if ground.dice.chance(0.3) else []
    side = ground.dice.weighted(((3.0, "dports"), (1.0, "sports"), (1.0, "ports")))
    return "-m multiport " + maybe_not(ground, f"--{side} {','.join(dict.fromkeys(ports))}")


def _states(ground: Ground) -> str:
    if ground.dice.chance(0.5):
        return "RELATED,ESTABLISHED"
    return ",".join(ground.dice.some([state.upper() for state in STATES], 3))


def _ctstate(ground: Ground, _protocol: str) -> str:
    extra = ground.dice.weighted(((8.0, ""), (1.0, ",DNAT"), (1.0, ",SNAT")))
    return "-m conntrack " + maybe_not(ground, f"--ctstate {_states(ground)}{extra}")


def _state(ground: Ground, _protocol: str) -> str:
    return "-m state " + maybe_not(ground, f"--state {_states(ground)}")


def _conntrack(ground: Ground, protocol: str) -> str:
    side = ground.dice.either("src", "dst")
    kinds = {
        "status": f"--ctstatus {ground.dice.either('SEEN_REPLY', 'CONFIRMED', 'EXPECTED', 'NONE', 'ASSURED')}",
        "direction": f"--ctdir {ground.dice.either('ORIGINAL', 'REPLY')}",
        "address": f"--ctorig{side} {one_address(ground)}",
        "reply": f"--ctrepl{side} {one_address(ground)}",
        "protocol": f"--ctproto {protocol}",
        "port": f"--ctorigdstport {one_port(ground)}",
    }
    usable = [words for kind, words in kinds.items() if protocol or kind not in ("protocol", "port")]
    words = ground.dice.pick(usable)
    return "-m conntrack " + (words if words.startswith("--ctdir") else maybe_not(ground, words))


def _addrtype(ground: Ground, _protocol: str) -> str:
    types = ("LOCAL",) if ground.family == 6 else ("LOCAL", "LOCAL", "UNICAST", "BROADCAST", "LOCAL,BROADCAST")
    words = f"--{ground.dice.either('dst', 'dst', 'src')}-type {ground.dice.pick(types)}"
    words = "-m addrtype " + maybe_not(ground, words)
    if ground.hook in ("prerouting", "input") and ground.dice.chance(0.2):
        return f"{words} --limit-iface-in"
    return f"{words} --limit-iface-out" if ground.hook == "postrouting" and ground.dice.chance(0.2) else words


def _mark(module: str) -> Words:
    def words(ground: Ground, _protocol: str) -> str:
        value, mask = a_mark(ground)
        return f"-m {module} " + maybe_not(ground, f"--mark {value:#x}/{mask:#x}")

    return words


def _iprange(ground: Ground, _protocol: str) -> str:
    base = one_address(ground)
    head = base.rpartition("." if ground.family == 4 else ":")[0]
    span = f"{head}.1-{head}.50" if ground.family == 4 else f"{head}:1-{head}:50"
    return "-m iprange " + maybe_not(ground, f"--{ground.dice.either('src', 'dst')}-range {span}")


def _pkttype(ground: Ground, _protocol: str) -> str:
    return "-m pkttype " + maybe_not(ground, f"--pkt-type {ground.dice.either('unicast', 'unicast', 'multicast')}")


def _ttl(ground: Ground, _protocol: str) -> str:
    module = "ttl" if ground.family == 4 else "hl"
    return f"-m {module} --{module}-{ground.dice.either('gt', 'lt', 'eq')} {ground.dice.either(63, 64, 62)}"


def _comment(ground: Ground, _protocol: str) -> str:
    return '-m comment --comment "made up"'


def _icmp(ground: Ground, _protocol: str) -> str:
    if ground.family == 4:
        return "-m icmp " + maybe_not(ground, f"--icmp-type {ground.dice.either('3', '3/3', '3/1', '8')}")
    return "-m icmp6 " + maybe_not(ground, f"--icmpv6-type {ground.dice.either('1', '1/4', '128')}")


def _physdev(ground: Ground, _protocol: str) -> str:
    ports = ground.plot.ports() or ["v1"]
    words = ["--physdev-is-bridged", f"--physdev-in {ground.dice.pick(ports)}", "--physdev-is-in"]
    if ground.hook in ("forward", "postrouting"):
        words += [f"--physdev-is-bridged --physdev-out {ground.dice.pick(ports)}"]
    chosen = ground.dice.pick(words)
    return "-m physdev " + (chosen if chosen.count("--") > 1 else maybe_not(ground, chosen))


def _rpfilter(ground: Ground, _protocol: str) -> str:
    words = [word for word in ("--loose", "--validmark", "--invert") if ground.dice.chance(0.4)]
    return " ".join(["-m rpfilter", *words])


def _mac(ground: Ground, _protocol: str) -> str:
    return "-m mac " + maybe_not(ground, f"--mac-source {ground.dice.pick(MACS)}")


def _owner(ground: Ground, _protocol: str) -> str:
    return "-m owner " + maybe_not(ground, f"--uid-owner {ground.dice.either(0, 0, 1000)}")


def _chance(ground: Ground, _protocol: str) -> str:
    return ground.dice.either("-m statistic --mode random --probability 0.5", "-m limit --limit 1/sec --limit-burst 2")


def _set(ground: Ground, protocol: str) -> str:
    """A lookup in one of the sets that `filters` makes in the namespace."""
    kind = ground.dice.pick([kind for kind in IPSETS if protocol in ("tcp", "udp") or "port" not in kind])
    directions = IPSETS[kind][1] if ground.dice.chance(0.7) else IPSETS[kind][1].replace("src", "dst")
    return "-m set " + maybe_not(ground, f"--match-set {kind}{ground.family} {directions}")


#: Sets by name: what ipset calls the type, and the directions of a lookup.
IPSETS = {
    "ip": ("hash:ip", "src"),
    "net": ("hash:net", "src"),
    "ipport": ("hash:ip,port", "src,dst"),
    "port": ("bitmap:port", "dst"),
    "list": ("list:set", "src"),
}

NOT_NAT = ("nat",)
MATCHES = (
    Part(6, _end("s")),
    Part(6, _end("d")),
    Part(5, _device("i"), IN),
    Part(4, _device("o"), OUT),
    Part(8, _destination_port, protocols=("tcp", "udp")),
    Part(1.5, _source_port, protocols=("tcp", "udp")),
    Part(2, _flags, protocols=("tcp",)),
    Part(3, _multiport, protocols=("tcp", "udp")),
    Part(5, _ctstate, not_in=("raw",)),
    Part(1.5, _state, not_in=("raw",)),
    Part(3, _conntrack, not_in=("raw",)),
    Part(4, _addrtype),
    Part(4, _mark("mark")),
    Part(2, _mark("connmark"), not_in=("raw",)),
    Part(2, _iprange),
    Part(1, _pkttype),
    Part(1, _ttl),
    Part(0.5, _comment),
    Part(3, _icmp, protocols=("icmp",)),
    Part(1.5, _mac, IN),
    Part(1, _owner, ("output", "postrouting"), decided=False),
    Part(0.15, _chance, decided=False),
    Part(3, _set),
    Part(1.5, _physdev, ("prerouting", "forward", "postrouting")),
    Part(2, _rpfilter, ("prerouting",), not_in=NOT_NAT),
)
PROTOCOLS = ((3.0, ""), (5.0, "tcp"), (2.5, "udp"), (1.0, "icmp"))


def rule(ground: Ground, chains: Sequence[str] = ()) -> str:
    """What follows `-A CHAIN`: conditions and a target. `chains` may be jumped to."""
    dice = ground.dice
    protocol = dice.weighted(PROTOCOLS)
    named = {"icmp": "ipv6-icmp"}.get(protocol, protocol) if ground.family == 6 else protocol
    words = [f"-p {named}"] if named else []
    usable = [
        (part.weight, part)
        for part in MATCHES
        if ground.hook in part.hooks and ground.family in part.families and ground.table not in part.not_in
        and (not part.protocols or protocol in part.protocols)
    ]  # fmt: skip
    parts = list(dict.fromkeys(dice.weighted(usable) for _ in range(dice.number(1, 3))))
    words += [part.words(ground, named) for part in parts]
    done = target(ground, named, chains)
    idle = done in ("", "-j LOG", *NOTES) and not all(part.decided for part in parts)
    return " ".join([*words, "-j ACCEPT" if idle else done])


def _set_mark(ground: Ground) -> str:
    value, mask = a_mark(ground)
    kind = ground.dice.weighted(((4.0, "xmark"), (1.0, "or"), (1.0, "and"), (1.0, "xor")))
    return f"-j MARK --set-xmark {value:#x}/{mask:#x}" if kind == "xmark" else f"-j MARK --{kind}-mark {value:#x}"


def _connmark(ground: Ground) -> str:
    value, mask = a_mark(ground)
    return "-j CONNMARK " + ground.dice.either(
        "--save-mark", "--restore-mark", f"--set-xmark {value:#x}/{mask:#x}",
        f"--save-mark --nfmask {mask:#x} --ctmask {mask:#x}", f"--restore-mark --nfmask {mask:#x} --ctmask {mask:#x}",
    )  # fmt: skip


def _hops(ground: Ground) -> str:
    """What a packet has left of its way. Only its sender sets it, so that no loop goes on for ever."""
    name = "TTL --ttl" if ground.family == 4 else "HL --hl"
    how = "set" if ground.hook == "output" and ground.dice.chance(0.7) else "dec"
    return f"-j {name}-{how} {ground.dice.either(1, 1, 2, 3, 62, 63, 200)}"


def _reject(ground: Ground, protocol: str) -> str:
    kinds = [kind for kind in REJECTS[ground.family] if kind != "tcp-reset" or protocol == "tcp"]
    return f"-j REJECT --reject-with {ground.dice.pick(kinds)}"


def _zone(dice: Dice) -> str:
    return f"--zone{dice.weighted(((3.0, ''), (1.0, '-orig'), (1.0, '-reply')))} {dice.number(1, 2)}"


#: What changes nothing that routes or rules look at.
NOTES = ("-j CLASSIFY --set-class 1:1", "-j CHECKSUM --checksum-fill", "-j DSCP --set-dscp 0x02", "-j NFLOG")


def target(ground: Ground, protocol: str, chains: Sequence[str]) -> str:
    """A target that the table takes."""
    dice = ground.dice
    to = dice.pick(chains) if chains else ""
    table: list[tuple[float, str]] = [(6.0, "-j ACCEPT"), (1.5, "-j RETURN"), (1.0, ""), (0.3, "-j LOG")]
    table += [(5.0, f"-j {to}"), (1.5, f"-g {to}")] if to else []
    if ground.table != "nat":
        table += [(2.5, "-j DROP")]
    if ground.table == "filter":
        table += [(2.0, _reject(ground, protocol))]
    if ground.table in ("mangle", "raw", "filter"):
        table += [(8.0 if ground.table == "mangle" else 0.7, _set_mark(ground))]
    if ground.table == "mangle":
        table += [
            (0.5, dice.pick(NOTES)),
            (4.0, _connmark(ground)),
            (0.8, _hops(ground)),
            (0.5, "-j CONNMARK --restore-mark"),
        ]
    if ground.table == "raw":
        table += [(3.0, dice.either("-j CT --notrack", "-j NOTRACK")), (1.0, f"-j CT {_zone(dice)}")]
    return dice.weighted(table)


def block(tables: Mapping[str, Mapping[str, tuple[str, list[str]]]]) -> str:
    """Lines of iptables-save: by table and chain, the policy ("-" for a user chain) and the rules."""
    lines = []
    for table, chains in tables.items():
        lines.append(f"*{table}")
        lines += [f":{chain} {policy} [0:0]" for chain, (policy, _) in chains.items()]
        lines += [f"-A {chain} {words}".rstrip() for chain, (_, rules) in chains.items() for words in rules]
        lines.append("COMMIT")
    return "\n".join(lines) + "\n"
