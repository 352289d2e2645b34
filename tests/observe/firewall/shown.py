"""The nouns of a rule in short words, so that a table of expectations can be read at a glance.

`ip saddr&0xff in 1-5` is a match, `not …` a negated one, `in @name` a look-up, `a . b in 1/2` a concatenation,
`unknown xt recent` a match whose field is outside of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from engine.model.firewall import (
    Element,
    Field,
    Interval,
    Match,
    Nat,
    NatValue,
    Note,
    NoTrack,
    Opaque,
    Queue,
    Reject,
    RuleVerdict,
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
from engine.observe.firewall.fields import Form, form_of, is_exact


def shown(statements: Iterable[Statement]) -> list[str]:
    return [one(statement) for statement in statements]


def one(statement: Statement) -> str:
    match statement:
        case Match():
            return condition(statement)
        case RuleVerdict():
            return str(statement)
        case Nat():
            return " ".join(part for part in translation(statement) if part)
        case Reject():
            return f"reject {statement.kind}"
        case SetMark() if statement.fields:
            return f"{statement.target} = {fields(statement.fields)} map {target(statement)}"
        case SetMark():
            source = (
                f"{statement.value:#x}" if statement.source == "value" else f"{statement.source}&{statement.mask:#x}"
            )
            return f"{statement.target} = {statement.target}&{statement.keep:#x} ^ {source}"
        case VerdictMap():
            return f"{fields(statement.fields)} vmap {target(statement)}"
        case SetTtl() | SetTos() | SetMss() | StripOptions():
            return header(statement)
        case SetZone():
            directions = (("original", statement.original), ("reply", statement.reply))
            return " ".join(("zone", str(statement.zone), *(name for name, holds in directions if holds)))
        case Tproxy():
            return (
                f"tproxy {statement.address or 'here'}:{statement.port} mark&{statement.keep:#x}^{statement.value:#x}"
            )
        case Queue():
            return f"queue {statement.low}-{statement.high}{' bypass' * statement.bypass}"
        case NoTrack() | SynProxy() | Note() | Opaque():
            return f"{type(statement).__name__.lower()} {getattr(statement, 'text', '')}".strip()


def header(statement: SetTtl | SetTos | SetMss | StripOptions) -> str:
    if isinstance(statement, StripOptions):
        return f"strip {','.join(sorted(statement.names))}"
    if isinstance(statement, SetMss):
        return f"mss {statement.value or 'of the path'}"
    if isinstance(statement, SetTos):
        return f"tos = tos&{statement.keep:#x} ^ {statement.value}"
    return f"ttl {statement.value:+}" if statement.relative else f"ttl {statement.value}"


def condition(found: Match) -> str:
    if not all(is_exact(field.name) for field in found.fields):
        return f"unknown {fields(found.fields)}"
    values = f"@{found.lookup}" if found.lookup else ",".join(element(found.fields, each) for each in found.elements)
    return f"{'not ' * found.negate}{fields(found.fields)} in {values}"


def fields(found: Iterable[Field]) -> str:
    return " . ".join(field.name + (f"&{field.mask:#x}" if field.mask is not None else "") for field in found)


def element(found: tuple[Field, ...], values: Element) -> str:
    if not values:
        return "*"
    return "/".join(atom(field.name, value) for field, value in zip(found, values, strict=True))


def atom(name: str, value: object) -> str:
    if not isinstance(value, Interval):
        return str(getattr(value, "pattern", value))
    kind = {Form.ADDRESS: IPv4Address, Form.ADDRESS6: IPv6Address}.get(form_of(name), int)
    top = "" if value.high == (1 << 128) - 1 else str(kind(value.high))
    return str(kind(value.low)) if value.low == value.high else f"{kind(value.low)}-{top}"


def target(found: VerdictMap | Nat | SetMark) -> str:
    if found.lookup:
        return f"@{found.lookup}"
    entries = (
        f"{element(found.fields[: len(entry.key)], entry.key)}: "
        f"{nat_value(entry.value) if isinstance(entry.value, NatValue) else entry.value}"
        for entry in found.elements
    )
    return "{" + ", ".join(entries) + "}"


def translation(found: Nat) -> list[str]:
    return [
        str(found.kind),
        f"by {fields(found.fields)} {target(found)}" if found.fields else nat_value(found.value),
        ",".join(sorted(found.flags)),
    ]


def nat_value(found: NatValue) -> str:
    addresses = "" if found.low is None else str(found.low) + ("" if found.low == found.high else f"-{found.high}")
    if found.port_low is None:
        return addresses
    ports = str(found.port_low) + ("" if found.port_low == found.port_high else f"-{found.port_high}")
    return f"{addresses}:{ports}"
