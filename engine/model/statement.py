"""What one rule asks of a packet and does with it, in one vocabulary for every backend.

A rule is a sequence of statements in the order in which the kernel runs them: a `Match` lets the packet go on to the
next statement or leaves the rule, every other statement does something. What a match looks at is a `Field`, named as
nftables names it ("ip saddr", "tcp dport", "meta iifname", "ct state", "fib daddr type"); `-s`, `--dport`, `-i`,
`--ctstate` and `--dst-type` of iptables are the same fields. Something that has no name here yet keeps its text and a
field name of its own ("xt recent"), which the path model answers with "unknown", never with "yes".
"""

from __future__ import annotations

from enum import StrEnum

from engine.model.address import IPAddress
from engine.records import dataclass


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

    def __post_init__(self) -> None:
        parts = len(self.fields)
        for element in self.elements:
            if len(element) != parts:
                raise ValueError(f"an element of {len(element)} parts for {parts} fields")


class VerdictKind(StrEnum):
    """What ends or moves a packet's way through a chain."""

    ACCEPT = "accept"
    DROP = "drop"
    RETURN = "return"
    CONTINUE = "continue"
    JUMP = "jump"
    GOTO = "goto"


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """A verdict statement; `chain` is the target of a jump or goto."""

    kind: VerdictKind
    chain: str | None = None

    def __post_init__(self) -> None:
        if (self.chain is not None) != (self.kind in ("jump", "goto")):
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

    def __post_init__(self) -> None:
        if not 0 <= (self.port_low or 0) <= 65535 or not 0 <= (self.port_high or 0) <= 65535:
            raise ValueError(f"nothing is translated to ports {self.port_low} to {self.port_high}")


@dataclass(frozen=True, slots=True)
class MapElement:
    """One entry of a map: the value for packets whose fields are in `key`. An empty key is the wildcard `*`."""

    key: Element
    value: RuleVerdict | NatValue | int


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
class SetTtl:
    """Sets the time to live (IPv6: the hop limit) to `value`; with `relative` adds it, and stays within 0 to 255."""

    value: int
    relative: bool = False


@dataclass(frozen=True, slots=True)
class SetMss:
    """Makes the size of segments that a SYN announces no larger than `value`; None is what the path lets through."""

    value: int | None = None


@dataclass(frozen=True, slots=True)
class StripOptions:
    """Takes options out of TCP's header, by nftables' names. A `strict` one (nftables) leaves the rule where the packet
    has none of them."""

    names: frozenset[str]
    strict: bool = False


@dataclass(frozen=True, slots=True)
class SetTos:
    """Sets the byte of DSCP and ECN (IPv6: the traffic class) to `(tos & keep) ^ value`; None is a value that can't be
    known."""

    value: int | None
    keep: int = 0


@dataclass(frozen=True, slots=True)
class SetLabel:
    """Adds labels to the connection, by their bits. Without a connection a `strict` one (iptables) leaves the rule."""

    bits: int
    strict: bool = False


@dataclass(frozen=True, slots=True)
class NoTrack:
    """The packet gets no connection tracking and so no NAT."""


@dataclass(frozen=True, slots=True)
class SetZone:
    """The flow is tracked in a table of its own: for the direction of its first packet, of its replies, or both. A None
    `zone` is the packet's mark when it is tracked."""

    zone: int | None
    original: bool = True
    reply: bool = True


@dataclass(frozen=True, slots=True)
class Tproxy:
    """Hands the packet to a local socket at `address` (None: the packet's own) and `port` (None: the packet's own).

    Without such a socket a `strict` one (iptables) drops the packet, others leave the rule. It sets the packet's mark
    to `(mark & keep) ^ value`; a policy rule for that mark is meant to route the packet inwards.
    """

    address: IPAddress | None = None
    port: int | None = None
    keep: int = 0xFFFFFFFF
    value: int = 0
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Queue:
    """Hands the packet to a program that listens on a queue, one of `low` to `high`, and gives a verdict. Where nobody
    listens the packet is dropped, with `bypass` accepted."""

    low: int = 0
    high: int = 0
    bypass: bool = False


@dataclass(frozen=True, slots=True)
class SynProxy:
    """Answers a SYN of TCP in the server's name, and opens the connection to it when the client's third packet comes;
    both go no further."""


@dataclass(frozen=True, slots=True)
class Note:
    """A statement that never changes a packet's way: counter, log, comment, checksum."""

    text: str


@dataclass(frozen=True, slots=True)
class Opaque:
    """A statement whose effect is not modelled. The path model goes both ways on it and says so."""

    text: str


Statement = (
    Match
    | RuleVerdict
    | VerdictMap
    | Reject
    | Nat
    | SetMark
    | SetTtl
    | SetMss
    | StripOptions
    | SetTos
    | SetLabel
    | NoTrack
    | SetZone
    | Tproxy
    | Queue
    | SynProxy
    | Note
    | Opaque
)
