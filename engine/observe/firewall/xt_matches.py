"""What iptables' match options mean: one table from (module, option) to fields and elements.

An option that stands in `_OPTIONS` becomes one exact `Match`; options of one rule are all needed, as matches are.
`_MODULES` has the modules whose options only mean something together. A module or an option that stands in neither
becomes a match on the field "xt MODULE", which is answered "unknown". A builder that returns None says that the
option asks nothing of the packet. Source: iptables-extensions(8) and the save functions of iptables' extensions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.model.firewall import Atom, Element, Field, Interval, Match, Name, NamedSet
from engine.observe.firewall import xt_sets
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.symbols import ICMP_TYPES, ICMPV6_TYPES, PROTOCOLS, TCP_FLAGS
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
from engine.observe.firewall.xt_words import Option

_Built = tuple[tuple[Field, ...], tuple[Element, ...]]


@dataclass(frozen=True, slots=True)
class XtContext:
    """What a rule's words need to be understood: the family ("ip", "ip6") and the ipsets by name."""

    family: str
    ipsets: Mapping[str, NamedSet] = field(default_factory=dict)
    #: Matches that were built already: equal options become the same value.
    built: dict[Option, Match | None] = field(default_factory=dict)


_Builder = Callable[[XtContext, tuple[str, ...]], "_Built | None"]


def matches(context: XtContext, options: Sequence[Option]) -> list[Match]:
    """The matches of a run of options that share one module. Raises `FirewallTextError`."""
    module = options[0].module
    whole = _MODULES.get(module)
    if whole is not None:
        return whole(context, options)
    found: list[Match] = []
    strange: list[str] = []
    for option in options:
        if option in context.built:
            known = context.built[option]
        elif (module, option.name) in _OPTIONS:
            known = context.built[option] = _exact(context, option)
        else:
            if option.name not in ("-m", "--match"):
                strange.append(option.text)
            continue
        if known is not None:
            found.append(known)
    if strange or module not in _EXACT:
        found.append(unknown(module, strange))
    return found


def _exact(context: XtContext, option: Option) -> Match | None:
    """The match of an option that stands in the table."""
    built = _OPTIONS[option.module, option.name](context, option.values)
    return Match(built[0], built[1], negate=option.negate, text=option.text) if built else None


def unknown(module: str, words: Sequence[str]) -> Match:
    """A condition that has no meaning here: its own field, and its text as the only element."""
    text = " ".join([f"-m {module}" if module else "", *words]).strip()
    return Match((Field(f"xt {module}" if module else "xt option"),), ((Name(text),),), text=text)


def _one(name: str, atom: Atom) -> _Built:
    return (Field(name),), ((atom,),)


def _first(values: tuple[str, ...]) -> str:
    if not values:
        raise FirewallTextError("an option lacks its value")
    return values[0]


def _address(side: str) -> _Builder:
    def build(context: XtContext, values: tuple[str, ...]) -> _Built:
        found, value = network(f"{context.family} {side}", _first(values))
        return (found,), ((value,),)

    return build


def _device(name: str) -> _Builder:
    """A final `+` of iptables is the model's `*`."""

    def build(_context: XtContext, values: tuple[str, ...]) -> _Built:
        text = _first(values)
        return _one(name, Name(text[:-1] + "*" if text.endswith("+") else text))

    return build


def _range(name: str, separator: str = ":") -> _Builder:
    def build(_context: XtContext, values: tuple[str, ...]) -> _Built:
        return _one(name, number_range(_first(values), separator))

    return build


def _ports(name: str) -> _Builder:
    def build(_context: XtContext, values: tuple[str, ...]) -> _Built:
        return (Field(name),), tuple((number_range(part),) for part in _first(values).split(","))

    return build


def _either_port(_context: XtContext, values: tuple[str, ...]) -> _Built:
    """`--ports`: the source or the destination; each port gives one element for either side."""
    ports = [number_range(part) for part in _first(values).split(",")]
    elements = [(port, ANY_PORT) for port in ports] + [(ANY_PORT, port) for port in ports]
    return (Field("th sport"), Field("th dport")), tuple(elements)


def _protocol(_context: XtContext, values: tuple[str, ...]) -> _Built | None:
    name = _first(values)
    if name in ("all", "ip", "0"):
        return None
    value = PROTOCOLS[name] if name in PROTOCOLS else number(name)
    return _one("meta l4proto", Interval(value, value))


def _names(name: str) -> _Builder:
    """A comma list of upper case names."""

    def build(_context: XtContext, values: tuple[str, ...]) -> _Built:
        words = _first(values).lower().replace("_", "-").split(",")
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


def _tcp_flags(_context: XtContext, values: tuple[str, ...]) -> _Built:
    if len(values) != 2:
        raise FirewallTextError("--tcp-flags needs a mask and flags")
    mask, wanted = _flags(values[0]), _flags(values[1])
    return (Field("tcp flags", mask),), ((Interval(wanted, wanted),),)


def _syn(_context: XtContext, _values: tuple[str, ...]) -> _Built:
    mask = _flags("fin,syn,rst,ack")
    return (Field("tcp flags", mask),), ((Interval(TCP_FLAGS["syn"], TCP_FLAGS["syn"]),),)


def _icmp(protocol: str, names: Mapping[str, int]) -> _Builder:
    """`8`, `3/1`, `echo-request`; `any` asks nothing."""

    def build(_context: XtContext, values: tuple[str, ...]) -> _Built | None:
        kind, slash, code = _first(values).partition("/")
        if kind in ("any", "255"):
            return None
        type_value = names[kind] if kind in names else number(kind)
        type_atom = Interval(type_value, type_value)
        if not slash:
            return _one(f"{protocol} type", type_atom)
        code_atom = number_range(code)
        return (Field(f"{protocol} type"), Field(f"{protocol} code")), ((type_atom, code_atom),)

    return build


def _masked(name: str) -> _Builder:
    def build(_context: XtContext, values: tuple[str, ...]) -> _Built:
        value, mask = value_and_mask(_first(values))
        return (Field(name, None if mask == 0xFFFFFFFF else mask),), ((Interval(value, value),),)

    return build


def _address_range(side: str) -> _Builder:
    def build(context: XtContext, values: tuple[str, ...]) -> _Built:
        return _one(f"{context.family} {side}", address_range(_first(values)))

    return build


def _mac(_context: XtContext, values: tuple[str, ...]) -> _Built:
    value = mac(_first(values))
    return _one("ether saddr", Interval(value, value))


def _less(name: str) -> _Builder:
    def build(_context: XtContext, values: tuple[str, ...]) -> _Built:
        top = number(_first(values)) - 1
        return (Field(name),), ((Interval(0, top),),) if top >= 0 else ()

    return build


def _more(name: str) -> _Builder:
    def build(_context: XtContext, values: tuple[str, ...]) -> _Built:
        return _one(name, interval(number(_first(values)) + 1, TOP))

    return build


def _fragment(_context: XtContext, _values: tuple[str, ...]) -> _Built:
    return _one("ip fragment", Name("later"))


def _nothing(_context: XtContext, _values: tuple[str, ...]) -> None:
    return None


def _addrtype(context: XtContext, options: Sequence[Option]) -> list[Match]:
    """`--limit-iface-in/out` changes what both type options ask.

    IPv4 compares the route type. IPv6 compares address scopes (xt_addrtype.c, match_type6), which say the same
    only for LOCAL alone.
    """
    names = {option.name for option in options}
    limit = " . iif" if "--limit-iface-in" in names else " . oif" if "--limit-iface-out" in names else ""
    found: list[Match] = []
    for option in options:
        side = {"--src-type": "saddr", "--dst-type": "daddr"}.get(option.name)
        if side is None:
            continue
        types = _first(option.values).lower().split(",")
        text = " ".join([option.text, *(other.text for other in options if other.name.startswith("--limit"))])
        if context.family == "ip6" and types != ["local"]:
            found.append(unknown("addrtype", [option.text]))
            continue
        elements = tuple((Name(word),) for word in types)
        found.append(Match((Field(f"fib {side}{limit} type"),), elements, negate=option.negate, text=text))
    return found


def _rpfilter(_context: XtContext, options: Sequence[Option]) -> list[Match]:
    """Holds when there is a route back to the source: by the incoming device, or (loose) by any."""
    names = {option.name for option in options}
    words = [option.text for option in options[1:]]
    if "--accept-local" in names:
        return [unknown("rpfilter", words)]
    name = "fib saddr" + (" . mark" if "--validmark" in names else "") + ("" if "--loose" in names else " . iif")
    answer = Name("missing" if "--invert" in names else "exists")
    return [Match((Field(f"{name} oif"),), ((answer,),), text=" ".join(["-m rpfilter", *words]))]


def _owner(_context: XtContext, options: Sequence[Option]) -> list[Match]:
    """Without a socket a negated owner match holds, unlike nftables' `meta skuid !=`: it has a field of its own."""
    found: list[Match] = []
    for option in options:
        kind = {"--uid-owner": "uid", "--gid-owner": "gid"}.get(option.name)
        if kind is None:
            if option.name not in ("-m", "--match"):
                found.append(unknown("owner", [option.text]))
            continue
        name = f"owner {kind}" if option.negate else f"meta sk{kind}"
        value = number_range(_first(option.values), "-")
        found.append(Match((Field(name),), ((value,),), negate=option.negate, text=option.text))
    return found


def _physdev(context: XtContext, options: Sequence[Option]) -> list[Match]:
    """`is-in` and the like: whether there is a bridge port at all, which is "not the empty name"."""
    found: list[Match] = []
    for option in options:
        name = {
            "--physdev-in": "physdev in",
            "--physdev-out": "physdev out",
            "--physdev-is-in": "physdev in",
            "--physdev-is-out": "physdev out",
            "--physdev-is-bridged": "physdev out",
        }.get(option.name)
        if name is None:
            if option.name not in ("-m", "--match"):
                found.append(unknown("physdev", [option.text]))
        elif option.values:
            fields, elements = _device(name)(context, option.values) or ((), ())
            found.append(Match(fields, elements, negate=option.negate, text=option.text))
        else:
            found.append(Match((Field(name),), ((Name(""),),), negate=not option.negate, text=option.text))
    return found


def _set(context: XtContext, options: Sequence[Option]) -> list[Match]:
    """`--match-set NAME src,dst`, looked up in the ipsets; options about counters make it unknown."""
    harmless = ("--match-set", "--update-counters", "--update-subcounters", "-m", "--match")
    words = [option.text for option in options if option.name not in ("-m", "--match")]
    lookups = [option for option in options if option.name == "--match-set"]
    if len(lookups) != 1 or any(option.name not in harmless for option in options):
        return [unknown("set", words)]
    if len(lookups[0].values) != 2:
        raise FirewallTextError("--match-set needs a set and directions")
    name, directions = lookups[0].values
    fields = xt_sets.fields(context.family, context.ipsets.get(name), directions.split(","))
    if fields is None:
        return [unknown("set", words)]
    return [Match(fields, lookup=name, negate=lookups[0].negate, text=lookups[0].text)]


_MODULES: dict[str, Callable[[XtContext, Sequence[Option]], list[Match]]] = {
    "addrtype": _addrtype,
    "rpfilter": _rpfilter,
    "owner": _owner,
    "physdev": _physdev,
    "set": _set,
}

_OPTIONS: dict[tuple[str, str], _Builder] = {
    ("", "-s"): _address("saddr"),
    ("", "-d"): _address("daddr"),
    ("", "-p"): _protocol,
    ("", "-i"): _device("meta iifname"),
    ("", "-o"): _device("meta oifname"),
    ("", "-f"): _fragment,
    ("comment", "--comment"): _nothing,
    ("tcp", "--sport"): _range("tcp sport"),
    ("tcp", "--dport"): _range("tcp dport"),
    ("tcp", "--tcp-flags"): _tcp_flags,
    ("tcp", "--syn"): _syn,
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
    ("iprange", "--src-range"): _address_range("saddr"),
    ("iprange", "--dst-range"): _address_range("daddr"),
    ("mac", "--mac-source"): _mac,
    ("pkttype", "--pkt-type"): _names("meta pkttype"),
    ("length", "--length"): _range("meta length"),
    ("ttl", "--ttl-eq"): _range("ip ttl"),
    ("ttl", "--ttl-lt"): _less("ip ttl"),
    ("ttl", "--ttl-gt"): _more("ip ttl"),
    ("hl", "--hl-eq"): _range("ip6 hoplimit"),
    ("hl", "--hl-lt"): _less("ip6 hoplimit"),
    ("hl", "--hl-gt"): _more("ip6 hoplimit"),
}

_EXACT = frozenset(module for module, _ in _OPTIONS)


def _l4(context: XtContext, values: tuple[str, ...]) -> Interval:
    built = _protocol(context, values)
    atom = built[1][0][0] if built else None
    return atom if isinstance(atom, Interval) else Interval(0, 0)


def _ct(context: XtContext, direction: str, side: str, values: tuple[str, ...]) -> _Built:
    found, value = network(f"ct {direction} {context.family} {side}", _first(values))
    return (found,), ((value,),)
