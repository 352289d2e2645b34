"""What iptables' targets do: builders for the table of extensions, from a target's options to a statement.

None says that the options have no meaning here. Source: iptables-extensions(8), and
net/netfilter/xt_{mark,connmark}.c for the arithmetic of marks.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.model.firewall import (
    Nat,
    NatKind,
    NatValue,
    Note,
    NoTrack,
    Queue,
    Reject,
    SetMark,
    SetMss,
    SetTos,
    SetTtl,
    SetZone,
    Statement,
    StripOptions,
    Tproxy,
)
from engine.observe.firewall.symbols import TCP_OPTIONS, XT_REJECTS
from engine.observe.firewall.values import address_range, ip_address, number, number_range, port_span, value_and_mask
from engine.observe.firewall.values import network as parse_network

_ALL = 0xFFFFFFFF

Options = dict[str, tuple[str, ...]]
Build = Callable[[Options], "Statement | None"]


def _value(options: Options, name: str) -> str | None:
    values = options.get(name)
    return values[0] if values else None


def reject(options: Options) -> Statement | None:
    """The ICMP error or reset that the sender gets."""
    kind = XT_REJECTS.get(_value(options, "--reject-with") or "icmp-port-unreachable")
    return Reject(kind) if kind else None


def nat_value(text: str) -> NatValue | None:
    """`1.2.3.4-1.2.3.9:80-90`, `[fd00::1]:80`, `:8080`, an address alone; None for a shifted port range (`/base`)."""
    if text.startswith("["):
        addresses, _, ports = text[1:].partition("]")
        ports = ports.removeprefix(":")
    elif text.count(":") > 1:
        addresses, ports = text, ""
    else:
        addresses, _, ports = text.partition(":")
    if "/" in ports:
        return None
    low, _, high = addresses.partition("-")
    first = ip_address(low) if low else None
    span = port_span(ports) if ports else None
    return NatValue(
        first,
        ip_address(high) if high else first,
        span.low if span else None,
        span.high if span else None,
    )


_FLAGS = {"--random": "random", "--random-fully": "fully-random", "--persistent": "persistent"}


def _flags(options: Options) -> frozenset[str]:
    return frozenset([_FLAGS[name] for name in options if name in _FLAGS])


def nat(kind: NatKind, option: str) -> Build:
    """An address, a port, or both, by the option that names them."""

    def build(options: Options) -> Statement | None:
        text = _value(options, option)
        if text is None:
            return None
        value = nat_value(text)
        return Nat(kind, value, flags=_flags(options)) if value else None

    return build


def own_address(kind: NatKind) -> Build:
    """MASQUERADE and REDIRECT find the address themselves; `--to-ports` is all they take."""

    def build(options: Options) -> Statement | None:
        ports = _value(options, "--to-ports")
        span = port_span(ports) if ports else None
        value = NatValue(port_low=span.low, port_high=span.high) if span else NatValue()
        return Nat(kind, value, flags=_flags(options))

    return build


def netmap(options: Options) -> Statement | None:
    """A network onto another of the same size."""
    text = _value(options, "--to")
    if text is None:
        return None
    kind = type(ip_address(text.partition("/")[0].partition("-")[0]))
    span = address_range(text) if "-" in text else parse_network("ip", text)[1]
    return Nat(NatKind.NETMAP, NatValue(kind(span.low), kind(span.high)))


def _constant(target: str, options: Options) -> Statement | None:
    """`mark = (mark & ~mask) ^ value`, with the short forms of --set-mark, --and-mark, --or-mark and --xor-mark."""
    for name in ("--set-xmark", "--set-mark", "--and-mark", "--or-mark", "--xor-mark"):
        text = _value(options, name)
        if text is None:
            continue
        value, mask = value_and_mask(text)
        if name == "--set-xmark":
            return SetMark(target, keep=~mask & _ALL, value=value & _ALL)
        if name == "--set-mark":
            return SetMark(target, keep=~(mask | value) & _ALL, value=value & _ALL)
        if name == "--and-mark":
            return SetMark(target, keep=value & _ALL)
        return SetMark(target, keep=(~value if name == "--or-mark" else _ALL) & _ALL, value=value & _ALL)
    return None


def mark(options: Options) -> Statement | None:
    """The packet's mark."""
    return _constant("mark", options)


def connmark(options: Options) -> Statement | None:
    """The connection's mark, or either from the other."""
    if "--left-shift-mark" in options or "--right-shift-mark" in options:
        return None
    both = _value(options, "--mask")
    packet = number(_value(options, "--nfmask") or both or "0xffffffff")
    connection = number(_value(options, "--ctmask") or both or "0xffffffff")
    if "--save-mark" in options:
        return SetMark("ct mark", keep=~connection & _ALL, source="mark", mask=packet & _ALL)
    if "--restore-mark" in options:
        return SetMark("mark", keep=~packet & _ALL, source="ct mark", mask=connection & _ALL)
    return _constant("ct mark", options)


def ct(options: Options) -> Statement | None:
    """`--notrack` decides; a zone is another table of connections; helpers and timeouts are for later packets."""
    if "--notrack" in options:
        return NoTrack()
    for name in ("--zone", "--zone-orig", "--zone-reply"):
        zone = _value(options, name)
        if zone is not None:
            value = None if zone == "mark" else number(zone)
            return SetZone(value, name != "--zone-reply", name != "--zone-orig")
    return Note("-j CT " + " ".join(f"{name} {' '.join(values)}".strip() for name, values in options.items()))


def ttl(word: str) -> Build:
    """TTL of IPv4, HL of IPv6 (xt_HL.c)."""

    def build(options: Options) -> Statement | None:
        for name, sign in ((f"--{word}-set", 0), (f"--{word}-inc", 1), (f"--{word}-dec", -1)):
            text = _value(options, name)
            if text is not None:
                return SetTtl(number(text) * (sign or 1), relative=bool(sign))
        return None

    return build


def dscp(options: Options) -> Statement | None:
    """xt_DSCP.c: the bits of ECN stay."""
    text = _value(options, "--set-dscp")
    return SetTos(number(text) << 2, keep=0x03) if text else None


def strip(options: Options) -> Statement | None:
    """xt_TCPOPTSTRIP.c; options that nothing asks for do not matter."""
    text = _value(options, "--strip-options") or ""
    return StripOptions(frozenset(TCP_OPTIONS[number(each)] for each in text.split(",") if number(each) in TCP_OPTIONS))


def tos(options: Options) -> Statement | None:
    """xt_DSCP.c (tos_tg): `(tos & ~mask) ^ value`."""
    text = _value(options, "--set-tos")
    if text is None:
        return None
    value, mask = value_and_mask(text)
    return SetTos(value, keep=~mask & 0xFF)


def tcpmss(options: Options) -> Statement | None:
    """A size, or the one that fits the path."""
    text = _value(options, "--set-mss")
    return SetMss(number(text) if text else None)


def tproxy(options: Options) -> Statement | None:
    """`--on-ip 0.0.0.0` (or none) is the incoming device's own address, port 0 the packet's own."""
    address = _value(options, "--on-ip")
    port = number(_value(options, "--on-port") or "0")
    value, mask = value_and_mask(_value(options, "--tproxy-mark") or "0/0")
    own = ip_address(address) if address else None
    return Tproxy(None if own is None or own.is_unspecified else own, port or None, ~mask & _ALL, value, strict=True)


def queue(options: Options) -> Statement | None:
    """`--queue-num 0`, `--queue-balance 0:3 --queue-bypass`."""
    span = number_range(_value(options, "--queue-balance") or _value(options, "--queue-num") or "0", ":")
    return Queue(span.low, span.high, "--queue-bypass" in options)
