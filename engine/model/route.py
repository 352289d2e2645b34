"""Routes and routing policy rules, as the kernel's FIB holds them."""

from __future__ import annotations

from engine.model.address import Family, IPAddress, IPNetwork
from engine.records import dataclass

#: Route tables that have a name of their own (ip-route(8)).
TABLE_NAMES: dict[int, str] = {253: "default", 254: "main", 255: "local"}


def table_name(number: int) -> str:
    """`main`, `local` and `default` by name, any other table by number."""
    return TABLE_NAMES.get(number, str(number))


@dataclass(frozen=True, slots=True)
class NextHop:
    """One way out: a device, and a gateway unless the destination is on the device's own link.

    `encap` names the lightweight tunnel that wraps the packet (mpls, ip, ip6, seg6, bpf, …), "" for none.
    `realm` has two (ip-route(8)), that of the source in its upper 16 bits; 0 is none.
    """

    link: int | None = None
    gateway: IPAddress | None = None
    weight: int = 1
    flags: frozenset[str] = frozenset()
    encap: str = ""
    realm: int = 0


@dataclass(frozen=True, slots=True)
class NextHopObject:
    """A nexthop object (ip-nexthop(8)): one way out, a group of (number, weight), or a `blackhole`.

    `fdb` objects are remotes for forwarding entries of a vxlan and never part of a route.
    """

    number: int
    hop: NextHop | None = None
    group: tuple[tuple[int, int], ...] = ()
    blackhole: bool = False
    fdb: bool = False


@dataclass(frozen=True, slots=True)
class RouteException:
    """What the kernel learned about one destination (ip-route(8), `ip route show cache`): it overrides the route.

    `mtu` is a path MTU, with `locked` when it may not be undercut by fragmenting; `gateway` comes from a redirect.
    The seconds until it is forgotten are not kept.
    """

    destination: IPAddress
    source: IPAddress | None = None
    link: int | None = None
    gateway: IPAddress | None = None
    mtu: int | None = None
    locked: bool = False
    table: int = 254
    text: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `kind` is a type of ip-route(8): unicast, local, broadcast, unreachable, …

    `metric` is the priority, where smaller wins. `preferred_source` is `src`. An empty `nexthops` goes
    with the types that have none (unreachable, blackhole, prohibit, throw). A `locked` MTU is not lowered by what
    routers report. `source` restricts an IPv6 route to packets from there. `preference` (low, medium, high) is a
    router's own (RFC 4191). `nexthop` is the number of the nexthop object that the ways out come from. `advmss` is the
    size of segments that TCP announces to the destination.
    """

    destination: IPNetwork
    table: int = 254
    kind: str = "unicast"
    metric: int = 0
    tos: int = 0
    scope: str = "global"
    protocol: str = ""
    preferred_source: IPAddress | None = None
    nexthops: tuple[NextHop, ...] = ()
    mtu: int | None = None
    text: str = ""
    locked: bool = False
    source: IPNetwork | None = None
    preference: str = "medium"
    nexthop: int | None = None
    advmss: int | None = None

    def __post_init__(self) -> None:
        if self.preferred_source is not None and self.preferred_source.version != self.destination.version:
            raise ValueError(f"a route to {self.destination} cannot give the source {self.preferred_source}")

    @property
    def family(self) -> Family:
        """The IP version that the route is for."""
        return Family.INET if self.destination.version == 4 else Family.INET6


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One entry of the routing policy database (ip-rule(8)).

    `action` is "table" (look up `table`), "goto", "nop", "unreachable", "blackhole" or "prohibit".
    A None selector matches everything. Port ranges are inclusive. `suppress_prefixlength` throws away
    a result with a prefix of that length or shorter. `unmodelled` has further selectors by the words of
    `ip rule`; a rule that has one may or may not match. `realm` is given to packets, as a next hop's is.
    """

    family: Family
    priority: int
    action: str = "table"
    table: int = 254
    source: IPNetwork | None = None
    destination: IPNetwork | None = None
    iif: str | None = None
    oif: str | None = None
    fwmark: int | None = None
    fwmask: int = 0xFFFFFFFF
    tos: int = 0
    ip_protocol: int | None = None
    sport: tuple[int, int] | None = None
    dport: tuple[int, int] | None = None
    uid_range: tuple[int, int] | None = None
    suppress_prefixlength: int | None = None
    goto: int | None = None
    invert: bool = False
    l3mdev: bool = False
    unmodelled: tuple[str, ...] = ()
    text: str = ""
    realm: int = 0
