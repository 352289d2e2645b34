"""The document of `nft -j list ruleset` as tables of the model. Pure.

The document is a flat list of objects; chains, sets and rules name their table. Tables that iptables-nft manages are
left to the parser of iptables-save (nft shows parts of their rules only as `xt`), all others are read here, also
those that merely have the names of iptables' tables. A rule's text is nft's own line where the caller has it, else
its conditions and statements in nft's words. `BaseChain.registered` is (table handle, chain handle) in one number:
the kernel counts tables in a namespace and chains in a table upwards, so within a table it is the order in which the
chains came to be; between tables it is the order of the tables, which is the chains' own unless a chain was added to
an older table later.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Element,
    MapElement,
    Name,
    NamedSet,
    Rule,
    Statement,
    Table,
    VerdictKind,
)
from engine.observe.firewall import ebt_parts
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.nft import maps, objects, values
from engine.observe.firewall.nft.as_text import Json, listed, words
from engine.observe.firewall.nft.statements import statement, unwritten
from engine.observe.firewall.nft.texts import Texts
from engine.records import dataclass, field

_HANDLE_BITS = 32


@dataclass(slots=True)
class TableDraft:
    """The objects of one table, as nft printed them; `lines` are ebtables' rules in its own words (`ebt_parts`)."""

    family: str
    name: str
    comment: str = ""
    handle: int = 0
    chains: dict[str, Json] = field(default_factory=dict)
    rules: dict[str, list[Json]] = field(default_factory=dict)
    sets: list[tuple[str, Json]] = field(default_factory=list)
    others: list[tuple[str, Json]] = field(default_factory=list)
    flags: frozenset[str] = frozenset()
    lines: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)


#: The objects of all tables by family and name, in nft's order.
Ruleset = dict[tuple[str, str], TableDraft]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A chain without its rules' contents: for each rule its handle and the kinds of its expressions."""

    base: BaseChain | None
    handle: int
    handles: tuple[int, ...]
    parts: tuple[frozenset[str], ...]


def load(text: str) -> Json:
    """The document of nft's JSON text. Raises `FirewallTextError`."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FirewallTextError(f"nft -j printed no JSON: {error}") from error


def parse_nft(document: Json, owned: Collection[tuple[str, str]] = (), texts: Texts | None = None) -> tuple[Table, ...]:
    """All tables but the `owned` ones (pairs of family and name). Raises `FirewallTextError`."""
    return tables(ruleset(document), owned, texts)


def tables(drafts: Ruleset, owned: Collection[tuple[str, str]] = (), texts: Texts | None = None) -> tuple[Table, ...]:
    """As `parse_nft`, of a document that is sorted by tables already."""
    return tuple(_table(draft, texts or {}) for key, draft in drafts.items() if key not in owned)


def skeleton(draft: TableDraft) -> dict[str, Skeleton]:
    """The bones of one table's chains by name. Raises `FirewallTextError`."""
    return {
        chain: Skeleton(
            _base(draft, item),
            _int(item, "handle"),
            tuple(_int(rule, "handle") for rule in draft.rules[chain]),
            tuple(_parts(rule) for rule in draft.rules[chain]),
        )
        for chain, item in draft.chains.items()
    }


def hides(draft: TableDraft) -> bool:
    """Whether a table of the family bridge has rules with parts that nft does not show."""
    return draft.family == "bridge" and any("xt" in _parts(rule) for rules in draft.rules.values() for rule in rules)


def table_sets(draft: TableDraft) -> tuple[NamedSet, ...]:
    """The named sets and maps of one table."""
    return tuple(_set(kind, item) for kind, item in draft.sets)


def _parts(rule: Json) -> frozenset[str]:
    """The kinds of a rule's expressions."""
    return frozenset(str(key) for each in listed(rule.get("expr")) if isinstance(each, dict) for key in each)


def ruleset(document: Json) -> Ruleset:
    """The objects of a document by the family and name of their tables. Raises `FirewallTextError`."""
    drafts: dict[tuple[str, str], TableDraft] = {}
    try:
        for item in document["nftables"]:
            ((kind, inner),) = item.items()
            if kind == "table":
                key = (str(inner["family"]), str(inner["name"]))
                flags = frozenset(str(flag) for flag in listed(inner.get("flags")))
                drafts[key] = TableDraft(*key, str(inner.get("comment", "")), _int(inner, "handle"), flags=flags)
            elif kind == "flowtable" or kind in objects.KINDS:
                drafts[str(inner["family"]), str(inner["table"])].others.append((kind, inner))
            elif kind in ("chain", "set", "map", "rule"):
                draft = drafts[str(inner["family"]), str(inner["table"])]
                if kind == "chain":
                    draft.chains[str(inner["name"])] = inner
                    draft.rules.setdefault(str(inner["name"]), [])
                elif kind == "rule":
                    draft.rules[str(inner["chain"])].append(inner)
                else:
                    draft.sets.append((kind, inner))
    except values.SHAPE_ERRORS as error:
        raise FirewallTextError(f"nft -j printed a document of another shape: {error!r}") from error
    return drafts


def _int(item: Json, key: str) -> int:
    value = item.get(key, 0)
    if not isinstance(value, int):
        raise FirewallTextError(f"{key} {value!r} is not a number")
    return value


def _table(draft: TableDraft, texts: Texts) -> Table:
    try:
        return Table(
            Backend.NFT,
            draft.family,
            draft.name,
            tuple(_chain(draft, name, texts) for name in draft.chains),
            table_sets(draft),
            draft.comment,
            draft.flags,
            tuple(objects.flowtable(item) for kind, item in draft.others if kind == "flowtable"),
            tuple(objects.firewall_object(kind, item) for kind, item in draft.others if kind != "flowtable"),
        )
    except values.SHAPE_ERRORS as error:
        raise FirewallTextError(f"nft table {draft.family} {draft.name}: {error!r}") from error


def _chain(draft: TableDraft, name: str, texts: Texts) -> Chain:
    item = draft.chains[name]
    lines = draft.lines.get((draft.name, name), ())
    rules = tuple(
        _rule(draft, index, rule, texts, lines[index] if index < len(lines) else "")
        for index, rule in enumerate(draft.rules[name])
    )
    return Chain(name, rules, _base(draft, item), _int(item, "handle"))


def _base(draft: TableDraft, item: Json) -> BaseChain | None:
    if "hook" not in item:
        return None
    return BaseChain(
        str(item.get("type", "filter")),
        str(item["hook"]),
        _int(item, "prio"),
        VerdictKind.DROP if item.get("policy") == "drop" else VerdictKind.ACCEPT,
        (draft.handle << _HANDLE_BITS) | _int(item, "handle"),
        tuple(str(device) for device in listed(item.get("dev"))),
    )


def _rule(draft: TableDraft, index: int, item: Json, texts: Texts, line: str = "") -> Rule:
    expressions = listed(item.get("expr"))
    handle = _int(item, "handle")
    line = line if any(isinstance(each, dict) and "xt" in each for each in expressions) else ""
    statements = tuple(built for each in expressions for built in _built(draft.family, each, line))
    counter = next((each["counter"] for each in expressions if isinstance(each, dict) and "counter" in each), None)
    counts = counter if isinstance(counter, dict) else {}
    text = line or texts.get((draft.family, draft.name, handle)) or _words(expressions)
    return Rule(
        index,
        statements,
        text,
        handle,
        _count(counts.get("packets")),
        _count(counts.get("bytes")),
        str(item.get("comment", "")),
    )


def _count(value: Json) -> int | None:
    return value if type(value) is int else None


def _built(family: str, item: Json, line: str) -> tuple[Statement, ...]:
    """The statements of one expression, behind what it asks for without a word. A damaged one asks for nothing."""
    if line and isinstance(item, dict) and isinstance(part := item.get("xt"), dict):
        found = ebt_parts.statements(str(part.get("type")), str(part.get("name")), line)
        if found is not None:
            return found
    try:
        guard = unwritten(family, item)
    except values.SHAPE_ERRORS:
        guard = None
    return (guard, *statement(item)) if guard else statement(item)


def _words(expressions: list[Json]) -> str:
    """A rule's text where nft's own is not at hand."""
    shown: list[str] = []
    for each in expressions:
        if isinstance(each, dict) and "counter" in each:
            shown.append("counter")
            continue
        built = statement(each)
        shown += [getattr(part, "text", "") or words(each) for part in built]
    return " ".join(shown)


def _set(kind: str, item: Json) -> NamedSet:
    """A named set or map.

    Elements that have no exact form stay as their text, under the type "opaque"; then, as for sets that rules fill
    at run time, `dynamic` says that a look-up cannot be decided from here.
    """
    types = _types(item["type"])
    names = [values.TYPE_FIELDS.get(each, each) for each in types]
    flags = listed(item.get("flags"))
    data = item.get("elem")
    elements: tuple[Element, ...] = ()
    entries: tuple[MapElement, ...] = ()
    try:
        if kind == "map":
            entries = maps.named_entries(names, _types(item["map"]), data)
        else:
            elements = tuple(values.element(names, each) for each in listed(data))
    except values.SHAPE_ERRORS:
        types, flags = ["opaque"], [*flags, "dynamic"]
        elements = tuple((Name(words(each)),) for each in listed(data))
    told = frozenset(str(flag) for flag in listed(item.get("flags")))
    return NamedSet(str(item["name"]), tuple(types), elements, entries, kind == "map", "dynamic" in flags, flags=told)


def _types(value: Json) -> list[str]:
    """The types of a key or a value; of a `typeof`, the names of its fields."""
    if isinstance(value, dict):
        return [found.name for found in values.fields(value["typeof"])]
    return [str(each) for each in listed(value)]
