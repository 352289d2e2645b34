"""The listing of `arptables-legacy -L -n -v` as the table that the kernel's own entries give (`arp_entries`). Pure.

A chain is a line `Chain NAME (policy ACCEPT …)` or `Chain NAME (1 references)`, and behind it is a line for each rule:
`-j TARGET -i IN -o OUT`, what it asks of a message, and what else its target does, then `, pcnt=PACKETS -- bcnt=BYTES`.
`*` is any device. What stands behind a target that is no verdict is not read: its rule is an `Opaque` anyway.

Source: arptables 0.0.5 (arptables.c, print_firewall).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address

from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Match,
    Opaque,
    Rule,
    RuleVerdict,
    Statement,
    Table,
    VerdictKind,
)
from engine.observe.firewall import arp_entries
from engine.observe.firewall.values import mac
from engine.records import replace

_CHAIN = re.compile(r"Chain (\S+) \((?:policy (ACCEPT|DROP)\b.*|\d+ references)\)$")
_COUNTS = re.compile(r"\s*, pcnt=(\d+) -- bcnt=(\d+)\s*$")
#: Options whose names in a listing are not those of a command.
_NAMES = {"--src-mac": "--source-mac", "--dst-mac": "--destination-mac"}
_VERDICTS = {str(each).upper(): each for each in (VerdictKind.ACCEPT, VerdictKind.DROP, VerdictKind.RETURN)}

#: What a rule asks, by option: its words, and whether it is negated.
_Asked = Mapping[str, tuple[str, bool]]


def parse_arptables(text: str) -> tuple[Table, ...]:
    """The table filter, the only one that the kernel has. Raises ValueError, LookupError."""
    found: dict[str, tuple[BaseChain | None, list[str]]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if chain := _CHAIN.match(line):
            lines = []
            found[chain[1]] = (_base(chain[1], chain[2]) if chain[2] else None, lines)
        elif line.strip():
            if not found:
                raise ValueError(f"{line[:60]!r} stands before any chain")
            lines.append(line)
    chains = tuple(Chain(name, tuple(_rules(name, rows, found)), base) for name, (base, rows) in found.items())
    return (Table(Backend.XT_LEGACY, "arp", "filter", chains),) if chains else ()


def _base(name: str, policy: str) -> BaseChain:
    return BaseChain("filter", name.lower(), 0, _VERDICTS[policy])


def _rules(chain: str, lines: list[str], chains: Mapping[str, object]) -> Iterator[Rule]:
    for index, line in enumerate(lines):
        counts = _COUNTS.search(line)
        if counts is None:
            raise ValueError(f"{line[:60]!r} is no rule with its counters")
        yield replace(_rule(chain, line[: counts.start()].split(), chains), index=index,
                      packets=int(counts[1]), bytes=int(counts[2]))  # fmt: skip


def _rule(chain: str, words: list[str], chains: Mapping[str, object]) -> Rule:
    target = words[1] if words[:1] == ["-j"] else ""
    asked, rest = _asked(words[2:] if target else words)
    conditions = tuple(_conditions(asked))
    does: tuple[Statement, ...] = ()
    if target in _VERDICTS:
        does = (RuleVerdict(_VERDICTS[target]),)
    elif target in chains:
        does = (RuleVerdict(VerdictKind.JUMP, target),)
    elif rest and not target:
        raise ValueError(f"{rest[0]!r} belongs to no target")
    text = " ".join([f"-A {chain}", *(each.text for each in conditions), *([f"-j {target}"] if target else [])])
    return Rule(0, (*conditions, *(does if does or not target else (Opaque(text),))), text)


def _asked(words: list[str]) -> tuple[_Asked, list[str]]:
    """What is asked, and the words behind it, which are the target's."""
    known = {each.option for each in (*arp_entries.VALUES, *arp_entries.DEVICES)}
    found: dict[str, tuple[str, bool]] = {}
    at = 0
    while at < len(words):
        negate = words[at] == "!"
        option = _NAMES.get(words[at + negate], words[at + negate])
        if option not in known:
            break
        found[option] = words[at + negate + 1], negate
        at += negate + 2
    return found, words[at:]


def _conditions(asked: _Asked) -> Iterator[Match]:
    for value in arp_entries.VALUES:
        if value.option in asked:
            words, negate = asked[value.option]
            low, slash, mask = words.partition("/")
            full = (1 << 8 * value.size) - 1
            yield value.match(_number(low), _mask(mask, value.size) if slash else full, negate)
    for device in arp_entries.DEVICES:
        words, negate = asked.get(device.option, ("*", False))
        if words != "*":
            yield device.match(words.removesuffix("+"), words.endswith("+"), negate)


def _mask(words: str, size: int) -> int:
    """A mask, or for an address the length of its prefix."""
    if size == 4 and words.isdecimal():
        return ((1 << 32) - 1) ^ ((1 << (32 - int(words))) - 1)
    return _number(words)


def _number(words: str) -> int:
    """A number, an IPv4 address or a MAC address."""
    if words.count(".") == 3:
        return int(IPv4Address(words))
    return mac(words) if ":" in words else int(words, 0)
