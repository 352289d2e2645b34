"""What iptables' match options mean one by one: builders for the table of extensions.

A builder turns an option's values into what a `Match` needs; None says that the option asks nothing of the packet.
Every option here is exact, and all options of a rule are needed, as matches are. Negation is the caller's.
Source: iptables-extensions(8), and the save functions of iptables' extensions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from engine.model.firewall import Atom, Element, Field, Interval, Match, Name
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.symbols import DEVICE_GROUPS, PROTOCOLS, TCP_FLAGS, TCP_OPTIONS
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
from engine.observe.firewall.xt.context import XtContext

Built = tuple[tuple[Field, ...], tuple[Element, ...]]


Builder = Callable[[XtContext, tuple[str, ...]], "Built | None"]


def _one(name: str, atom: Atom) -> Built:
    """One field, one value."""
    return (Field(name),), ((atom,),)


def first(values: tuple[str, ...]) -> str:
    """The one value of an option."""
    if not values:
        raise FirewallTextError("an option lacks its value")
    return values[0]


def address(side: str) -> Builder:
    """An address or a network of a side."""

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


def span(name: str, separator: str = ":") -> Builder:
    """A number, or a range of numbers."""

    def build(_context: XtContext, values: tuple[str, ...]) -> Built:
        return _one(name, number_range(first(values), separator))

    return build


def ports(name: str) -> Builder:
    """A comma list of ports and ranges."""

    def build(_context: XtContext, values: tuple[str, ...]) -> Built:
        return (Field(name),), tuple((number_range(part),) for part in first(values).split(","))

    return build


def either_port(_context: XtContext, values: tuple[str, ...]) -> Built:
    """`--ports`: the source or the destination; each port gives one element for either side."""
    ports = [number_range(part) for part in first(values).split(",")]
    elements = [(port, ANY_PORT) for port in ports] + [(ANY_PORT, port) for port in ports]
    return (Field("th sport"), Field("th dport")), tuple(elements)


def protocol(_context: XtContext, values: tuple[str, ...]) -> Built | None:
    """The transport protocol; none for all of them."""
    name = first(values)
    if name in ("all", "ip", "0"):
        return None
    value = PROTOCOLS[name] if name in PROTOCOLS else number(name)
    return _one("meta l4proto", Interval(value, value))


def _l4(context: XtContext, values: tuple[str, ...]) -> Interval:
    """The transport protocol as a value."""
    built = protocol(context, values)
    atom = built[1][0][0] if built else None
    return atom if isinstance(atom, Interval) else Interval(0, 0)


def names(name: str) -> Builder:
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


def tcp_flags(_context: XtContext, values: tuple[str, ...]) -> Built:
    """`MASK FLAGS`."""
    if len(values) != 2:
        raise FirewallTextError("--tcp-flags needs a mask and flags")
    mask, wanted = _flags(values[0]), _flags(values[1])
    return (Field("tcp flags", mask),), ((Interval(wanted, wanted),),)


def syn(_context: XtContext, _values: tuple[str, ...]) -> Built:
    """`--tcp-flags FIN,SYN,RST,ACK SYN`."""
    mask = _flags("fin,syn,rst,ack")
    return (Field("tcp flags", mask),), ((Interval(TCP_FLAGS["syn"], TCP_FLAGS["syn"]),),)


def icmp(protocol: str, names: Mapping[str, int]) -> Builder:
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


def masked(name: str) -> Builder:
    """`value/mask`; without a mask all bits."""

    def build(_context: XtContext, values: tuple[str, ...]) -> Built:
        value, mask = value_and_mask(first(values))
        return (Field(name, None if mask == 0xFFFFFFFF else mask),), ((Interval(value, value),),)

    return build


def group(name: str) -> Builder:
    """A group of devices, which has a name where all of its bits are compared."""

    def build(context: XtContext, values: tuple[str, ...]) -> Built | None:
        number_of = DEVICE_GROUPS.get(first(values))
        return masked(name)(context, values if number_of is None else (str(number_of),))

    return build


def tos(context: XtContext, values: tuple[str, ...]) -> Built:
    """`0x10/0xff`; without a mask, the whole byte."""
    value, mask = value_and_mask(first(values))
    return (Field(f"{context.family} tos", mask & 0xFF),), ((Interval(value, value),),)


def addresses(side: str) -> Builder:
    """`first-last`."""

    def build(context: XtContext, values: tuple[str, ...]) -> Built:
        return _one(f"{context.family} {side}", address_range(first(values)))

    return build


def mac_address(_context: XtContext, values: tuple[str, ...]) -> Built:
    """The frame's source address."""
    value = mac(first(values))
    return _one("ether saddr", Interval(value, value))


def less(name: str) -> Builder:
    """A number below that one."""

    def build(_context: XtContext, values: tuple[str, ...]) -> Built:
        top = number(first(values)) - 1
        return (Field(name),), ((Interval(0, top),),) if top >= 0 else ()

    return build


def more(name: str) -> Builder:
    """A number above that one."""

    def build(_context: XtContext, values: tuple[str, ...]) -> Built:
        return _one(name, interval(number(first(values)) + 1, TOP))

    return build


def fragment(_context: XtContext, _values: tuple[str, ...]) -> Built:
    """A later fragment."""
    return _one("ip fragment", Name("later"))


def tcp_option(_context: XtContext, values: tuple[str, ...]) -> Built:
    """An option by its number; one that is not understood is answered "unknown"."""
    name = TCP_OPTIONS.get(number(first(values)))
    return _one(f"tcp option {name}", Name("exists")) if name else _one("xt tcp", Name(f"--tcp-option {first(values)}"))


def bit(name: str, bit: int) -> Builder:
    """A bit that is set."""
    return lambda _context, _values: ((Field(name, bit),), ((Interval(bit, bit),),))


def ecn(context: XtContext, values: tuple[str, ...]) -> Built:
    """The two bits of ECN in the IP header."""
    code = number(first(values))
    return _one(f"{context.family} ecn", Interval(code, code))


def dscp(context: XtContext, values: tuple[str, ...]) -> Built:
    """The upper six bits of the byte that has ECN, too."""
    return _one(f"{context.family} dscp", number_range(first(values), ":"))


def helper(_context: XtContext, values: tuple[str, ...]) -> Built:
    """The helper of a connection."""
    return _one("ct helper or none", Name(first(values)))


def protocol_of_connection(context: XtContext, values: tuple[str, ...]) -> Built:
    """The transport protocol of the connection's tuple."""
    return _one("ct protocol", _l4(context, values))


def tuple_address(direction: str, side: str) -> Builder:
    """An address of the connection's tuple in a direction."""

    def build(context: XtContext, values: tuple[str, ...]) -> Built:
        found, value = network(f"ct {direction} {context.family} {side}", first(values))
        return (found,), ((value,),)

    return build


def nothing(_context: XtContext, _values: tuple[str, ...]) -> None:
    """Asks nothing of the packet."""
    return


def unknown(module: str, words: Sequence[str]) -> Match:
    """A condition that has no meaning here: its own field, and its text as the only element."""
    text = " ".join([f"-m {module}" if module else "", *words]).strip()
    return Match((Field(f"xt {module}" if module else "xt option"),), ((Name(text),),), text=text)
