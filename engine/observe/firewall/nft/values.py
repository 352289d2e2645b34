"""nft's JSON expressions as fields, atoms and elements of the model.

`fields` reads what stands left of a comparison, `elements` what stands right of it, in the form that the field's
vocabulary entry asks for. Both raise `FirewallTextError` where the expression has no exact form here; the caller
then makes it a match that is answered "unknown". JSON of a wrong shape raises KeyError, TypeError, IndexError or
AttributeError, which `SHAPE_ERRORS` collects for the one place that turns them into an unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.model.firewall import Atom, Element, Field, Interval, Name
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.fields import FIELDS, Form, form_of, is_exact
from engine.observe.firewall.nft.as_text import Json, fib_words, listed, words
from engine.observe.firewall.symbols import NUMBER_NAMES, SYNONYMS, TCP_OPTIONS
from engine.observe.firewall.values import epoch, interval, ip_address, mac, number, prefix, second_of_day

SHAPE_ERRORS = (KeyError, TypeError, IndexError, AttributeError, ValueError)

#: Bits of a flow's status that come with others: translated ones have one that tells so beside it (IPS_SRC_NAT_DONE),
#: a flow with answers was confirmed before.
NEVER_ALONE = ("snat", "dnat", "assured", "seen-reply")

#: What each nft type of a set's key looks like: a field with values of that type.
TYPE_FIELDS: dict[str, str] = {
    "ipv4_addr": "ip saddr",
    "ipv6_addr": "ip6 saddr",
    "ether_addr": "ether saddr",
    "ether_type": "ether type",
    "arp_op": "arp operation",
    "inet_proto": "meta l4proto",
    "inet_service": "th dport",
    "mark": "meta mark",
    "ifname": "meta iifname",
    "iface_index": "meta iif",
    "ct_state": "ct state",
    "ct_dir": "ct direction",
    "ct_status": "ct status",
    "icmp_type": "icmp type",
    "icmp_code": "icmp code",
    "icmpv6_type": "icmpv6 type",
    "icmpv6_code": "icmpv6 code",
    "fib_addrtype": "fib daddr type",
    "pkt_type": "meta pkttype",
    "nf_proto": "meta nfproto",
    "tcp_flag": "tcp flags",
    "uid": "meta skuid",
    "gid": "meta skgid",
    "dscp": "ip dscp",
    "devgroup": "meta iifgroup",
    "iface_type": "meta iiftype",
}

#: Numbers that nft writes as times, in the zone that it was run in: UTC (`tools`).
_WRITTEN: dict[str, Callable[[str], int]] = {"meta hour": second_of_day, "meta time": epoch}
#: Expressions that are known by name, and answered "unknown".
_KINDS = {"jhash": "hash", "symhash": "hash"}


def fields(expression: Json) -> tuple[Field, ...]:
    """The fields of an expression: one, or one for each part of a concatenation."""
    if isinstance(expression, dict) and "concat" in expression:
        return tuple(field for part in expression["concat"] for field in fields(part))
    return (_field(expression),)


def field_name(expression: Json) -> str:
    """The vocabulary's name for an expression, or "nft KIND" for one that has none."""
    if not isinstance(expression, dict) or len(expression) != 1:
        return "nft expression"
    ((kind, inner),) = expression.items()
    if kind == "payload":
        return f"payload {inner['base']}" if "base" in inner else f"{inner['protocol']} {inner['field']}"
    if kind == "meta":
        return f"meta {inner['key']}"
    if kind == "ct":
        parts = ("ct", inner.get("dir"), inner.get("family"), inner["key"])
        return " ".join(part for part in parts if part)
    if kind == "fib":
        return fib_words(inner)
    if kind == "rt":
        return " ".join(filter(None, ("rt", inner.get("family"), inner["key"])))
    if kind == "ipsec":
        return f"ipsec {inner['dir']} {inner['key']}"
    if kind in ("exthdr", "ip option") and "field" not in inner:
        return f"{kind} {inner['name']}"
    if kind == "tcp option" and (inner.get("name") == "maxseg" or tcp_option(inner)):
        return " ".join((f"tcp option {inner['name']}", *listed(inner.get("field"))))
    if kind == "socket" and inner.get("key") in ("transparent", "wildcard"):
        return f"socket {inner['key']}"
    return f"nft {_KINDS.get(kind, kind)}"


def tcp_option(inner: Json) -> str:
    """The name of an option of TCP as such, not of a part of it; empty for those that are not understood."""
    name = str(inner.get("name"))
    return name if name in TCP_OPTIONS.values() and "field" not in inner else ""


def _field(expression: Json) -> Field:
    if isinstance(expression, dict) and "&" in expression:
        inner, mask = expression["&"]
        name = field_name(inner)
        return Field(name, _mask(name, mask)) if is_exact(name) else Field(name)
    return Field(field_name(expression))


def _mask(name: str, value: Json) -> int:
    """The bits of a mask. Only numbers and IP addresses have one."""
    if form_of(name) not in (Form.NUMBER, Form.ADDRESS, Form.ADDRESS6):
        raise FirewallTextError(f"a mask on {name}")
    return scalar(name, value)


def scalar(name: str, value: Json) -> int:
    """One integer: a number, one of its names, names or-ed together, or an address of the right family."""
    if isinstance(value, bool):
        raise FirewallTextError(f"{value} is no value of {name}")
    if name == "ct label":
        return 1 << number(str(value))  # names are those of a file
    if isinstance(value, int):
        return value
    if isinstance(value, list):
        return _ored(name, value)
    if isinstance(value, dict) and "|" in value:
        return _ored(name, listed(value["|"]))
    if not isinstance(value, str):
        raise FirewallTextError(f"{value!r} is no value of {name}")
    form = form_of(name)
    if form is Form.MAC:
        return mac(value)
    if form in (Form.ADDRESS, Form.ADDRESS6):
        address = ip_address(value)
        if (address.version == 4) != (form is Form.ADDRESS):
            raise FirewallTextError(f"{value} is of the wrong family for {name}")
        return int(address)
    if name in _WRITTEN:
        return _WRITTEN[name](value)
    known = NUMBER_NAMES.get(name, {})
    return known[value] if value in known else number(value)


def _ored(name: str, parts: Sequence[Json]) -> int:
    bits = 0
    for part in parts:
        bits |= scalar(name, part)
    return bits


def atom(name: str, value: Json) -> Atom:
    """One value, range or prefix of a field."""
    if isinstance(value, dict) and "elem" in value:
        return atom(name, value["elem"]["val"])
    form = form_of(name)
    if not known(name):
        return _plain(value)
    if form is Form.NAME or (form is Form.DEVICE and not isinstance(value, int)):
        return Name(_name(name, value))
    if isinstance(value, dict) and "range" in value:
        low, high = value["range"]
        return interval(scalar(name, low), scalar(name, high))
    if isinstance(value, dict) and "prefix" in value:
        inner = value["prefix"]
        if form not in (Form.ADDRESS, Form.ADDRESS6):
            raise FirewallTextError(f"a prefix of {name}")
        return prefix(ip_address(inner["addr"]), int(inner["len"]))
    one = scalar(name, value)
    return Interval(one, one)


def _plain(value: Json) -> Atom:
    """A value of a field outside of the vocabulary: a number stays one, all else is its words."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Interval(value, value)
    if isinstance(value, dict) and "range" in value and all(type(end) is int for end in value["range"]):
        low, high = value["range"]
        return interval(low, high)
    return Name(words(value))


def _name(name: str, value: Json) -> str:
    if isinstance(value, bool) or name.startswith("tcp option "):
        return words(bool(value))
    if name.endswith(" oif") and name.startswith("fib "):
        if value in ("0", 0):
            return "missing"
        raise FirewallTextError(f"{name} compared with a device")
    if not isinstance(value, str):
        raise FirewallTextError(f"{value!r} is no value of {name}")
    return SYNONYMS.get(name, {}).get(value, value)


def element(names: Sequence[str], value: Json) -> Element:
    """One element of a set: an atom for each field. Raises `FirewallTextError` for the wrong number of parts."""
    if isinstance(value, dict) and "elem" in value:
        value = value["elem"]["val"]
    parts = value["concat"] if isinstance(value, dict) and "concat" in value else [value]
    if len(parts) != len(names):
        raise FirewallTextError(f"{len(parts)} values for {len(names)} fields")
    return tuple(atom(name, part) for name, part in zip(names, parts, strict=True))


def elements(names: Sequence[str], value: Json) -> tuple[Element, ...]:
    """All elements of what stands right of a comparison: a set, a list of names, or one value."""
    if isinstance(value, dict) and "set" in value:
        return tuple(element(names, each) for each in listed(value["set"]))
    if isinstance(value, list) and form_of(names[0]) is not Form.NUMBER:
        return tuple(element(names, each) for each in value)
    return (element(names, value),)


def known(name: str) -> bool:
    """Whether a field is in the vocabulary and exact."""
    return name in FIELDS and is_exact(name)
