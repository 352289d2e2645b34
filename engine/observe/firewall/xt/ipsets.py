"""ipsets: the text of `ipset save` as named sets, and what a rule's `--match-set NAME src,dst` looks at.

A `NamedSet` of an ipset has one entry in `fields` for each part of an element: "ip", "net", "mac", "iface", "mark",
"proto", "port". A port of a hash type stands for protocol and port, so it is two parts ("tcp:80"); a bitmap:port is
one. A list:set holds the elements of its members. `nomatch` exceptions of a one-part set are cut out of its intervals,
and so are more specific networks where devices stand beside them. A set that has no exact form (exceptions in several
parts, bridge ports, ICMP elements, unlike members) has the single part "opaque" and its elements as text: rules that
use it are answered "unknown".
Source: ipset(8), and net/netfilter/ipset in the kernel.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

from engine.model.firewall import Atom, Element, Field, Interval, Name, NamedSet
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.symbols import PROTOCOLS
from engine.observe.firewall.values import address_range, mac, merged, network, number, number_range, without
from engine.observe.firewall.xt.words import Quoted, split
from engine.records import dataclass, field, replace

OPAQUE = "opaque"
#: Words behind an element that say how it counts: an exception, or one that goes by itself.
_ELEMENT_WORDS = frozenset(("nomatch", "timeout"))
_ANY = Interval(0, (1 << 32) - 1)


@dataclass(slots=True)
class _Draft:
    """A set while its lines are read."""

    name: str
    kind: str
    parts: tuple[str, ...]
    options: dict[str, str]
    lines: list[list[str]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)


def parse_ipset_save(text: str) -> tuple[NamedSet, ...]:
    """All sets of `ipset save`. Raises `FirewallTextError` for a line that is neither `create` nor `add`."""
    drafts: dict[str, _Draft] = {}
    for line in text.splitlines():
        words = split(line)
        if not words:
            continue
        if words[0] == "create" and len(words) >= 3:
            kind, _, parts = words[2].partition(":")
            names = tuple(parts.split(",")) if kind != "list" else ("set",)
            if kind != "bitmap" or names != ("port",):
                names = tuple(part for name in names for part in (("proto", "port") if name == "port" else (name,)))
            drafts[words[1]] = _Draft(words[1], str(words[2]), names, dict(pairwise(words[3:])))
        elif words[0] == "add" and len(words) >= 3 and words[1] in drafts:
            drafts[words[1]].lines.append(words[2:])
            drafts[words[1]].text.append(words[2])
        else:
            raise FirewallTextError(f"ipset save: cannot read {line!r}")
    plain = {name: _named(draft) for name, draft in drafts.items() if draft.parts != ("set",)}
    return tuple(
        _described(draft, plain[name] if name in plain else _list(draft, plain)) for name, draft in drafts.items()
    )


def _described(draft: _Draft, named: NamedSet) -> NamedSet:
    """The set with its type, the members of a list, and the words that some of its elements carry."""
    words = {word for line in draft.lines if len(line) > 1 for word in _flags(line)} & _ELEMENT_WORDS
    members = tuple(draft.text) if draft.parts == ("set",) else ()
    return replace(named, kind=draft.kind, members=members, flags=frozenset(map(str, words)))


def fields(family: str, named: NamedSet | None, directions: Sequence[str]) -> tuple[Field, ...] | None:
    """What a rule of `family` compares with the set; None where that has no exact form."""
    if named is None or named.fields == (OPAQUE,) or not set(directions) <= {"src", "dst"}:
        return None
    found: list[Field] = []
    place = 0
    for part in named.fields:
        if place >= len(directions):
            return None
        source = directions[place] == "src"
        found.append(Field(_FIELDS[part][0 if source else 1].format(family=family)))
        place += part != "proto"
    return tuple(found)


#: The field of a part, for the directions src and dst.
_FIELDS: dict[str, tuple[str, str]] = {
    "ip": ("{family} saddr", "{family} daddr"),
    "net": ("{family} saddr", "{family} daddr"),
    "proto": ("meta l4proto", "meta l4proto"),
    "port": ("th sport", "th dport"),
    "mac": ("ether saddr", "ether daddr"),
    "iface": ("meta iifname", "meta oifname"),
    "mark": ("meta mark", "meta mark"),
}


def _opaque(name: str, words: Iterable[str]) -> NamedSet:
    return NamedSet(name, (OPAQUE,), tuple((Name(str(word)),) for word in words))


def _named(draft: _Draft) -> NamedSet:
    """The set with exact elements, or an opaque one."""
    exceptions = [line for line in draft.lines if "nomatch" in _flags(line)]
    if not set(draft.parts) <= _FIELDS.keys() or "bitmask" in draft.options or "markmask" in draft.options:
        return _opaque(draft.name, draft.text)
    if exceptions:
        cut = _cut(draft) if draft.parts == ("net",) else None
        return NamedSet(draft.name, draft.parts, cut) if cut else _opaque(draft.name, draft.text)
    elements: list[Element] = []
    for line in draft.lines:
        element = _element(draft, line)
        if element is None:
            return _opaque(draft.name, draft.text)
        elements.append(element)
    if draft.parts == ("net", "iface"):
        elements = _most_specific(elements)
    return NamedSet(draft.name, draft.parts, tuple(elements))


def _most_specific(elements: Iterable[Element]) -> list[Element]:
    """Networks with devices: the most specific network of an address decides, whichever devices it has beside it
    (mtype_test_cidrs in ip_set_hash_gen.h goes no further once `multi` is counted)."""
    found = [(each[0], each[1:]) for each in elements if isinstance(each[0], Interval)]
    wide_first = sorted({part for part, _ in found}, key=lambda part: (part.low, -part.high))
    lows = [part.low for part in wide_first]
    left: dict[Interval, tuple[Interval, ...]] = {}
    for place, part in enumerate(wide_first, 1):
        left[part] = (part,)
        for inner in wide_first[place : bisect_right(lows, part.high)]:
            left[part] = without(left[part], inner)
    return [(rest, *devices) for part, devices in found for rest in left[part]]


def _flags(line: list[str]) -> list[str]:
    """The words behind an element that are no text of its owner's (comments may be any word)."""
    return [word for before, word in pairwise(line) if before != "comment" or isinstance(word, Quoted)]


def _cut(draft: _Draft) -> tuple[Element, ...] | None:
    """Networks and exceptions: the most specific entry decides, so the wide ones are laid down first."""
    entries = [(_interval(draft, line[0]), "nomatch" in _flags(line)) for line in draft.lines]
    kept: tuple[Interval, ...] = ()
    for value, exception in sorted(entries, key=lambda entry: entry[0].low - entry[0].high):
        kept = without(kept, value) if exception else merged([*kept, value])
    return tuple((value,) for value in kept) or None


def _interval(draft: _Draft, word: str) -> Interval:
    """An address part; a set with a netmask holds networks that are written as addresses."""
    if "-" in word:
        return address_range(word)
    if "netmask" in draft.options and "/" not in word:
        word = f"{word}/{draft.options['netmask']}"
    return network("ip", word)[1]


def _element(draft: _Draft, line: list[str]) -> Element | None:
    words = line[0].split(",")
    atoms: list[Atom] = []
    parts = iter(draft.parts)
    for word in words:
        part = next(parts, "")
        if part == "proto":
            protocol, colon, port = word.rpartition(":")
            next(parts)
            if (colon and protocol not in PROTOCOLS) or "icmp" in protocol:
                return None
            value = PROTOCOLS[protocol] if colon else PROTOCOLS["tcp"]
            atoms += [Interval(value, value), number_range(port, "-")]
        elif part == "port":
            atoms.append(number_range(word, "-"))
        elif part == "mac":
            atoms.append(Interval(mac(word), mac(word)))
        elif part == "mark":
            atoms.append(Interval(number(word), number(word)))
        elif part == "iface":
            if word.startswith("physdev:"):
                return None
            atoms.append(Name(word + "*" if "wildcard" in _flags(line) else word))
        elif part in ("ip", "net"):
            atoms.append(_interval(draft, word))
        else:
            raise FirewallTextError(f"ipset {draft.name}: element {line[0]!r} has more parts than its type")
    if len(atoms) == len(draft.parts) - 1 and draft.parts[-1] == "mac":
        atoms.append(Interval(0, (1 << 48) - 1))  # bitmap:ip,mac learns a missing address: any will do
    return tuple(atoms) if len(atoms) == len(draft.parts) else None


def _list(draft: _Draft, plain: dict[str, NamedSet]) -> NamedSet:
    """The members' elements together, where they look at the same parts."""
    members = [plain.get(line[0]) for line in draft.lines]
    shapes = {_shape(member) for member in members if member is not None}
    known = [member for member in members if member is not None]
    if len(known) != len(members) or len(shapes) > 1 or shapes == {(OPAQUE,)}:
        return _opaque(draft.name, draft.text)
    elements = tuple(element for member in known for element in member.elements)
    return NamedSet(draft.name, known[0].fields if known else ("ip",), elements)


def _shape(named: NamedSet) -> tuple[str, ...]:
    """The parts of a set where a network counts as an address: they are compared in the same way."""
    return tuple("ip" if part == "net" else part for part in named.fields)
