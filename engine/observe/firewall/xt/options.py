"""What iptables' match options mean one by one: a table from (module, option) to fields and elements.

A builder turns an option's values into what a `Match` needs; None says that the option asks nothing of the packet.
Every option here is exact, and all options of a rule are needed, as matches are. Negation is the caller's.
Source: iptables-extensions(8), and the save functions of iptables' extensions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.model.firewall import Atom, Element, Field, Interval, Match, Name, NamedSet
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.symbols import DEVICE_GROUPS, ICMP_TYPES, ICMPV6_TYPES, PROTOCOLS, TCP_FLAGS, TCP_OPTIONS
from engine.observe.firewall.values import (
    ANY_PORT,
    TOP,
    address_range,
    interval,
    mac,
    network,
    number,
    number_range,
    value_and_mask,
)
from engine.observe.firewall.xt.words import Option
from engine.records import dataclass, field

Built = tuple[tuple[Field, ...], tuple[Element, ...]]


@dataclass(frozen=True, slots=True)
class XtContext:
    """What a rule's words need to be understood: the family ("ip", "ip6") and the ipsets by name."""

    family: str
    ipsets: Mapping[str, NamedSet] = field(default_factory=dict)
    #: Matches that were built already: equal options become the same value.
    built: dict[Option, Match | None] = field(default_factory=dict, init=False, compare=False)


Builder = Callable[[XtContext, tuple[str, ...]], "Built | None"]


def _one(name: str, atom: Atom) -> Built:
    return (Field(name),), ((atom,),)


def first(values: tuple[str, ...]) -> str:
    """The one value of an option."""
    if not values:
        raise FirewallTextError("an option lacks its value")
    return values[0]


def _address(side: str) -> Builder:
    def build(context: XtContext, values: tuple[str, ...]) -> Built:
        found, value = network(f"{context.family} {side}", first(values))
        return (found,), ((value,),)

    return build


def device(name: str) -> Builder:
    """A device's name; a final `+` of iptables is the model's `*`."""

    def build(_context: XtContext, values: tuple[str, ...]) -> Built:
        text = first(values)
        return _one(name, Name(text[:-1] + "*" if text.endswith("+") else text))

    return build


def _range(name: str, separator: str = ":") -> Builder:
    def build(_context: XtContext, values: tuple[str, ...]) -> Built:
        return _one(name, number_range(first(values), separator))

    return build


def _ports(name: str) -> Builder:
    def build(_context: XtContext, values: tuple[str, ...]) -> Built:
        return (Field(name),), tuple((number_range(part),) for part in first(values).split(","))

    return build


def _either_port(_context: XtContext, values: tuple[str, ...]) -> Built:
    """`--ports`: the source or the destination; each port gives one element for either side."""
    ports = [number_range(part) for part in first(values).split(",")]
    elements = [(port, ANY_PORT) for port in ports] + [(ANY_PORT, port) for port in ports]
    return (Field("th sport"), Field("th dport")), tuple(elements)


def _protocol(_context: XtContext, values: tuple[str, ...]) -> Built | None:
    name = first(values)
    if name in ("all", "ip", "0"):
        return None
    value = PROTOCOLS[name] if name in PROTOCOLS else number(name)
    return _one("meta l4proto", Interval(value, value))


def _l4(context: XtContext, values: tuple[str, ...]) -> Interval:
    built = _protocol(context, values)
    atom = built[1][0][0] if built else None
    return atom if isinstance(atom, Interval) else Interval(0, 0)


def _names(name: str) -> Builder:
    """A comma list of upper case names."""

    def build(_context: XtContext, values: tuple[str, ...]) -> Built:
        words = first(values).lower().replace("_", "-").split(",")
        return (Field(name),), tuple((Name(word),) for word in words if word != "none")

    return build


def _flags(text: str) -> int:
    bits = 0
    for word in text.lower().split(","):
        if word == "all":
            bits |= 0x3F
        elif word in TCP_FLAGS:
            bits |= TCP_FLAGS[word]
        elif word != "none":
            raise FirewallTextError(f"{word!r} is not a TCP flag")
    return bits


def _tcp_flags(_context: XtContext, values: tuple[str, ...]) -> Built:
    if len(values) != 2:
        raise FirewallTextError("--tcp-flags needs a mask and flags")
    mask, wanted = _flags(values[0]), _flags(values[1])
    return (Field("tcp flags", mask),), ((Interval(wanted, wanted),),)


def _syn(_context: XtContext, _values: tuple[str, ...]) -> Built:
    mask = _flags("fin,syn,rst,ack")
    return (Field("tcp flags", mask),), ((Interval(TCP_FLAGS["syn"], TCP_FLAGS["syn"]),),)


def _icmp(protocol: str, names: Mapping[str, int]) -> Builder:
    """`8`, `3/1`, `echo-request`; `any` asks nothing."""

    def build(_context: XtContext, values: tuple[str, ...]) -> Built | None:
        kind, slash, code = first(values).partition("/")
        if kind in ("any", "255"):
            return None
        type_value = names[kind] if kind in names else number(kind)
        type_atom = Interval(type_value, type_value)
        if not slash:
            return _one(f"{protocol} type", type_atom)
        code_atom = number_range(code)
        return (Field(f"{protocol} type"), Field(f"{protocol} code")), ((type_atom, code_atom),)

    return build


def _masked(name: str) -> Builder:
    def build(_context: XtContext, values: tuple[str, ...]) -> Built:
        value, mask = value_and_mask(first(values))
        return (Field(name, None if mask == 0xFFFFFFFF else mask),), ((Interval(value, value),),)

    return build


def _group(name: str) -> Builder:
    """A group of devices, which has a name where all of its bits are compared."""

    def build(context: XtContext, values: tuple[str, ...]) -> Built | None:
        number_of = DEVICE_GROUPS.get(first(values))
        return _masked(name)(context, values if number_of is None else (str(number_of),))

    return build


def _tos(context: XtContext, values: tuple[str, ...]) -> Built:
    """`0x10/0xff`; without a mask, the whole byte."""
    value, mask = value_and_mask(first(values))
    return (Field(f"{context.family} tos", mask & 0xFF),), ((Interval(value, value),),)


def _address_range(side: str) -> Builder:
    def build(context: XtContext, values: tuple[str, ...]) -> Built:
        return _one(f"{context.family} {side}", address_range(first(values)))

    return build


def _mac(_context: XtContext, values: tuple[str, ...]) -> Built:
    value = mac(first(values))
    return _one("ether saddr", Interval(value, value))


def _less(name: str) -> Builder:
    def build(_context: XtContext, values: tuple[str, ...]) -> Built:
        top = number(first(values)) - 1
        return (Field(name),), ((Interval(0, top),),) if top >= 0 else ()

    return build


def _more(name: str) -> Builder:
    def build(_context: XtContext, values: tuple[str, ...]) -> Built:
        return _one(name, interval(number(first(values)) + 1, TOP))

    return build


def _fragment(_context: XtContext, _values: tuple[str, ...]) -> Built:
    return _one("ip fragment", Name("later"))


def _ct(context: XtContext, direction: str, side: str, values: tuple[str, ...]) -> Built:
    found, value = network(f"ct {direction} {context.family} {side}", first(values))
    return (found,), ((value,),)


def _tcp_option(_context: XtContext, values: tuple[str, ...]) -> Built:
    """An option by its number; one that is not understood is answered "unknown"."""
    name = TCP_OPTIONS.get(number(first(values)))
    return _one(f"tcp option {name}", Name("exists")) if name else _one("xt tcp", Name(f"--tcp-option {first(values)}"))


def _bit(name: str, bit: int) -> Builder:
    return lambda _context, _values: ((Field(name, bit),), ((Interval(bit, bit),),))


def _ecn(context: XtContext, values: tuple[str, ...]) -> Built:
    code = number(first(values))
    return _one(f"{context.family} ecn", Interval(code, code))


def _nothing(_context: XtContext, _values: tuple[str, ...]) -> None:
    return None


OPTIONS: dict[tuple[str, str], Builder] = {
    ("", "-s"): _address("saddr"),
    ("", "-d"): _address("daddr"),
    ("", "-p"): _protocol,
    ("", "-i"): device("meta iifname"),
    ("", "-o"): device("meta oifname"),
    ("", "-f"): _fragment,
    ("comment", "--comment"): _nothing,
    ("tcp", "--sport"): _range("tcp sport"),
    ("tcp", "--dport"): _range("tcp dport"),
    ("tcp", "--tcp-flags"): _tcp_flags,
    ("tcp", "--syn"): _syn,
    ("tcp", "--tcp-option"): _tcp_option,
    ("ecn", "--ecn-ip-ect"): _ecn,
    ("ecn", "--ecn-tcp-cwr"): _bit("tcp flags", TCP_FLAGS["cwr"]),
    ("ecn", "--ecn-tcp-ece"): _bit("tcp flags", TCP_FLAGS["ecn"]),
    ("tcpmss", "--mss"): _range("tcp option maxseg size or none"),
    ("udp", "--sport"): _range("udp sport"),
    ("udp", "--dport"): _range("udp dport"),
    ("sctp", "--sport"): _range("sctp sport"),
    ("sctp", "--dport"): _range("sctp dport"),
    ("icmp", "--icmp-type"): _icmp("icmp", ICMP_TYPES),
    ("icmp6", "--icmpv6-type"): _icmp("icmpv6", ICMPV6_TYPES),
    ("multiport", "--sports"): _ports("th sport"),
    ("multiport", "--dports"): _ports("th dport"),
    ("multiport", "--ports"): _either_port,
    ("state", "--state"): _names("ct state"),
    ("conntrack", "--ctstate"): _names("ct state"),
    ("conntrack", "--ctstatus"): _names("ct status"),
    ("conntrack", "--ctdir"): _names("ct direction"),
    ("conntrack", "--ctproto"): lambda context, values: _one("ct protocol", _l4(context, values)),
    ("conntrack", "--ctorigsrc"): lambda context, values: _ct(context, "original", "saddr", values),
    ("conntrack", "--ctorigdst"): lambda context, values: _ct(context, "original", "daddr", values),
    ("conntrack", "--ctreplsrc"): lambda context, values: _ct(context, "reply", "saddr", values),
    ("conntrack", "--ctrepldst"): lambda context, values: _ct(context, "reply", "daddr", values),
    ("conntrack", "--ctorigsrcport"): _range("ct original proto-src"),
    ("conntrack", "--ctorigdstport"): _range("ct original proto-dst"),
    ("conntrack", "--ctreplsrcport"): _range("ct reply proto-src"),
    ("conntrack", "--ctrepldstport"): _range("ct reply proto-dst"),
    ("mark", "--mark"): _masked("meta mark"),
    ("connmark", "--mark"): _masked("ct mark"),
    ("realm", "--realm"): _masked("rt classid"),
    ("iprange", "--src-range"): _address_range("saddr"),
    ("iprange", "--dst-range"): _address_range("daddr"),
    ("mac", "--mac-source"): _mac,
    ("devgroup", "--src-group"): _group("meta iifgroup"),
    ("devgroup", "--dst-group"): _group("meta oifgroup"),
    ("dscp", "--dscp"): lambda context, values: _one(f"{context.family} dscp", number_range(first(values), ":")),
    ("tos", "--tos"): _tos,
    ("helper", "--helper"): lambda _context, values: _one("ct helper or none", Name(first(values))),
    ("pkttype", "--pkt-type"): _names("meta pkttype"),
    ("length", "--length"): _range("meta length"),
    ("ttl", "--ttl-eq"): _range("ip ttl"),
    ("ttl", "--ttl-lt"): _less("ip ttl"),
    ("ttl", "--ttl-gt"): _more("ip ttl"),
    ("hl", "--hl-eq"): _range("ip6 hoplimit"),
    ("hl", "--hl-lt"): _less("ip6 hoplimit"),
    ("hl", "--hl-gt"): _more("ip6 hoplimit"),
}
