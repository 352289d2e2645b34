"""Addresses, devices, ports, marks and states that rules of both languages are made of, mostly ones that matter.

A `Ground` is where a rule stands: the namespace, the hooks that its chain is reached from, the table, the IP version.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.fidelity.fuzz.dice import Dice
from tests.fidelity.fuzz.hosts import SERVICES
from tests.fidelity.fuzz.plot import Plot, network

MARKS = (0x1, 0x2, 0x3, 0x4, 0x10, 0xFF)
MASKS = (0x1, 0x3, 0xF, 0xFF, 0xFFFFFFFF)
STATES = ("new", "established", "related", "invalid", "untracked")
#: Rejections by family, by xtables' and nftables' names.
REJECTS = {
    4: ("icmp-port-unreachable", "icmp-host-unreachable", "icmp-net-unreachable", "icmp-proto-unreachable",
        "icmp-net-prohibited", "icmp-host-prohibited", "icmp-admin-prohibited", "tcp-reset"),
    6: ("icmp6-no-route", "icmp6-adm-prohibited", "icmp6-addr-unreachable", "icmp6-port-unreachable", "tcp-reset"),
}  # fmt: skip


@dataclass(frozen=True)
class Ground:
    """Where a rule stands."""

    plot: Plot
    netns: str
    table: str
    hook: str
    family: int

    @property
    def dice(self) -> Dice:
        """The scenario's dice."""
        return self.plot.dice

    @property
    def arrives(self) -> bool:
        """Whether packets have a device that they came in by."""
        return self.hook in ("prerouting", "input", "forward")

    @property
    def leaves(self) -> bool:
        """Whether packets have a device that they go out by."""
        return self.hook in ("forward", "output", "postrouting")


def one_address(ground: Ground) -> str:
    """An address of somebody, or of nobody."""
    seats = [seat.address(ground.family) for seat in ground.plot.seats]
    others = [host for host, _ in ground.plot.targets if (":" in host) == (ground.family == 6)]
    loop = "127.0.0.1" if ground.family == 4 else "::1"
    return ground.dice.weighted(((6.0, ground.dice.pick(seats)), (1.0, ground.dice.pick(others or seats)), (0.4, loop)))


def one_network(ground: Ground) -> str:
    """A network that there is, or a part of one, or a wide one."""
    dice, net = ground.dice, network(ground.dice.pick(ground.plot.nets), ground.family)
    if dice.chance(0.7):
        return net
    if ground.family == 4:
        host, _, _ = net.rpartition(".")
        return dice.either(f"{host}.0/30", f"{host}.2/31", "10.0.0.0/8", "172.16.0.0/12", "0.0.0.0/0")
    return dice.either(net.replace("/64", "/126"), "fd00::/8", "fd30::/12")


def one_device(ground: Ground) -> str:
    """A device of the namespace."""
    return ground.dice.pick([*ground.plot.links(ground.netns), "lo"])


def one_port(ground: Ground) -> int:
    """A port that somebody asks for."""
    ports = [port for _, port in ground.plot.targets]
    known = [port for name in ground.plot.drafts for port in SERVICES.get(name, (80,))]
    return ground.dice.pick([*ports, *known])


def a_range(ground: Ground) -> tuple[int, int]:
    """A range of ports around one, or a wide one. A client's own port is in 32768-60999."""
    port = one_port(ground)
    return ground.dice.either((max(port - 2, 1), port), (port, port + 5), (1, 1023), (1024, 65535), (1, 9999))


def a_mark(ground: Ground) -> tuple[int, int]:
    """A value and a mask that it fits."""
    mask = ground.dice.pick(MASKS)
    return ground.dice.pick((0, *MARKS)) & mask, mask


def nft_family(family: int) -> str:
    """What nftables calls tables of an IP version."""
    return "ip" if family == 4 else "ip6"


def bracket(address: str, port: int | str) -> str:
    """An address with a port, or a range of ports."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
