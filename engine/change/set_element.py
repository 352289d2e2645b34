"""Elements of sets, of nftables and of ipset. Sources: nft(8), ipset(8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, summarize_address_range

from engine.model.firewall import Atom, Backend, Element, Interval, NamedSet, Table
from engine.model.host import Snapshot
from engine.model.packet import PROTOCOL_NUMBERS
from engine.model.plan import Change, StaleChange
from engine.model.where import Argv, Argvs, Where
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class DeleteElement(Change):
    """Removes an element from a named set of a table of nftables, or from an ipset where `table` is empty.

    `words` is the element as its tool writes it ("10.0.0.0/8", "10.0.0.1 . 80", "10.0.0.1,tcp:80").
    """

    netns: str
    family: str
    table: str
    name: str
    element: Element
    words: str

    def argv(self, where: Where) -> Argvs:
        """`nft delete element`, `ipset del`."""
        return _command(where, self, "delete", "del")

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The element leaves its set, and the lists of sets that the set is a member of."""
        return _edited(snapshot, self, self._without)

    def _without(self, named: NamedSet) -> NamedSet:
        if self.element not in named.elements:
            raise StaleChange(f"{named.name} has no element {self.words}")
        at = named.elements.index(self.element)
        return replace(named, elements=(*named.elements[:at], *named.elements[at + 1 :]))

    def inverse(self, before: Snapshot | None = None) -> Change | None:  # noqa: ARG002
        """Adds it again: permanently, as what was left of its time to live is not known."""
        return AddElement(self.netns, self.family, self.table, self.name, self.element, self.words)


@dataclass(frozen=True, slots=True)
class AddElement(Change):
    """Adds an element to a named set, as `DeleteElement` names it."""

    netns: str
    family: str
    table: str
    name: str
    element: Element
    words: str

    def argv(self, where: Where) -> Argvs:
        """`nft add element`, `ipset add`."""
        return _command(where, self, "add", "add")

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The set has it as well."""
        return _edited(snapshot, self, lambda named: replace(named, elements=(*named.elements, self.element)))

    def inverse(self, before: Snapshot | None = None) -> Change | None:  # noqa: ARG002
        """Removes it."""
        return DeleteElement(self.netns, self.family, self.table, self.name, self.element, self.words)


def _edited(snapshot: Snapshot, change: AddElement | DeleteElement, edit: Callable[[NamedSet], NamedSet]) -> Snapshot:
    """The snapshot with the set of a change edited, and the ipsets that list it."""
    netns = snapshot.by_id[change.netns]
    firewall = netns.firewall

    def in_table(table: Table) -> Table:
        if (table.backend, table.family, table.name) != (Backend.NFT, change.family, change.table):
            return table
        return replace(table, sets=tuple(edit(each) if each.name == change.name else each for each in table.sets))

    if change.table:
        firewall = replace(firewall, tables=tuple(in_table(table) for table in firewall.tables))
    else:
        holding = (edit(each) if change.name in (each.name, *each.members) else each for each in firewall.ipsets)
        firewall = replace(firewall, ipsets=tuple(holding))
    return snapshot.with_netns(replace(netns, firewall=firewall))


def _command(where: Where, change: AddElement | DeleteElement, nft: str, ipset: str) -> Argvs:
    words: Argv = ("ipset", ipset, change.name, change.words)
    if change.table:
        words = ("nft", nft, "element", change.family, change.table, change.name, f"{{ {change.words} }}")
    return ((*where.enter(change.netns), *words),)


_PROTOCOLS = {number: str(protocol) for protocol, number in PROTOCOL_NUMBERS.items()}


def nft_words(named: NamedSet, element: tuple[Atom, ...]) -> str | None:
    """The element of a set of nftables; None where a part has a type that is not written here."""
    parts = [_part(kind, atom) for kind, atom in zip(named.fields, element, strict=True)]
    return None if None in parts else " . ".join(part or "" for part in parts)


def ipset_words(named: NamedSet, element: tuple[Atom, ...], version: int) -> str | None:
    """The element of an ipset of an IP version; None for one of parts that are not written here, or for a set with
    exceptions, whose elements are stored in another form."""
    if "nomatch" in named.flags:
        return None
    address = f"ipv{version}_addr"
    kinds = [address if kind in ("ip", "net") else kind for kind in named.fields]
    parts = [_part(kind, atom) for kind, atom in zip(kinds, element, strict=True)]
    if None in parts:
        return None
    ends = [":" if kind == "proto" else "," for kind in kinds]
    return "".join(f"{part}{end}" for part, end in zip(parts, ends, strict=True))[:-1]


def _part(kind: str, atom: Atom) -> str | None:
    write = WRITTEN.get(kind)
    return write(atom.low, atom.high) if write is not None and isinstance(atom, Interval) else None


def _addresses(of: type[IPv4Address] | type[IPv6Address]) -> Callable[[int, int], str]:
    def write(low: int, high: int) -> str:
        first, last = of(low), of(high)
        networks = list(summarize_address_range(first, last))
        return str(first) if low == high else str(networks[0]) if len(networks) == 1 else f"{first}-{last}"

    return write


def _numbers(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def _protocol(low: int, high: int) -> str | None:
    return _PROTOCOLS.get(low, str(low)) if low == high else None


WRITTEN: Mapping[str, Callable[[int, int], str | None]] = {
    "ipv4_addr": _addresses(IPv4Address),
    "ipv6_addr": _addresses(IPv6Address),
    "inet_service": _numbers,
    "inet_proto": _protocol,
    "port": _numbers,
    "proto": _protocol,
}
