"""Parts of ebtables' rules that nft cannot show, by the words of ebtables-nft-save: what they ask of IP and ARP, marks.

nft prints the rules of ebtables-nft, which are in tables of the family bridge, but of matches of ebtables' own their
names alone. The save tool prints the same rules in the same order, a line each. A match that stands in no table here
stays what nft makes of it, which is answered "unknown"; all options of one are needed, as matches are.
Sources: ebtables-nft(8), net/bridge/netfilter/ebt_ip.c, ebt_ip6.c, ebt_arp.c, ebt_pkttype.c, ebt_mark_m.c, ebt_mark.c.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from engine.model.firewall import Element, Field, Interval, Match, Name, RuleVerdict, SetMark, Statement, VerdictKind
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.symbols import ARP_OPERATIONS, ICMP_TYPES, ICMPV6_TYPES, PROTOCOLS
from engine.observe.firewall.values import TOP, interval, mac, network, number, number_range
from engine.observe.firewall.xt.options import first
from engine.observe.firewall.xt.words import Option, options, split

#: The rules' lines of each chain, by table and chain.
Lines = Mapping[tuple[str, str], Sequence[str]]
_Built = tuple[tuple[Field, ...], tuple[Element, ...]]
_ALL = 0xFFFFFFFF
#: The words of `--pkttype-type` that nft has others for.
_FRAMES = {"host": "unicast", "otherhost": "other"}


def parse_save(text: str) -> Lines:
    """The lines of what ebtables-nft-save printed."""
    found: dict[tuple[str, str], list[str]] = {}
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith("-A "):
            found.setdefault((table, line.split(" ", 2)[1]), []).append(line)
    return found


def statements(kind: str, name: str, line: str) -> tuple[Statement, ...] | None:
    """The part of that kind and name in a rule's line; None where it is not understood."""
    try:
        words = options(split(line)[2:])
        if (kind, name) == ("target", "mark"):
            return _mark({option.name: option for option in words})
        prefix = _MATCHES.get(name) if kind == "match" else None
        if prefix is None:
            return None
        asked = [option for option in words if option.name.startswith(prefix) and option.module != "-j"]
        return tuple(_match(option) for option in asked) or None
    except (FirewallTextError, KeyError, ValueError):
        return None


def _match(option: Option) -> Match:
    built = _OPTIONS[option.name](first(option.values))
    return Match(*built, negate=option.negate, text=option.text)


def _mark(words: Mapping[str, Option]) -> tuple[Statement, ...]:
    """`-j mark`: what becomes of the mark, and then of the frame (ebt_mark_tg)."""
    (done,) = words.keys() & {"--mark-set", "--mark-or", "--mark-and", "--mark-xor"}
    value = number(first(words[done].values))
    keep, change = {
        "--mark-set": (0, value),
        "--mark-or": (~value & _ALL, value),
        "--mark-and": (value, 0),
        "--mark-xor": (_ALL, value),
    }[done]
    target = VerdictKind(first(words["--mark-target"].values).lower())
    return SetMark("mark", keep, value=change), RuleVerdict(target)


def _one(name: str) -> Callable[[str], _Built]:
    def build(text: str) -> _Built:
        value = number(text)
        return (Field(name),), ((Interval(value, value),),)

    return build


def _named(name: str, names: Mapping[str, int]) -> Callable[[str], _Built]:
    def build(text: str) -> _Built:
        value = names[text.lower()] if text.lower() in names else number(text)
        return (Field(name),), ((Interval(value, value),),)

    return build


def _network(name: str) -> Callable[[str], _Built]:
    def build(text: str) -> _Built:
        field, value = network(name, text)
        return (field,), ((value,),)

    return build


def _ports(name: str) -> Callable[[str], _Built]:
    return lambda text: ((Field(name),), ((number_range(text),),))


def _hardware(name: str) -> Callable[[str], _Built]:
    def build(text: str) -> _Built:
        address, slash, mask = text.partition("/")
        bits = mac(mask) if slash else None
        value = mac(address) & (bits if bits is not None else TOP)
        return (Field(name, bits),), ((Interval(value, value),),)

    return build


def _icmp(protocol: str, names: Mapping[str, int]) -> Callable[[str], _Built]:
    """`echo-request`, `3:5/0:2`; names that stand for a code as well are not understood."""

    def build(text: str) -> _Built:
        kind, slash, code = text.partition("/")
        types = interval(names[kind], names[kind]) if kind in names else number_range(kind)
        if not slash:
            return (Field(f"{protocol} type"),), ((types,),)
        return (Field(f"{protocol} type"), Field(f"{protocol} code")), ((types, number_range(code)),)

    return build


def _of_mark(text: str) -> _Built:
    """`5`, `0x1/0x3`; `/0x3` asks for any of the bits."""
    value, slash, mask = text.partition("/")
    bits = number(mask) if slash else None
    if not value and bits is not None:
        return (Field("meta mark", bits),), ((Interval(1, bits),),)
    wanted = number(value)
    return (Field("meta mark", bits),), ((Interval(wanted, wanted),),)


def _pkttype(text: str) -> _Built:
    return (Field("meta pkttype"),), ((Name(_FRAMES.get(text, text)),),)


#: What the options of a match begin with, by the name that the kernel has for it.
_MATCHES = {"ip": "--ip-", "ip6": "--ip6-", "arp": "--arp-", "pkttype": "--pkttype-", "mark_m": "--mark"}
_OPTIONS: dict[str, Callable[[str], _Built]] = {
    "--ip-src": _network("ip saddr"),
    "--ip-dst": _network("ip daddr"),
    "--ip-tos": _one("ip tos"),
    "--ip-proto": _named("ip protocol", PROTOCOLS),
    "--ip-sport": _ports("th sport"),
    "--ip-dport": _ports("th dport"),
    "--ip-icmp-type": _icmp("icmp", ICMP_TYPES),
    "--ip6-src": _network("ip6 saddr"),
    "--ip6-dst": _network("ip6 daddr"),
    "--ip6-tclass": _one("ip6 tos"),
    "--ip6-proto": _named("ip6 nexthdr", PROTOCOLS),
    "--ip6-sport": _ports("th sport"),
    "--ip6-dport": _ports("th dport"),
    "--ip6-icmp-type": _icmp("icmpv6", ICMPV6_TYPES),
    "--arp-op": _named("arp operation", ARP_OPERATIONS),
    "--arp-htype": _one("arp htype"),
    "--arp-ptype": _one("arp ptype"),
    "--arp-ip-src": _network("arp saddr ip"),
    "--arp-ip-dst": _network("arp daddr ip"),
    "--arp-mac-src": _hardware("arp saddr ether"),
    "--arp-mac-dst": _hardware("arp daddr ether"),
    "--pkttype-type": _pkttype,
    "--mark": _of_mark,
}
