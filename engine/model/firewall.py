"""The firewall of a namespace: tables, chains and rules of every backend in one vocabulary.

iptables-legacy, iptables-nft and native nftables differ in syntax, not in what they ask of a packet. A rule here is a
sequence of statements in the order in which the kernel runs them: a `Match` lets the packet go on to the next
statement or leaves the rule, every other statement does something. What a match looks at is a `Field`, named as
nftables names it ("ip saddr", "meta iifname", "ct state"); `-s`, `-i` and `--ctstate` of iptables are the same fields.
What has no name here yet keeps its text and a field name of its own ("xt recent"): "unknown", never "yes".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.model.address import IPAddress
from engine.model.nft_object import FirewallObject, Flowtable


class Backend(StrEnum):
    """Who holds a table: native nftables, iptables over nftables, or the old xtables."""

    NFT = "nft"
    XT_NFT = "xt-nft"
    XT_LEGACY = "xt-legacy"


@dataclass(frozen=True, slots=True)
class Field:
    """What a match looks at. `mask` is applied to the value before it is compared."""

    name: str
    mask: int | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """An inclusive range of integers: a port, a mark, or an address as its integer value."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"interval {self.low}-{self.high} is empty")


@dataclass(frozen=True, slots=True)
class Name:
    """A symbolic value ("established", "local", "docker0"); a final `*` stands for any rest."""

    pattern: str


Atom = Interval | Name
#: One element of a set: an atom for each field of the match.
Element = tuple[Atom, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A condition. Holds when the fields' values are in `elements` (or in the named set `lookup`).

    Of several values at once (connection status bits), one in the set is enough. `negate` turns the answer around.
    `text` is the condition as its own tool writes it.
    """

    fields: tuple[Field, ...]
    elements: tuple[Element, ...] = ()
    lookup: str | None = None
    negate: bool = False
    text: str = ""


class VerdictKind(StrEnum):
    """What ends or moves a packet's way through a chain."""

    ACCEPT = "accept"
    DROP = "drop"
    RETURN = "return"
    CONTINUE = "continue"
    JUMP = "jump"
    GOTO = "goto"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict statement; `chain` is the target of a jump or goto."""

    kind: VerdictKind
    chain: str | None = None

    def __post_init__(self) -> None:
        if (self.chain is not None) != (self.kind in (VerdictKind.JUMP, VerdictKind.GOTO)):
            raise ValueError(f"verdict {self.kind} and chain {self.chain} do not go together")

    def __str__(self) -> str:
        return f"{self.kind} {self.chain}" if self.chain else str(self.kind)


@dataclass(frozen=True, slots=True)
class NatValue:
    """Where a translation leads: an address range, a port range, or either alone. Ends are inclusive."""

    low: IPAddress | None = None
    high: IPAddress | None = None
    port_low: int | None = None
    port_high: int | None = None


@dataclass(frozen=True, slots=True)
class MapElement:
    """One entry of a map: the value for packets whose fields are in `key`. An empty key is the wildcard `*`."""

    key: Element
    value: Verdict | NatValue | int


@dataclass(frozen=True, slots=True)
class VerdictMap:
    """`vmap`: looks the fields up in `elements` (or in the named map `lookup`) and runs the verdict."""

    fields: tuple[Field, ...]
    elements: tuple[MapElement, ...] = ()
    lookup: str | None = None
    text: str = ""


class RejectKind(StrEnum):
    """What REJECT sends back. The names are nftables' (icmpx names stand for both families)."""

    TCP_RESET = "tcp-reset"
    PORT_UNREACHABLE = "port-unreachable"
    HOST_UNREACHABLE = "host-unreachable"
    NET_UNREACHABLE = "net-unreachable"
    PROTO_UNREACHABLE = "proto-unreachable"
    NET_PROHIBITED = "net-prohibited"
    HOST_PROHIBITED = "host-prohibited"
    ADMIN_PROHIBITED = "admin-prohibited"


@dataclass(frozen=True, slots=True)
class Reject:
    """Drops the packet and answers its sender."""

    kind: RejectKind


class NatKind(StrEnum):
    """The translations."""

    DNAT = "dnat"
    SNAT = "snat"
    MASQUERADE = "masquerade"
    REDIRECT = "redirect"
    NETMAP = "netmap"


@dataclass(frozen=True, slots=True)
class Nat:
    """A translation, final for its hook. With `fields`, the value comes from a map by these fields."""

    kind: NatKind
    value: NatValue = NatValue()
    fields: tuple[Field, ...] = ()
    elements: tuple[MapElement, ...] = ()
    lookup: str | None = None
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SetMark:
    """Sets `target` ("mark", "ct mark") to `(target & keep) ^ (source & mask)`.

    `source` is "value" (the constant `value`, already masked), "mark" or "ct mark". MARK --set-xmark V/M is keep=~M,
    value=V; CONNMARK --restore-mark copies "ct mark". With `fields`, the value comes from a map, not from `value`.
    """

    target: str
    keep: int = 0
    source: str = "value"
    value: int = 0
    mask: int = 0xFFFFFFFF
    fields: tuple[Field, ...] = ()
    elements: tuple[MapElement, ...] = ()
    lookup: str | None = None


@dataclass(frozen=True, slots=True)
class NoTrack:
    """The packet gets no connection tracking and so no NAT."""


@dataclass(frozen=True, slots=True)
class Note:
    """A statement that never changes a packet's way: counter, log, comment, checksum, MSS clamp."""

    text: str


@dataclass(frozen=True, slots=True)
class Opaque:
    """A statement whose effect is not modelled. The path model goes both ways on it and says so."""

    text: str


Statement = Match | Verdict | VerdictMap | Reject | Nat | SetMark | NoTrack | Note | Opaque


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `index` counts from 0 in its chain; `handle` is nftables'; `text` is its tool's own line."""

    index: int
    statements: tuple[Statement, ...]
    text: str
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
    """A chain; `base` is None for chains that are only jumped to."""

    name: str
    rules: tuple[Rule, ...] = ()
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


@dataclass(frozen=True, slots=True)
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
        return next((chain for chain in self.chains if chain.name == name), None)


@dataclass(frozen=True, slots=True)
class Firewall:
    """All tables of a namespace, and its ipsets."""

    tables: tuple[Table, ...] = ()
    ipsets: tuple[NamedSet, ...] = ()

    def table(self, backend: Backend, family: str, name: str) -> Table | None:
        """The table of that backend, family and name, if there is one."""
        wanted = (backend, family, name)
        return next((each for each in self.tables if (each.backend, each.family, each.name) == wanted), None)
