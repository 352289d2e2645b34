"""A rule's condition and action in few words, in the manner of the tool that made it.

iptables' own words are kept, without what only repeats itself (`-m tcp` before `--dport`, a /32). A match without
words of its own is written from its fields, as nftables writes them.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from engine.model.firewall import (
    Atom,
    Backend,
    Match,
    Nat,
    NatValue,
    Note,
    NoTrack,
    Opaque,
    Queue,
    Reject,
    Rule,
    SetMark,
    SetMss,
    SetTos,
    SetTtl,
    SetZone,
    Statement,
    StripOptions,
    SynProxy,
    Tproxy,
    Verdict,
    VerdictKind,
    VerdictMap,
)
from engine.model.packet import PROTOCOL_NUMBERS
from views.text import Role

_NOISE = re.compile(r"(?:^|\s)-m (?:tcp|udp|sctp|icmp|icmp6|conntrack|state|addrtype|multiport|mark|physdev)(?=\s|$)")
#: iptables' longer words, and the shorter ones that stand for them in a row. The whole rule is shown beside the table.
_SHORT = (
    (re.compile(r"(?<!! )-p (tcp|udp|sctp)( .*?)?(?<!! )(?<!\S)--dport (\S+)"), r"\1 :\3\2"),
    (re.compile(r"(?<!! )-p (tcp|udp|sctp)( .*?)?(?<!! )(?<!\S)--dports (\S+)"), r"\1 :{\3}\2"),
    (re.compile(r"--(dst|src)-type (\S+)"), r"\1 \2"),
    (re.compile(r"--ctstate (\S+)"), r"ct \1"),
)
#: Goes to the front: a row is cut at its end, and the port is what people look for.
_PORT = re.compile(r"(?<!\S)(?:tcp|udp|sctp) :\S+")
_HOST_MASK = re.compile(r"(?<=[0-9a-f])/(?:32|128)(?=\s|$)")


def condition(rule: Rule) -> str:
    """All matches of a rule; "any" when it has none."""
    texts = [_match(part) for part in rule.statements if isinstance(part, Match)]
    texts += [part.text or "vmap" for part in rule.statements if isinstance(part, VerdictMap)]
    return shorten(" ".join(text for text in texts if text)) or "any"


def shorten(text: str) -> str:
    """iptables words without what only repeats itself, the port in front. Other text comes back as it is."""
    joined = _HOST_MASK.sub("", _NOISE.sub("", text))
    for pattern, short in _SHORT:
        joined = pattern.sub(short, joined)
    port = _PORT.search(joined)
    if port:
        joined = f"{port[0]} {joined[: port.start()]}{joined[port.end() :]}"
    return " ".join(joined.split())


def action(rule: Rule, backend: Backend) -> tuple[str, Role]:
    """What a rule does to a packet that meets its condition, and whether that is good or bad for the packet."""
    written = [(text, role) for part in rule.statements if (text := _action(part, backend)) for role in (_role(part),)]
    if not written:
        notes = [part.text for part in rule.statements if isinstance(part, Note)]
        return (notes[-1] if notes else "counts only", Role.DIM)
    return ", ".join(text for text, _ in written), written[-1][1]


def _match(match: Match) -> str:
    if match.text:
        return match.text
    fields = " . ".join(field.name for field in match.fields)
    sign = "!= " if match.negate else ""
    if match.lookup:
        return f"{fields} {sign}@{match.lookup}"
    names = [field.name for field in match.fields]
    elements = [
        " . ".join(_atom(atom, name) for atom, name in zip(element, names, strict=False)) for element in match.elements
    ]
    listed = elements[0] if len(elements) == 1 else "{ " + ", ".join(elements) + " }"
    return f"{fields} {sign}{listed}"


def _atom(atom: Atom, field: str) -> str:
    low, high = (atom.low, atom.high) if not hasattr(atom, "pattern") else (None, None)
    if low is None or high is None:
        return str(getattr(atom, "pattern", ""))
    if field.endswith(("saddr", "daddr")):
        return _addresses(low, high)
    if "proto" in field and low == high:
        return next((str(name) for name, number in PROTOCOL_NUMBERS.items() if number == low), str(low))
    if "mark" in field:
        return hex(low) if low == high else f"{low:#x}-{high:#x}"
    return str(low) if low == high else f"{low}-{high}"


def _addresses(low: int, high: int) -> str:
    """A range of addresses as a network where it is one."""
    first, last = (ip_address(value) for value in (low, high))
    if first == last:
        return str(first)
    size = high - low + 1
    if size & (size - 1) == 0 and low % size == 0:
        return f"{first}/{first.max_prefixlen - size.bit_length() + 1}"
    return f"{first}-{last}"


def _action(part: Statement, backend: Backend) -> str:
    text = ""
    if isinstance(part, Verdict):
        text = _verdict(part, backend)
    elif isinstance(part, Nat):
        text = f"{part.kind.upper()} {_destination(part.value)}".rstrip()
        if part.lookup or part.elements:
            text += f" map {'@' + part.lookup if part.lookup else ''}".rstrip()
    elif isinstance(part, Reject):
        text = f"REJECT {part.kind}"
    elif isinstance(part, SetMark):
        text = f"{part.target.upper()} {part.value:#x}" if part.source == "value" else f"{part.target} := {part.source}"
    elif isinstance(part, SetTtl | SetTos | SetMss | StripOptions):
        text = _header(part)
    elif isinstance(part, NoTrack | SynProxy):
        text = type(part).__name__.upper()
    elif isinstance(part, SetZone):
        text = f"ZONE {part.zone}"
    elif isinstance(part, Tproxy):
        text = f"TPROXY {part.address or ''}:{part.port or ''}"
    elif isinstance(part, Queue):
        text = f"QUEUE {part.low}" + (f"-{part.high}" if part.high != part.low else "")
    elif isinstance(part, VerdictMap):
        text = "by map"
    elif isinstance(part, Opaque):
        text = part.text
    return (
        text
        if backend is not Backend.NFT
        else text.lower()
        if isinstance(part, Nat | Reject | NoTrack | SynProxy | SetTtl | SetTos | SetMss | StripOptions)
        else text
    )


def _header(part: SetTtl | SetTos | SetMss | StripOptions) -> str:
    """What is written into a header."""
    if isinstance(part, StripOptions):
        return f"WITHOUT {', '.join(sorted(part.names))}"
    if isinstance(part, SetMss):
        return f"MSS {part.value or 'of the path'}"
    if isinstance(part, SetTos):
        return "TOS" if part.value is None else f"TOS {part.value:#x}"
    return f"TTL {part.value:+}" if part.relative else f"TTL {part.value}"


def _verdict(verdict: Verdict, backend: Backend) -> str:
    if verdict.chain:
        return f"{verdict.kind} {verdict.chain}" if verdict.kind is VerdictKind.GOTO else f"→ {verdict.chain}"
    return str(verdict.kind) if backend is Backend.NFT else verdict.kind.upper()


def _destination(value: NatValue) -> str:
    if value.low is None and value.port_low is None:
        return ""
    host = str(value.low or "")
    if value.high and value.high != value.low:
        host += f"-{value.high}"
    if value.port_low is None:
        return host
    port = str(value.port_low) + (f"-{value.port_high}" if value.port_high not in (None, value.port_low) else "")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _role(part: Statement) -> Role:
    if isinstance(part, Reject) or (isinstance(part, Verdict) and part.kind is VerdictKind.DROP):
        return Role.BAD
    if isinstance(part, Verdict) and part.kind is VerdictKind.ACCEPT:
        return Role.GOOD
    if isinstance(part, Nat):
        return Role.WARN
    return Role.PLAIN
