"""nft's comparisons (`match`) as matches of the model, exact where the vocabulary is, else on an unknown field.

Bit fields need care: `tcp flags syn` (operator "in") holds when a flag is set, `tcp flags == syn` when it is the only
one. "ct state" has one value at a time in nft, so both mean the same; "ct status" has several, so only the tests of
single bits are exact. Source: libnftables-json(5), nft(8) on bitmask types, and src/netlink_linearize.c of nftables.
"""

from __future__ import annotations

from engine.model.firewall import Field, Interval, Match, Name
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.fields import Form, form_of
from engine.observe.firewall.nft.as_text import Json, condition, listed
from engine.observe.firewall.nft.values import (
    NEVER_ALONE,
    SHAPE_ERRORS,
    element,
    elements,
    field_name,
    fields,
    known,
    scalar,
)
from engine.observe.firewall.values import TOP

#: The bit of "ip frag-off" that senders set or not as they like (RFC 791: Don't Fragment).
_DONT_FRAGMENT = 0x4000
#: Fields with several values at once, of which a comparison for equality would need all.
_SEVERAL = ("ct status",)


def match(inner: Json) -> Match:
    """The condition of a `match` statement. Never raises for an expression that it does not know."""
    text = ""
    try:
        operator, left, right = str(inner["op"]), inner["left"], inner["right"]
        text = condition(operator, left, right)
        return _exact(operator, left, right, text)
    except SHAPE_ERRORS:  # FirewallTextError is a ValueError
        return unknown(_guess(inner), text or condition("==", inner, ""))


def unknown(names: tuple[str, ...], text: str) -> Match:
    """A condition that is answered "unknown": fields outside of the vocabulary, its text as their value."""
    fields_of = tuple(Field(name if not known(name) else f"nft {name}") for name in names)
    return Match(fields_of, (tuple(Name(text) for _ in fields_of),), text=text)


def _guess(inner: Json) -> tuple[str, ...]:
    try:
        left = inner["left"]
        parts = left["concat"] if isinstance(left, dict) and "concat" in left else [left]
        return tuple(field_name(_unmasked(part)) for part in parts)
    except SHAPE_ERRORS:
        return ("nft expression",)


def _unmasked(expression: Json) -> Json:
    pair = expression.get("&") if isinstance(expression, dict) else None
    return pair[0] if isinstance(pair, list) and pair else expression


def _exact(operator: str, left: Json, right: Json, text: str) -> Match:
    if isinstance(left, dict) and "&" in left and form_of(field_name(left["&"][0])) is Form.NAME:
        return _name_bits(operator, left["&"], right, text)
    found = tuple(_by_device(field, right) for field in fields(left))
    names = [field.name for field in found]
    if not all(known(name) for name in names):
        return unknown(tuple(names), text)
    if any(one.name == "ip frag-off" and (one.mask is None or one.mask & _DONT_FRAGMENT) for one in found):
        raise FirewallTextError("whether the sender lets a packet be fragmented")
    if isinstance(right, str) and right.startswith("@"):
        return Match(found, lookup=right[1:], negate=_negates(operator), text=text)
    if operator in ("<", ">", "<=", ">="):
        return _ordered(operator, found, right, text)
    if operator in ("in", "!") and form_of(names[0]) is Form.NUMBER:
        bits = scalar(names[0], right)
        return Match((Field(names[0], bits),), ((Interval(1, bits),),), negate=operator == "!", text=text)
    if operator in ("==", "!=") and isinstance(right, dict) and "|" in right and names == ["ct state"]:
        # A comparison with several bits at once, of which a packet never has more than one (nft_ct_get_eval).
        return Match(found, (), negate=_negates(operator), text=text)
    if operator in ("==", "!=") and any(name in _SEVERAL for name in names):
        if names == ["ct status"] and right in NEVER_ALONE:
            return Match(found, (), negate=_negates(operator), text=text)
        raise FirewallTextError(f"{names[0]} compared as a whole")
    return Match(found, elements(names, right), negate=_negates(operator), text=text)


def _by_device(field: Field, right: Json) -> Field:
    """`fib … oif` and `oifname` ask for a device where they are compared with one, else whether there is any."""
    head, _, result = field.name.rpartition(" ")
    if not head.startswith("fib ") or result not in ("oif", "oifname"):
        return field
    exists = isinstance(right, bool) or right in ("0", 0)
    return Field(f"{head} {'oif' if exists else 'oifname'}", field.mask)


def _negates(operator: str) -> bool:
    if operator in ("==", "in"):
        return False
    if operator in ("!=", "!"):
        return True
    raise FirewallTextError(f"operator {operator!r}")


def _ordered(operator: str, found: tuple[Field, ...], right: Json, text: str) -> Match:
    if len(found) != 1 or form_of(found[0].name) in (Form.NAME, Form.DEVICE):
        raise FirewallTextError("an order of names")
    value = scalar(found[0].name, right)
    low, high = {"<": (0, value - 1), "<=": (0, value), ">": (value + 1, TOP), ">=": (value, TOP)}[operator]
    return Match(found, ((Interval(low, high),),) if low <= high else (), text=text)


def _name_bits(operator: str, pair: Json, right: Json, text: str) -> Match:
    """`ct status & dnat == dnat`, `ct status & (snat | dnat) != 0`: tests of single bits by their names."""
    inner, mask = pair
    name = field_name(inner)
    bits = listed(mask["|"] if isinstance(mask, dict) else mask)
    if not known(name) or operator not in ("==", "!="):
        raise FirewallTextError(f"bits of {name}")
    if right == 0:
        negate = operator == "=="
    elif len(bits) == 1 and right == bits[0]:
        negate = operator == "!="
    else:
        raise FirewallTextError(f"several bits of {name} compared as a whole")
    return Match((Field(name),), tuple(element([name], bit) for bit in bits), negate=negate, text=text)
