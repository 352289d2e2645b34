"""Conditions of iptables' rules, legacy and over nf_tables: a table of them, with where each may stand.

A match is a function from a `Ground` and a protocol to words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.fidelity.fuzz.hosts import MACS
from tests.fidelity.fuzz.ipsets import KINDS
from tests.fidelity.fuzz.words import (
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

ALWAYS = ("prerouting", "input", "forward", "output", "postrouting")
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
        everything = value.endswith("/0")  # which iptables-nft does not take the other way round
        return f"-{side} {value}" if everything else maybe_not(ground, f"-{side} {value}")

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
    six = ("LOCAL", "LOCAL", "UNICAST", "MULTICAST", "UNREACHABLE", "ANYCAST,LOCAL")
    types = six if ground.family == 6 else ("LOCAL", "LOCAL", "UNICAST", "BROADCAST", "LOCAL,BROADCAST")
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
    words = [word for word in ("--loose", "--validmark", "--accept-local", "--invert") if ground.dice.chance(0.4)]
    return " ".join(["-m rpfilter", *words])


def _mac(ground: Ground, _protocol: str) -> str:
    return "-m mac " + maybe_not(ground, f"--mac-source {ground.dice.pick(MACS)}")


def _owner(ground: Ground, _protocol: str) -> str:
    words = "--socket-exists" if ground.dice.chance(0.2) else f"--uid-owner {ground.dice.either(0, 0, 1000)}"
    return "-m owner " + maybe_not(ground, words)


def _label(ground: Ground, _protocol: str) -> str:
    """A label of the connection, which a rule may give it."""
    label = f"--label {ground.dice.number(1, 3)}"
    return f"-m connlabel {label} --set" if ground.dice.chance(0.4) else "-m connlabel " + maybe_not(ground, label)


def _realm(ground: Ground, _protocol: str) -> str:
    return "-m realm " + maybe_not(ground, f"--realm {ground.dice.either('0x0', '0x5')}")


def _headers(ground: Ground, _protocol: str) -> str:
    """Headers of IPv6 that no packet has."""
    return ground.dice.either("-m frag --fragmore", "-m hbh", "-m rt ! --rt-type 0")


def _class(ground: Ground, _protocol: str) -> str:
    """The class of service, which rules may have set."""
    kind = ground.dice.either("dscp --dscp 0x02", "dscp --dscp 0x00", "tos --tos 0x10/0xff", "tos --tos 0x08/0x1e")
    module, _, words = kind.partition(" ")
    return f"-m {module} {maybe_not(ground, words)}"


def _segments(ground: Ground, _protocol: str) -> str:
    return "-m tcpmss " + maybe_not(ground, f"--mss {ground.dice.either('1000:1460', '1:1399', '1400:1500')}")


def _length(ground: Ground, _protocol: str) -> str:
    return "-m length " + maybe_not(ground, f"--length {ground.dice.either('60', '0:59', '40:100', '100:1500')}")


def _group(ground: Ground, _protocol: str) -> str:
    side = "src" if ground.arrives and (not ground.leaves or ground.dice.chance(0.5)) else "dst"
    return "-m devgroup " + maybe_not(ground, f"--{side}-group {ground.dice.either('0x0', '0x7', '0x1/0x3')}")


def _helper(ground: Ground, _protocol: str) -> str:
    return "-m helper " + maybe_not(ground, "--helper ftp")


def _undecided(ground: Ground, _protocol: str) -> str:
    """Conditions about chance, time, or what other packets did before."""
    return ground.dice.either(
        "-m statistic --mode random --probability 0.5",
        "-m statistic --mode nth --every 2 --packet 0",
        "-m limit --limit 1/sec --limit-burst 2",
        "-m hashlimit --hashlimit-upto 1/sec --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-name made",
        "-m connlimit --connlimit-upto 1 --connlimit-mask 32 --connlimit-saddr",
        "-m recent --set --name made --rsource",
        "-m recent --update --seconds 60 --hitcount 2 --name made --rsource",
        "-m time --datestart 2020-01-01T00:00:00",
        "-m time --timestart 00:00 --timestop 23:59:59 --kerneltz",
        '-m string --string "asked" --algo bm --to 1500',
        "-m quota --quota 300",
        "-m cpu --cpu 0",
    )


def _ipsec(ground: Ground, _protocol: str) -> str:
    return f"-m policy --dir {'in' if ground.arrives else 'out'} --pol {ground.dice.either('none', 'none', 'ipsec')}"


def _set(ground: Ground, protocol: str) -> str:
    """A lookup in one of the sets that `filters` makes in the namespace."""
    usable = [
        (name, kind)
        for name, kind in KINDS.items()
        if ground.family in kind.families and (protocol in ("tcp", "udp") or not kind.with_ports)
    ]
    name, kind = ground.dice.pick(usable)
    other = kind.directions.replace("src", "dst") if ground.leaves else kind.directions
    return "-m set " + maybe_not(
        ground, f"--match-set {name}{ground.family} {ground.dice.either(kind.directions, other)}"
    )


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
    Part(1, _class),
    Part(1, _segments, protocols=("tcp",)),
    Part(0.7, _length, decided=False),
    Part(0.7, _group),
    Part(0.3, _helper, not_in=("raw",)),
    Part(0.7, _label, not_in=("raw",)),
    Part(0.5, _realm, ("input", "forward", "output", "postrouting"), families=(4,)),
    Part(0.3, _headers, families=(6,)),
    Part(0.5, _ipsec, decided=False),
    Part(0.2, _undecided, decided=False),
    Part(3, _set),
    Part(1.5, _physdev, ("prerouting", "forward", "postrouting")),
    Part(2, _rpfilter, ("prerouting",), not_in=NOT_NAT),
)
