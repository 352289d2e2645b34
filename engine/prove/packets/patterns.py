"""What one conversation's packets look like: tests on their bytes, which trace rules and captures share. Pure.

A `Pattern` is a family and tests that must all hold. A conversation has few: the client's port with its address in
either direction, a relay's own connection by its two ends, and errors that quote one of these. Rules and captures so
meet this one flow and no other traffic of the host.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from engine.model.address import IPAddress
from engine.model.packet import ECHO, PROTOCOL_NUMBERS, Protocol
from engine.records import dataclass


class Base(StrEnum):
    """Where an offset counts from."""

    NETWORK = "network"
    TRANSPORT = "transport"


@dataclass(frozen=True, slots=True)
class Test:
    """Bytes at an offset that must equal `value`."""

    base: Base
    offset: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Pattern:
    """Tests that all hold for a packet of `family` (nft's name: ip or ip6). Without tests: every packet."""

    family: str
    tests: tuple[Test, ...] = ()


@dataclass(frozen=True, slots=True)
class Flow:
    """One direction of a flow, as far as it is known; None is any."""

    protocol: Protocol
    src: IPAddress | None = None
    dst: IPAddress | None = None
    sport: int | None = None
    dport: int | None = None

    @property
    def family(self) -> str:
        """nft's name of the IP version. Raises ValueError for a flow without any address."""
        address = self.src or self.dst
        if address is None:
            raise ValueError("a flow needs an address")
        return "ip" if address.version == 4 else "ip6"

    @property
    def back(self) -> Flow:
        """The other direction."""
        return Flow(self.protocol, self.dst, self.src, self.dport, self.sport)


#: By family: offsets of protocol, source and destination in the IP header, and its length without options.
_LAYOUT = {"ip": (9, 12, 16, 20), "ip6": (6, 8, 24, 40)}
_ICMP_ERRORS = {"ip": (Protocol.ICMP, (3, 11)), "ip6": (Protocol.ICMPV6, (1, 3))}
_ICMP_HEADER, _IDENT = 8, 4


def everything(family: str) -> Pattern:
    """Every packet of a family."""
    return Pattern(family)


def patterns(flows: Iterable[Flow]) -> tuple[Pattern, ...]:
    """The packets of the flows, in both directions, and the errors that quote them; each pattern once."""
    return tuple(dict.fromkeys(pattern for flow in flows for way in (flow, flow.back) for pattern in _looks(way)))


def _looks(flow: Flow) -> Iterator[Pattern]:
    protocol = Test(Base.NETWORK, _LAYOUT[flow.family][0], bytes([PROTOCOL_NUMBERS[flow.protocol]]))
    yield Pattern(flow.family, (protocol, *_ends(flow)))
    yield from _errors(flow)


def echo_patterns(
    protocol: Protocol, ident: int, target: IPAddress, clients: Iterable[IPAddress]
) -> tuple[Pattern, ...]:
    """An echo and its reply by identifier (RFC 792), each with one end that is the target or the client; and errors."""
    family = "ip" if target.version == 4 else "ip6"
    at, source, destination, length = _LAYOUT[family]
    request, reply = ECHO[protocol]
    head = Test(Base.NETWORK, at, bytes([PROTOCOL_NUMBERS[protocol]]))
    known = Test(Base.TRANSPORT, _IDENT, ident.to_bytes(2, "big"))
    found = []
    for kind, near, far in ((request, source, destination), (reply, destination, source)):
        ends = [(far, target), *((near, client) for client in clients)]
        kinds = Test(Base.TRANSPORT, 0, bytes([kind]))
        found += [Pattern(family, (head, Test(Base.NETWORK, end, one.packed), kinds, known)) for end, one in ends]
    quoted = Test(Base.TRANSPORT, _ICMP_HEADER + length + _IDENT, ident.to_bytes(2, "big"))
    for kind in _ICMP_ERRORS[family][1]:
        inner = Test(Base.TRANSPORT, _ICMP_HEADER + at, bytes([PROTOCOL_NUMBERS[protocol]]))
        found.append(Pattern(family, (head, Test(Base.TRANSPORT, 0, bytes([kind])), inner, quoted)))
    return tuple(dict.fromkeys(found))


def _ends(flow: Flow, base: Base = Base.NETWORK, start: int = 0) -> Iterator[Test]:
    """Addresses and ports of a packet whose IP header is at `start` (after it come its ports)."""
    _, source, destination, length = _LAYOUT[flow.family]
    for offset, address in ((source, flow.src), (destination, flow.dst)):
        if address is not None:
            yield Test(base, start + offset, address.packed)
    ports, ports_at = (Base.TRANSPORT, 0) if base is Base.NETWORK else (base, start + length)
    for offset, port in ((0, flow.sport), (2, flow.dport)):
        if port is not None:
            yield Test(ports, ports_at + offset, port.to_bytes(2, "big"))


def _errors(flow: Flow) -> Iterator[Pattern]:
    """Unreachable and time exceeded, about a packet of the flow."""
    protocol, kinds = _ICMP_ERRORS[flow.family]
    at = _LAYOUT[flow.family][0]
    for kind in kinds:
        head = (
            Test(Base.NETWORK, at, bytes([PROTOCOL_NUMBERS[protocol]])),
            Test(Base.TRANSPORT, 0, bytes([kind])),
            Test(Base.TRANSPORT, _ICMP_HEADER + at, bytes([PROTOCOL_NUMBERS[flow.protocol]])),
        )
        yield Pattern(flow.family, (*head, *_ends(flow, Base.TRANSPORT, _ICMP_HEADER)))
