"""A host in the making: what the ingredients of a scenario know about it and add to it.

`Draft` is a namespace that is still written to; `Plot` has all of them and the facts that rules and questions are made
of: addresses, networks, devices, ports. `Plot.scenario` is the finished value.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.fidelity.fuzz.dice import Dice, Table
from tests.fidelity.fuzz.possible import different, without_ipv6
from tests.scenarios.scenario import Bridge, End, Firewall, Namespace, Question, Scenario

#: Networks by name: the first three bytes of IPv4, the first group of IPv6.
NETS = {
    "lan": ("10.77.0", "fd77"),
    "isp": ("10.88.0", "fd88"),
    "vpn": ("10.99.0", "fd99"),
    "desk": ("10.66.0", "fd66"),
    "far0": ("10.54.0", "fd54"),
    "far1": ("10.55.0", "fd55"),
    "over": ("10.44.0", "fd44"),
    "tagged": ("10.33.0", "fd33"),
    "bond": ("10.34.0", "fd34"),
    "red": ("10.35.0", "fd35"),
    "inner": ("10.36.0", "fd36"),
    "br0": ("172.30.0", "fd30"),
    "br1": ("172.31.0", "fd31"),
}
#: Protocols of questions.
PROTOCOLS: Table[str] = ((3.0, "tcp"), (2.0, "udp"), (0.5, "icmp"))
#: Backends of rules: iptables-legacy, iptables over nf_tables, nftables itself.
BACKENDS: Table[str] = ((3.0, "legacy"), (3.0, "nft"), (3.0, "native"))


@dataclass
class Draft:
    """A namespace in the making."""

    name: str
    addresses: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    settings: list[str] = field(default_factory=list)
    vlans: list[str] = field(default_factory=list)
    fdb: list[str] = field(default_factory=list)
    bridges: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)
    sysctls: dict[str, int] = field(default_factory=dict)
    nexthops: list[str] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    neighbours: list[str] = field(default_factory=list)
    ipsec: list[str] = field(default_factory=list)
    firewall: list[Firewall] = field(default_factory=list)
    flows: list[str] = field(default_factory=list)
    listeners: list[str] = field(default_factory=list)
    relays: list[str] = field(default_factory=list)
    down: list[str] = field(default_factory=list)

    def done(self) -> Namespace:
        """The namespace as a scenario has it."""
        return Namespace(
            name=self.name,
            addresses=tuple(self.addresses),
            links=tuple(self.links),
            settings=tuple(self.settings),
            vlans=tuple(self.vlans),
            fdb=tuple(self.fdb),
            bridges=tuple(Bridge(name, tuple(own), tuple(ports)) for name, (own, ports) in self.bridges.items()),
            sysctls=tuple(self.sysctls.items()),
            nexthops=tuple(self.nexthops),
            routes=tuple(self.routes),
            rules=tuple(self.rules),
            neighbours=tuple(self.neighbours),
            ipsec=tuple(self.ipsec),
            firewall=tuple(self.firewall),
            flows=tuple(self.flows),
            listeners=tuple(self.listeners),
            relays=tuple(self.relays),
            down=tuple(self.down),
        )


@dataclass(frozen=True)
class Seat:
    """A namespace's place in a network: the device, and the host number of its address."""

    netns: str
    link: str
    net: str
    number: int

    def address(self, family: int) -> str:
        """Its address, without the length."""
        return address(self.net, self.number, family)


def address(net: str, number: int, family: int) -> str:
    """The address of a host number in a network."""
    v4, v6 = NETS[net]
    return f"{v4}.{number}" if family == 4 else f"{v6}::{number:x}"


def network(net: str, family: int) -> str:
    """The network's prefix."""
    v4, v6 = NETS[net]
    return f"{v4}.0/24" if family == 4 else f"{v6}::/64"


class Plot:
    """The host that is being made up."""

    def __init__(
        self, dice: Dice, families: tuple[int, ...], backends: Table[str] = BACKENDS, protocols: Table[str] = PROTOCOLS
    ) -> None:
        self.dice = dice
        self.families = families
        #: The backends of rules that there are.
        self.backends = backends
        #: What is asked by.
        self.protocols = protocols
        self.drafts: dict[str, Draft] = {}
        self.seats: list[Seat] = []
        self.wires: list[tuple[End, End]] = []
        #: Devices that stand on others, by the namespace that they are in.
        self.stacked: dict[str, list[str]] = {}
        self.questions: list[Question] = []
        #: Targets worth asking for, beside those that can be seen in `seats`: (address, port).
        self.targets: list[tuple[str, int]] = []

    def draft(self, name: str) -> Draft:
        """A namespace, made when it is first asked for."""
        return self.drafts.setdefault(name, Draft(name))

    @property
    def host(self) -> Draft:
        """The host that is asked about."""
        return self.draft("host")

    def sit(self, seat: Seat) -> tuple[str, ...]:
        """Takes a place in a network; its addresses with lengths."""
        self.draft(seat.netns)
        self.seats.append(seat)
        return tuple(f"{seat.address(family)}/{24 if family == 4 else 64}" for family in self.families)

    def wire(self, one: Seat, other: Seat, mac: str = "") -> None:
        """A veth pair, both ends with addresses; the first one's MAC address may be given."""
        first = End(one.netns, one.link, self.sit(one), mac)
        self.wires.append((first, End(other.netns, other.link, self.sit(other))))

    def plug(self, seat: Seat, port: str, mac: str = "") -> None:
        """A veth pair to a port of the host's bridge that bears the network's name."""
        self.wires.append((End(seat.netns, seat.link, self.sit(seat), mac), End("host", port)))
        self.host.bridges[seat.net][1].append(port)

    def stack(self, maker: str, words: str, seat: Seat) -> None:
        """A device on top of another: the words of ip(8) after the device's name, run in the namespace `maker`."""
        there = f" netns {seat.netns}" if seat.netns != maker else ""
        self.draft(maker).links.append(f"{seat.link}{there} {words}")
        self.stacked.setdefault(seat.netns, []).append(seat.link)
        for own in self.sit(seat):
            self.draft(seat.netns).addresses.append(f"{own} dev {seat.link}{' nodad' if ':' in own else ''}")

    def of(self, netns: str) -> list[Seat]:
        """The places of a namespace."""
        return [seat for seat in self.seats if seat.netns == netns]

    @property
    def nets(self) -> list[str]:
        """The networks that there are."""
        return list(dict.fromkeys(seat.net for seat in self.seats))

    def links(self, netns: str) -> list[str]:
        """The devices of a namespace, without loopback."""
        ends = [end.link for wire in self.wires for end in wire if end.netns == netns]
        return [*ends, *self.drafts[netns].bridges, *self.stacked.get(netns, ())]

    def ports(self) -> list[str]:
        """The ports of the host's bridges."""
        return [port.split()[0] for _, ports in self.host.bridges.values() for port in ports]

    def scenario(self, name: str) -> Scenario:
        """The finished scenario."""
        for draft in self.drafts.values():
            self._keep_possible(draft)
        spaces = tuple(draft.done() for draft in self.drafts.values())
        return Scenario(name, name, "Made up by chance.", "host", spaces, tuple(self.wires), tuple(self.questions))

    def _keep_possible(self, draft: Draft) -> None:
        """Leaves out what the kernel would not take."""
        off = [key.split(".")[3] for key, value in draft.sysctls.items() if value and key.endswith(".disable_ipv6")]
        lost = {link for link in self.links(draft.name) if link in off or "all" in off}
        networks = [f"{NETS[seat.net][1]}::" for seat in self.of(draft.name) if seat.link in lost]
        draft.nexthops, draft.routes = without_ipv6(draft.nexthops, different(draft.routes), lost, networks)
