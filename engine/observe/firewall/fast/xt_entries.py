"""Rules of iptables-legacy, read from the entries that the kernel holds. Pure.

A table is one row of entries: an address part, matches, and a target. A chain of a user begins behind an entry whose
target is ERROR with the chain's name, and a built-in chain where `Entries.chains` says; the last entry of each is its
policy. A jump tells the place that it goes to, and one to the next entry is no target at all. A table with anything
that `xt_forms` cannot tell gives None: then iptables-legacy-save has to be asked. So the text of a rule that is read
here is what iptables-save would print. The parts of a rule are kept as they are until somebody looks at its chain, and
its text is put together for who asks for that.

Sources: include/uapi/linux/netfilter_ipv4/ip_tables.h, netfilter_ipv6/ip6_tables.h, netfilter/x_tables.h; libiptc.c
and iptables-save.c of iptables 1.8.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from engine.model.firewall import Rule, RuleVerdict, VerdictKind
from engine.observe.base.memo import Memo
from engine.observe.firewall.fast.xt_forms import BEHIND, FORMS, STANDARD, UNTOLD, VERDICTS, text
from engine.observe.firewall.fast.xt_lines import UnknownExpression
from engine.observe.firewall.fast.xt_sockopt import Entries
from engine.observe.firewall.fast.xt_structs import TARGET_NAMES, quoted
from engine.observe.firewall.xt.save_text import SavedTable
from engine.records import dataclass

_HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
_JUMPS = {VerdictKind.JUMP: " -j ", VerdictKind.GOTO: " -g "}
#: Names that no chain should have: in iptables-save's words a jump there is the target.
_TAKEN = TARGET_NAMES.union(VERDICTS.values())

#: A rule as it is kept: `-A CHAIN`, packets and octets; its target, which is a chain's name, bytes, or None; its two
#: addresses, and what stands behind them; and the matches: of a comment the text, of others the bytes. Tuples of
#: nothing but texts, bytes and numbers cost the garbage collector nothing.
Line = tuple[str, int, int, str | bytes | None, bytes, bytes, tuple[str | bytes, ...]]
#: A chain: its name, where its policy should be (None: a user's), and where its first and its last entry are.
_Chain = tuple[str, int | None, int, int]

_length = struct.Struct("=H").unpack_from
#: What a match or a target begins with: its size, its name and revision, and a number, which may be a verdict.
_EXTENSION = "H30si"
_extension = struct.Struct(f"={_EXTENSION}").unpack_from
_COMMENT = struct.pack("=30s", b"comment")
_ERROR_SIZE = BEHIND + 32
_ERROR = struct.pack("=H30s", _ERROR_SIZE, b"ERROR")

_Found = TypeVar("_Found")


class _Layout(NamedTuple):
    """How an entry of a family begins: its size, and the place of the entry's length in that.

    `head` gives the two addresses, what stands behind them, where the target and the next entry are, packets and
    octets; and of the first match, or else the target, what `_extension` gives.
    """

    size: int
    length: int
    head: struct.Struct


_LAYOUTS = {
    "ip": _Layout(112, 90, struct.Struct(f"=8s76s4xHH4xQQ{_EXTENSION}")),
    "ip6": _Layout(168, 142, struct.Struct(f"=32s104s4xHH8xQQ{_EXTENSION}")),
}


def draft(table: Entries, family: str) -> SavedTable | None:
    """The table as lines; None where iptables-save has to be asked."""
    try:
        return _Reader(table, family).draft()
    except UNTOLD:
        return None


@dataclass(frozen=True, slots=True)
class Rules:
    """Makes rules of lines of a family."""

    family: str

    def __call__(self, lines: Sequence[Line]) -> tuple[Rule, ...]:
        """What the lines of a chain mean."""
        forms, written = FORMS[self.family], self.written
        addresses, matches, targets = forms.addresses, forms.matches, forms.targets
        made = []
        for index, line in enumerate(lines):
            _, packets, octets, target, hosts, shape, parts = line
            address, comment = addresses[shape], ""
            statements = address.meaning(hosts)
            for part in parts:
                if isinstance(part, str):
                    comment = comment or part
                else:
                    statements += matches[part]
            if isinstance(target, str):
                statements += (RuleVerdict(address.jump, target),)
            elif target is not None:
                statements += targets[target]
            made.append(Rule(index, statements, (written, line), None, packets, octets, comment))  # type: ignore[arg-type]
        return tuple(made)

    def written(self, line: Line) -> str:
        """The rule as iptables-save writes it."""
        start, _, _, target, hosts, shape, parts = line
        forms = FORMS[self.family]
        address = forms.addresses[shape]
        words = [start, address.words(hosts)]
        for part in parts:
            words.append(f" -m comment --comment {quoted(part)}" if isinstance(part, str) else forms.match_words[part])
        if isinstance(target, str):
            words.append(f"{_JUMPS[address.jump]}{target}")
        elif target is not None:
            words.append(forms.target_words[target])
        return "".join(words)


class _Reader:
    """One table, entry by entry."""

    def __init__(self, table: Entries, family: str) -> None:
        self._table, self._data, self._forms, self._layout = table, table.data, FORMS[family], _LAYOUTS[family]
        #: The chains of a user by where they begin.
        self._jumps: dict[int, str] = {}

    def draft(self) -> SavedTable:
        """The chains in their order, each with its rules."""
        made = SavedTable(self._table.name, make=Rules(self._forms.family))
        chains = self._chains()
        for _, policy, first, last in chains:
            if last < first or not (policy is None or policy == last):
                raise ValueError("a chain does not end with its policy")
        made.policies = {name: "-" if policy is None else self._policy(last) for name, policy, _, last in chains}
        if len(made.policies) != len(self._table.chains) + len(self._jumps):
            raise ValueError("a chain is missing")
        if not _TAKEN.isdisjoint(made.policies):
            raise UnknownExpression
        made.rules = self._rules(chains)
        return made

    def _chains(self) -> list[_Chain]:
        """Finds the chains in their order."""
        data, start, end = self._data, self._table.start, len(self._table.data)
        size, length_at, _ = self._layout
        error_size, name_at = size + _ERROR_SIZE, size + len(_ERROR)
        built_in = {start + begin: (_HOOKS[hook], start + end) for hook, begin, end in self._table.chains}
        found: list[_Chain] = []
        jumps = self._jumps
        name, policy, first, last, place = "", None, start, start, start
        while place < end:
            (length,) = _length(data, place + length_at)
            if length < size:
                raise ValueError("an entry leads nowhere")
            following = place + length
            if length == error_size and data[place + size : place + name_at] == _ERROR:
                found.append((name, policy, first, last))
                name, policy, first = text(data[place + name_at : place + name_at + 30]), None, following
                jumps[following - start] = name
            elif place in built_in:
                found.append((name, policy, first, last))
                (name, policy), first = built_in[place], place
            last, place = place, following
        if jumps.pop(end - start, None) is None:
            raise ValueError("the table has no end")
        return found[1:]  # the first one is what there is before any chain

    def _policy(self, place: int) -> str:
        """The verdict of an entry without matches."""
        *_, verdict = _extension(self._data, place + self._layout.size)
        return VERDICTS[verdict]

    def _rules(self, chains: Iterable[_Chain]) -> dict[str, list[Line]]:
        """The rules of each chain, once it is known where jumps lead."""
        data, begin, size, unpack = self._data, self._table.start, self._layout.size, self._layout.head.unpack_from
        shapes, matches = _known(self._forms.addresses), _known(self._forms.matches)
        targets, jumps = self._forms.targets, self._jumps
        rules: dict[str, list[Line]] = {}
        for chain, _, first, last in chains:
            start, lines, place = f"-A {chain}", rules.setdefault(chain, []), first
            while place < last:
                hosts, shape, target, following, packets, octets, length, name, verdict = unpack(data, place)
                at, target, place = place + size, place + target, place + following
                parts: list[str | bytes] = []
                while at < target:
                    behind = at + length
                    if name == _COMMENT and length > BEHIND:
                        parts.append(data[at + BEHIND : behind].partition(b"\0")[0].decode("utf-8", "replace"))
                    else:
                        parts.append(matches[data[at:behind]])
                    at = behind
                    length, name, verdict = _extension(data, at)
                if at != target or place <= target:
                    raise ValueError("an entry leads nowhere")
                to: str | bytes | None = None
                if name != STANDARD or verdict < 0:
                    to = data[target:place]
                    targets[to]
                elif verdict != place - begin:
                    to = jumps[verdict]
                lines.append((start, packets, octets, to, hosts, shapes[shape], tuple(parts)))
        return rules


def _known(found: Memo[bytes, _Found]) -> Memo[bytes, bytes]:
    """Bytes for which there is something: the same ones for all that are equal."""

    def same(raw: bytes) -> bytes:
        found[raw]
        return raw

    return Memo(same)
