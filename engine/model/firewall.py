"""The firewall of a namespace: tables, chains and rules of every backend in one vocabulary.

iptables-legacy, iptables-nft and native nftables differ in syntax, not in what they ask of a packet: the statements
of their rules are those of `engine.model.statement`, which this module offers beside its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cached_property

from engine.model.ipsec import Ipsec
from engine.model.nft_object import FirewallObject, Flowtable
from engine.model.statement import (
    Atom,
    Element,
    Field,
    Interval,
    MapElement,
    Match,
    Name,
    Nat,
    NatKind,
    NatValue,
    Note,
    NoTrack,
    Opaque,
    Queue,
    Reject,
    RejectKind,
    RuleVerdict,
    SetLabel,
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
from engine.records import LATE, dataclass, field

__all__ = [
    "Atom",
    "Backend",
    "BaseChain",
    "Chain",
    "Element",
    "Field",
    "Firewall",
    "Interval",
    "MapElement",
    "Match",
    "Name",
    "NamedSet",
    "Nat",
    "NatKind",
    "NatValue",
    "NoTrack",
    "Note",
    "Opaque",
    "Queue",
    "Reject",
    "RejectKind",
    "Rule",
    "RuleVerdict",
    "SetLabel",
    "SetMark",
    "SetMss",
    "SetTos",
    "SetTtl",
    "SetZone",
    "Statement",
    "StripOptions",
    "SynProxy",
    "Table",
    "Tproxy",
    "VerdictKind",
    "VerdictMap",
]


class Backend(StrEnum):
    """Who holds a table: native nftables, iptables over nftables, or the old xtables."""

    NFT = "nft"
    XT_NFT = "xt-nft"
    XT_LEGACY = "xt-legacy"


#: Which program of iptables speaks for a family, and how it is called for a backend.
XT_PROGRAMS: Mapping[str, str] = {"ip": "iptables", "ip6": "ip6tables", "bridge": "ebtables", "arp": "arptables"}
XT_SUFFIX: Mapping[Backend, str] = {Backend.XT_NFT: "nft", Backend.XT_LEGACY: "legacy"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `index` counts from 0 in its chain; `handle` is nftables'; `text` is its tool's own line, `LATE`."""

    index: int
    statements: tuple[Statement, ...]
    text: str = field(metadata=LATE)
    handle: int | None = None
    packets: int | None = None
    bytes: int | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class BaseChain:
    """Where a base chain is hooked in.

    `kind` is "filter", "nat" or "route"; `hook` is prerouting, input, forward, output, postrouting, ingress or egress.
    `registered` orders chains of equal priority (the larger came later, and runs first); None where it is not known.
    """

    kind: str
    hook: str
    priority: int
    policy: VerdictKind = VerdictKind.ACCEPT
    registered: int | None = None
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain; `base` is None for chains that are only jumped to. `rules` is a tuple, or one made `Later`."""

    name: str
    rules: Sequence[Rule] = ()
    base: BaseChain | None = None
    handle: int | None = None


@dataclass(frozen=True, slots=True)
class NamedSet:
    """A named set, map or verdict map of a table, or an ipset (then `table` rules do not matter).

    `fields` is the type of each part of a key ("ipv4_addr", "inet_service"). `kind` is an ipset's type ("hash:ip"),
    `members` the sets in a list:set. `flags` has nft's words, and an ipset's `timeout` and `nomatch` where it has such.
    """

    name: str
    fields: tuple[str, ...] = ()
    elements: tuple[Element, ...] = ()
    entries: tuple[MapElement, ...] = ()
    is_map: bool = False
    dynamic: bool = False
    kind: str = ""
    members: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Table:
    """A table of one backend. `family` is nftables': ip, ip6, inet, bridge, arp, netdev.

    `flags` has nft's words: the chains of a `dormant` table are not hooked in, and see no packet.
    """

    backend: Backend
    family: str
    name: str
    chains: tuple[Chain, ...] = ()
    sets: tuple[NamedSet, ...] = ()
    comment: str = ""
    flags: frozenset[str] = frozenset()
    flowtables: tuple[Flowtable, ...] = ()
    objects: tuple[FirewallObject, ...] = ()

    def chain(self, name: str) -> Chain | None:
        """The chain of that name, if there is one."""
        return self.chains_by_name.get(name)

    @cached_property
    def chains_by_name(self) -> Mapping[str, Chain]:
        """Chains by name."""
        return {chain.name: chain for chain in self.chains}

    @cached_property
    def sets_by_name(self) -> Mapping[str, NamedSet]:
        """Sets and maps by name."""
        return {named.name: named for named in self.sets}


@dataclass(frozen=True)
class Firewall:
    """All tables of a namespace, its ipsets, and its IPsec policies. `queues` are those that a program listens on, by
    number. None, of either, is what is not known."""

    tables: tuple[Table, ...] = ()
    ipsets: tuple[NamedSet, ...] = ()
    queues: tuple[int, ...] | None = None
    ipsec: Ipsec | None = None

    @cached_property
    def ipsets_by_name(self) -> Mapping[str, NamedSet]:
        """ipsets by name."""
        return {named.name: named for named in self.ipsets}

    def understand(self) -> None:
        """Makes all rules that would else be made when somebody looks at them."""
        for table in self.tables:
            for chain in table.chains:
                iter(chain.rules)  # to begin with them makes them

    def table(self, backend: Backend, family: str, name: str) -> Table | None:
        """The table of that backend, family and name, if there is one."""
        wanted = (backend, family, name)
        return next((each for each in self.tables if (each.backend, each.family, each.name) == wanted), None)
