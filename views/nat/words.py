"""A rule's condition and action in few words, in the manner of the tool that made it.

The tool's own words are kept, without what only repeats itself (`-m tcp` before `--dport`, a /32).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from engine.model.firewall import (
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
    VerdictKind,
    VerdictMap,
)
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
    texts = [part.text for part in rule.statements if isinstance(part, Match)]
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


def _action(part: Statement, backend: Backend) -> str:
    """What one statement does; empty for a condition. nft writes targets in small letters, iptables in capitals."""
    if isinstance(part, RuleVerdict):
        return _verdict(part, backend)
    write = ACTIONS.get(type(part))
    text = write(part) if write else ""
    return text.lower() if backend is Backend.NFT and isinstance(part, TARGETS) else text


def _nat(part: Nat) -> str:
    text = f"{part.kind.upper()} {_destination(part.value)}".rstrip()
    return f"{text} map {'@' + part.lookup if part.lookup else ''}".rstrip() if part.lookup or part.elements else text


def _mark(part: SetMark) -> str:
    return f"{part.target.upper()} {part.value:#x}" if part.source == "value" else f"{part.target} := {part.source}"


def _ttl(part: SetTtl) -> str:
    return f"TTL {part.value:+}" if part.relative else f"TTL {part.value}"


#: How each kind of statement is written.
ACTIONS: Mapping[type, Callable[[Any], str]] = {
    Nat: _nat,
    Reject: lambda part: f"REJECT {part.kind}",
    SetMark: _mark,
    SetTtl: _ttl,
    SetTos: lambda part: "TOS" if part.value is None else f"TOS {part.value:#x}",
    SetMss: lambda part: f"MSS {part.value or 'of the path'}",
    StripOptions: lambda part: f"WITHOUT {', '.join(sorted(part.names))}",
    NoTrack: lambda _: "NOTRACK",
    SynProxy: lambda _: "SYNPROXY",
    SetZone: lambda part: f"ZONE {part.zone}",
    Tproxy: lambda part: f"TPROXY {part.address or ''}:{part.port or ''}",
    Queue: lambda part: f"QUEUE {part.low}" + (f"-{part.high}" if part.high != part.low else ""),
    VerdictMap: lambda _: "by map",
    Opaque: lambda part: str(part.text),
}
#: Kinds whose name is a target's.
TARGETS = (Nat, Reject, NoTrack, SynProxy, SetTtl, SetTos, SetMss, StripOptions)


def _verdict(verdict: RuleVerdict, backend: Backend) -> str:
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
    if isinstance(part, Reject) or (isinstance(part, RuleVerdict) and part.kind is VerdictKind.DROP):
        return Role.BAD
    if isinstance(part, RuleVerdict) and part.kind is VerdictKind.ACCEPT:
        return Role.GOOD
    if isinstance(part, Nat):
        return Role.WARN
    return Role.PLAIN
