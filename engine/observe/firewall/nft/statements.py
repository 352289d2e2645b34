"""nft's JSON statements as statements of the model: one table from a statement's name to what it becomes.

What limits or counts becomes a match on a field that is answered "unknown"; what only writes becomes a `Note`; what
may move or change the packet in a way that is not modelled becomes an `Opaque`. A statement that cannot be read
becomes an `Opaque` with its words: nothing is lost, and nothing raises.
Source: libnftables-json(5), and nft(8), "STATEMENTS".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from engine.model.firewall import (
    Field,
    Interval,
    MapElement,
    Match,
    Name,
    Nat,
    NatKind,
    NatValue,
    Note,
    NoTrack,
    Opaque,
    Queue,
    Reject,
    RejectKind,
    SetLabel,
    SetMark,
    SetMss,
    SetTos,
    SetTtl,
    SetZone,
    Statement,
    StripOptions,
    SynProxy,
    Tproxy,
    VerdictMap,
)
from engine.model.packet import PROTOCOL_NUMBERS, Protocol
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.nft import maps, marks, matches
from engine.observe.firewall.nft.as_text import Json, listed, lookup, words
from engine.observe.firewall.nft.values import SHAPE_ERRORS, field_name, fields, scalar, tcp_option
from engine.observe.firewall.symbols import NFT_REJECTS
from engine.observe.firewall.values import ip_address
from engine.observe.firewall.xt.extensions import TARGETS

_Built = tuple[Statement, ...]
TCP = Interval(PROTOCOL_NUMBERS[Protocol.TCP], PROTOCOL_NUMBERS[Protocol.TCP])

#: Written here, and not looked at by routing, rules or sockets.
_WRITES = frozenset(
    (
        *("meta priority", "meta nftrace", "meta secmark", "ip6 flowlabel"),
        *("ct event", "ct helper", "ct secmark"),
    )
)
_NOTES = frozenset(("log", "last", "secmark", "ct helper", "ct timeout", "ct expectation", "dup", "flow"))


def statement(item: Json) -> _Built:
    """The statements that one entry of a rule's `expr` becomes (none for a counter)."""
    if not isinstance(item, dict) or len(item) != 1:
        return (Opaque(words(item)),)
    ((name, inner),) = item.items()
    try:
        found = maps.verdict(item)
        if found is not None:
            return (found,)
        builder = _STATEMENTS.get(name)
        if builder is not None:
            return builder(inner)
    except SHAPE_ERRORS:  # FirewallTextError is a ValueError
        return (Opaque(words(item)),)
    return (Note(words(item)),) if name in _NOTES else (Opaque(words(item)),)


#: Fields that a rule may set, with the IP version that each is of: what a packet has left of its way, and its class.
HOPS = {"ip ttl": "ip", "ip6 hoplimit": "ip6"}
#: Where in its byte a part of the class is, and what it keeps of the rest.
CLASS = {"ip dscp": (2, 0x03), "ip6 dscp": (2, 0x03), "ip ecn": (0, 0xFC), "ip6 ecn": (0, 0xFC)}
#: Expressions whose value chance or a hash makes up, and how many values are told apart at most.
MADE_UP = frozenset({"numgen", "jhash", "symhash"})
MOST_MADE_UP = 64


def unwritten(family: str, item: Json) -> Match | None:
    """The unwritten condition of statements that only one protocol has, and in tables of several only one IP version.

    The kernel leaves a rule that sets an option of TCP for a packet of another protocol (nft_exthdr_tcp_set_eval), and
    nft asks for TCP before `reject with tcp reset` (and shows it in inet tables), for the family before `reject with
    icmp …` or `ip ttl set …`, and does not show it; the kernel leaves a rule with `tproxy ip to …` for a packet of the
    other version (nft_tproxy_eval). A translation of the other version is met and does nothing (nft_nat_inet_eval); its
    address says of which it is.
    """
    if not isinstance(item, dict) or len(item) != 1:
        return None
    ((name, inner),) = item.items()
    if not isinstance(inner, dict):
        return None
    resets = name == "reject" and inner.get("type") == "tcp reset" and family != "inet"
    if resets or (name == "mangle" and "tcp option" in inner.get("key", ())):
        return Match((Field("meta l4proto"),), ((TCP,),), text="meta l4proto tcp")
    if family in ("ip", "ip6"):
        return None
    bare = name in ("dnat", "snat") and "addr" not in inner
    of = inner.get("type") if name == "reject" else inner.get("family") if bare or name == "tproxy" else None
    if name == "mangle":
        name = field_name(inner["key"])
        of = name.partition(" ")[0] if name in CLASS else HOPS.get(name)
    version = {"icmp": "ipv4", "icmpv6": "ipv6", "ip": "ipv4", "ip6": "ipv6"}.get(str(of))
    return Match((Field("meta nfproto"),), ((Name(version),),), text=f"meta nfproto {version}") if version else None


def _unknown(name: str) -> Callable[[Json], _Built]:
    return lambda inner: (matches.unknown((f"nft {name}",), words({name: inner})),)


def _vmap(inner: Json) -> _Built:
    text = lookup("vmap", inner["key"], inner["data"])
    found = fields(inner["key"])
    data = inner["data"]
    if isinstance(data, str):
        return (VerdictMap(found, lookup=data.removeprefix("@"), text=text),)
    return (VerdictMap(found, maps.verdict_entries([field.name for field in found], data["set"]), text=text),)


def _reject(inner: Json) -> _Built:
    inner = inner or {}
    if inner.get("type") == "tcp reset":
        return (Reject(RejectKind.TCP_RESET),)
    return (Reject(NFT_REJECTS[inner.get("expr", "port-unreachable")]),)


def _nat(kind: NatKind) -> Callable[[Json], _Built]:
    """A translation: to constants, or to what a map says for the packet."""

    def build(inner: Json) -> _Built:
        inner = inner or {}
        flags = {str(flag) for flag in (*listed(inner.get("flags")), *listed(inner.get("type_flags")))}
        which = NatKind.NETMAP if flags & {"netmap", "prefix"} else kind
        kept = frozenset(flags - {"netmap", "prefix"})
        address, port = inner.get("addr"), inner.get("port")
        for place, value in (("addr", address), ("port", port)):
            if isinstance(value, dict) and "map" in value:
                return (_mapped(which, kept, inner, place),)
        return (Nat(which, maps.nat_value(address, port), flags=kept),)

    return build


def _mapped(kind: NatKind, flags: frozenset[str], inner: Json, place: str) -> Nat:
    """The map gives the address (and perhaps the port), or the port beside a constant address."""
    source = inner[place]["map"]
    other = inner.get("port" if place == "addr" else "addr")
    found = fields(source["key"])
    names = [field.name for field in found]
    data = source["data"]
    if isinstance(data, str):
        if other is not None:
            raise FirewallTextError("a named map beside a constant")
        return Nat(kind, NatValue(), found, lookup=data.removeprefix("@"), flags=flags)
    if place == "port":
        return Nat(kind, NatValue(), found, maps.nat_entries(names, data["set"], True, other), flags=flags)
    if other is not None:
        raise FirewallTextError("a map of addresses beside a port")
    return Nat(kind, NatValue(), found, maps.nat_entries(names, data["set"]), flags=flags)


def _mangle(inner: Json) -> _Built:
    key = inner["key"]
    name = field_name(key)
    text = f"{words(key)} set {words(inner['value'])}"
    if name in ("meta mark", "ct mark"):
        target = "mark" if name == "meta mark" else "ct mark"
        try:
            if isinstance(inner["value"], dict) and "map" in inner["value"]:
                return (_mapped_mark(target, inner["value"]["map"]),)
            if isinstance(inner["value"], dict) and inner["value"].keys() & MADE_UP:
                return (_made_up_mark(target, inner["value"]),)
            return marks.set_mark(target, inner["value"])
        except SHAPE_ERRORS:
            return (Opaque(text),)
    if name in ("ct zone", "ct original zone", "ct reply zone") and type(inner["value"]) is int:
        return (SetZone(inner["value"], name != "ct reply zone", name != "ct original zone"),)
    if name == "ct label":
        return (SetLabel(scalar(name, inner["value"])),)
    if name in HOPS and type(inner["value"]) is int:
        return (SetTtl(inner["value"]),)
    if name in CLASS:
        return (_set_class(name, inner["value"]),)
    if name == "tcp option maxseg size":
        return _set_mss(inner["value"], text)
    harmless = name in _WRITES or name.startswith("nft tcp option")
    return (Note(text),) if harmless else (Opaque(text),)


def _set_class(name: str, value: Json) -> SetTos:
    """`ip dscp set ef`, `ip ecn set ce`; what a map gives is not known."""
    shift, keep = CLASS[name]
    try:
        return SetTos(scalar(name, value) << shift, keep=keep)
    except SHAPE_ERRORS:
        return SetTos(None)


def _set_mss(value: Json, text: str) -> _Built:
    """`tcp option maxseg size set 1400`, or `rt mtu`: what the path lets through."""
    if type(value) is int:
        return (SetMss(value),)
    return (SetMss(),) if value == {"rt": {"key": "mtu"}} else (Note(text),)


def _reset(inner: Json) -> _Built:
    """`reset tcp option sack-perm`."""
    name = tcp_option(inner["tcp option"])
    return (StripOptions(frozenset({name}), strict=True),) if name else (Note(words({"reset": inner})),)


def _mapped_mark(target: str, source: Json) -> SetMark:
    """The mark that a map gives for the packet."""
    found, data = fields(source["key"]), source["data"]
    if isinstance(data, str):
        return SetMark(target, fields=found, lookup=data.removeprefix("@"))
    return SetMark(target, fields=found, elements=maps.mark_entries([field.name for field in found], data["set"]))


def _made_up_mark(target: str, value: Json) -> SetMark:
    """A mark that chance or a hash gives: any of so many from an offset on."""
    ((_, how),) = value.items()
    low, many = how.get("offset", 0), how["mod"]
    if many > MOST_MADE_UP:
        raise FirewallTextError(f"a mark that is one of {many}")
    drawn = tuple(MapElement((Interval(each, each),), low + each) for each in range(many))
    return SetMark(target, fields=fields(value), elements=drawn)


def _tproxy(inner: Json) -> _Built:
    """`tproxy to ADDRESS:PORT`; the packet goes on to the next statement."""
    address, port = inner.get("addr"), inner.get("port")
    return (Tproxy(ip_address(str(address)) if address else None, scalar("th dport", port) if port else None),)


def _queue(inner: Json) -> _Built:
    """`queue num 0`, `queue num 0-3 bypass`; a number that an expression computes is not known."""
    inner = inner or {}
    number = inner.get("num", 0)
    low, high = number["range"] if isinstance(number, dict) and "range" in number else (number, number)
    if type(low) is not int or type(high) is not int:
        return (Opaque(words({"queue": inner})),)
    return (Queue(low, high, "bypass" in listed(inner.get("flags"))),)


def _dynamic_set(inner: Json) -> _Built:
    """`add @set { … }`; with a limit or a count inside, the rest of the rule depends on it."""
    text = f"{inner['op']} {inner['set']} {{ {words(inner['elem'])} }}"
    for held in listed(inner.get("stmt")):
        if not isinstance(held, dict) or set(held) - {"counter", "last"}:
            return (matches.unknown(("nft meter",), text),)
    return (Note(text),)


def _xt(inner: Json) -> _Built:
    """A part that iptables-nft put into a rule and that nft cannot show."""
    if not isinstance(inner, dict):
        return (Opaque("xt"),)
    kind, name = str(inner["type"]), str(inner["name"])
    if kind == "watcher":  # of ebtables: log, nflog
        return (Note(f"xt watcher {name}"),)
    if kind == "match":
        return (matches.unknown((f"xt {name}",), f"xt match {name}"),)
    return (Note(f"xt target {name}"),) if name in TARGETS and TARGETS[name].note else (Opaque(f"xt {kind} {name}"),)


_STATEMENTS: dict[str, Callable[[Json], _Built]] = {
    "match": lambda inner: (matches.match(inner),),
    "vmap": _vmap,
    "reject": _reject,
    "dnat": _nat(NatKind.DNAT),
    "snat": _nat(NatKind.SNAT),
    "masquerade": _nat(NatKind.MASQUERADE),
    "redirect": _nat(NatKind.REDIRECT),
    "notrack": lambda _inner: cast("_Built", (NoTrack(),)),
    "mangle": _mangle,
    "tproxy": _tproxy,
    "queue": _queue,
    "reset": _reset,
    "synproxy": lambda _inner: (SynProxy(),),
    "counter": lambda inner: () if isinstance(inner, dict) or inner is None else (Note(f"counter name {inner}"),),
    "limit": _unknown("limit"),
    "quota": _unknown("quota"),
    "ct count": _unknown("ct count"),
    "meter": _unknown("meter"),
    "set": _dynamic_set,
    "map": lambda inner: (Note(f"{inner['op']} {inner['map']} {{ {words(inner['elem'])} : {words(inner['data'])} }}"),),
    "xt": _xt,
}
