"""Single translations beside published ports: REDIRECT, SNAT, MASQUERADE, NETMAP, a DNAT to somewhere else, each to one
address or port or to a range of them; and what only nftables has, translations by a map.

A `Made` is one in iptables' words; `in_nft` says it in nftables'.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.fidelity.fuzz.filters import insert
from tests.fidelity.fuzz.hosts import SERVICES
from tests.fidelity.fuzz.plot import Plot, Seat, network
from tests.fidelity.fuzz.walls import Walls
from tests.fidelity.fuzz.words import Ground, bracket, nft_family, one_address, one_device

#: The options of targets that say where a translation leads.
TO = {"REDIRECT": "--to-ports", "MASQUERADE": "--to-ports", "SNAT": "--to-source", "DNAT": "--to-destination",
      "NETMAP": "--to"}  # fmt: skip
#: How a port, or an address of a range, is chosen: iptables' option and nftables' word.
FLAGS = ((6.0, ""), (1.0, "random"), (0.5, "random-fully"), (1.0, "persistent"))
IN_NFT = {"random-fully": "fully-random"}


@dataclass(frozen=True)
class Made:
    """One translation: its hook, its conditions, its target, and where that leads."""

    hook: str
    matched: str
    target: str
    value: str = ""
    flag: str = ""

    @property
    def words(self) -> str:
        """The rule of iptables."""
        to = f" {TO[self.target]} {self.value}" if self.value else ""
        return f"{self.matched} -j {self.target}{to}{f' --{self.flag}' if self.flag else ''}".strip()


def translate(plot: Plot, walls: Walls) -> None:
    """One more translation, in the words of any backend."""
    dice, family, style = plot.dice, plot.dice.pick(plot.families), plot.dice.weighted(plot.backends)
    ground = Ground(plot, "host", "nat", "prerouting", family)
    if style == "native" and dice.chance(0.4):
        hook, words = dice.pick(MAPS)(ground)
    else:
        made = dice.weighted(KINDS)(ground)
        hook, words = made.hook, made.words
        words = in_nft(made, family) if style == "native" else words
    if style == "native":
        table = walls.nft("host", nft_family(family), "more_nat")
        at = "dstnat" if hook in ("prerouting", "output") else "srcnat"
        table.chain(hook, f"type nat hook {hook} priority {at}; policy accept;").append(words)
    else:
        insert(plot, walls.xt("host", style, family).chain("nat", hook.upper()), [words])


def in_nft(made: Made, family: int) -> str:
    """A translation in nftables' words."""
    ip = nft_family(family)
    swaps = {"-d": f"{ip} daddr", "-s": f"{ip} saddr", "-o": "oifname", "-i": "iifname", "--dport": "dport"}
    given = made.matched.replace("-m tcp ", "").replace("-m udp ", "").split()
    bare = "-p" in given and "--dport" not in given
    said = [swaps.get(word, word) for word in given if word != "-p"]
    said = [f"meta l4proto {word}" if bare and word in ("tcp", "udp") else word for word in said]
    if made.target == "NETMAP":
        end, kind = ("daddr", "dnat") if f"{ip} daddr" in said else ("saddr", "snat")
        return f"{kind} {ip} prefix to {ip} {end} map {{ {said[-1]} : {made.value} }}"
    to = f" to {':' if made.target in ('REDIRECT', 'MASQUERADE') else ''}{made.value}" if made.value else ""
    return " ".join([*said, made.target.lower() + to, IN_NFT.get(made.flag, made.flag)]).strip()


def _somebody(ground: Ground) -> Seat:
    return ground.dice.pick(ground.plot.seats)


def _span(ground: Ground, address: str) -> str:
    """An address, or one of a range that begins with it."""
    if ground.dice.chance(0.6):
        return address
    head, separator, last = address.rpartition("." if ground.family == 4 else ":")
    top = int(last, 10 if ground.family == 4 else 16) + ground.dice.number(1, 3)
    return f"{address}-{head}{separator}{top if ground.family == 4 else f'{top:x}'}"


def _port(ground: Ground, port: int) -> str:
    """A port, or a range that it is in, or that begins with it."""
    low = port - ground.dice.either(0, 0, 2)
    return str(port) if ground.dice.chance(0.6) else f"{low}-{port + 2}"


def _redirect(ground: Ground) -> Made:
    dice = ground.dice
    hook, protocol = dice.either("prerouting", "output"), dice.either("tcp", "udp")
    ground.plot.targets += [(seat.address(ground.family), 8090) for seat in ground.plot.of("host")]
    port = _port(ground, dice.either(22, 8080, 8088))
    return Made(hook, f"-p {protocol} -m {protocol} --dport 8090", "REDIRECT", port)


def _masquerade(ground: Ground) -> Made:
    dice, out = ground.dice, f"-o {one_device(ground)}"
    if dice.chance(0.3):
        return Made("postrouting", f"{out} -p {dice.either('tcp', 'udp')}", "MASQUERADE", "1024-65535")
    return Made("postrouting", out, "MASQUERADE", flag=dice.weighted(FLAGS).replace("persistent", ""))


def _snat(ground: Ground) -> Made:
    own = ground.dice.pick(ground.plot.of("host")).address(ground.family)
    hook = ground.dice.weighted(((4.0, "postrouting"), (1.0, "input")))
    return Made(hook, f"-s {one_address(ground)}", "SNAT", _span(ground, own), ground.dice.weighted(FLAGS))


def _dnat(ground: Ground) -> Made:
    dice, seat = ground.dice, _somebody(ground)
    stale = Seat("", "", "br0", 77).address(ground.family)
    to = dice.weighted(
        ((5.0, seat.address(ground.family)), (1.0, stale), (0.7, "127.0.0.1" if ground.family == 4 else "::1"))
    )
    target = dice.weighted(((3.0, one_address(ground)), (1.0, "192.0.2.1" if ground.family == 4 else "2001:db8::1")))
    port, protocol = dice.pick(SERVICES.get(seat.netns, (80,))), dice.either("tcp", "tcp", "udp")
    ground.plot.targets.append((target, 8095))
    hook = dice.either("prerouting", "output")
    matched = f"-d {target} -p {protocol} -m {protocol} --dport 8095"
    if dice.chance(0.2):
        ground.plot.targets.append((target, port))
        flag = dice.weighted(FLAGS).removesuffix("-fully")
        return Made(hook, f"-d {target}", "DNAT", _span(ground, to), flag)
    return Made(hook, matched, "DNAT", bracket(to, _port(ground, port)))


def _netmap(ground: Ground) -> Made:
    net = ground.dice.pick([net for net in ground.plot.nets if net.startswith("br")])
    made = "10.250.0.0/24" if ground.family == 4 else "fd25::/64"
    if ground.dice.chance(0.25):
        return Made("postrouting", f"-s {network(net, ground.family)}", "NETMAP", made)
    ground.plot.targets.append(("10.250.0.2" if ground.family == 4 else "fd25::2", 80))
    return Made(ground.dice.either("prerouting", "output"), f"-d {made}", "NETMAP", network(net, ground.family))


KINDS: tuple[tuple[float, Callable[[Ground], Made]], ...] = (
    *((1.0, _redirect), (1.0, _masquerade), (1.5, _snat)),
    *((1.5, _dnat), (1.0, _netmap)),
)


# ---- by a map of nftables


def _entries(ground: Ground) -> str:
    """What a map leads to by address: somebody, or nobody."""
    ip = ground.family
    asked = dict.fromkeys(one_address(ground) for _ in range(2))
    ground.plot.targets += [(each, 80) for each in asked]
    return ", ".join(f"{each} : {_somebody(ground).address(ip)}" for each in asked)


def _by_target(ground: Ground) -> tuple[str, str]:
    ip, hook = nft_family(ground.family), ground.dice.either("prerouting", "output")
    return hook, f"dnat to {ip} daddr map {{ {_entries(ground)} }}"


def _by_source(ground: Ground) -> tuple[str, str]:
    ip, own = nft_family(ground.family), ground.dice.pick(ground.plot.of("host")).address(ground.family)
    net = network(ground.dice.pick(ground.plot.nets), ground.family)
    rest = f", * : {own}" if ground.dice.chance(0.3) else ""
    return "postrouting", f"snat to {ip} saddr map {{ {net} : {own}{rest} }}"


def _by_service(ground: Ground) -> tuple[str, str]:
    """By address and port, as kube-proxy has it."""
    ip, seat, protocol = nft_family(ground.family), _somebody(ground), ground.dice.either("tcp", "udp")
    address, port = one_address(ground), ground.dice.pick(SERVICES.get(seat.netns, (80,)))
    ground.plot.targets.append((address, 8096))
    entry = f"{address} . 8096 : {seat.address(ground.family)} . {port}"
    to = f"dnat {ip} addr . port to {ip} daddr . {protocol} dport map {{ {entry} }}"
    return ground.dice.either("prerouting", "output"), to


def _by_chance(ground: Ground) -> tuple[str, str]:
    """Load balancing over somebody and somebody else."""
    ip, family = nft_family(ground.family), ground.family
    how = ground.dice.either("numgen random mod 2", "numgen inc mod 2", f"jhash {ip} saddr mod 2 seed 0x7")
    target = "192.0.2.1" if family == 4 else "2001:db8::1"
    ground.plot.targets.append((target, 80))
    entries = ", ".join(f"{number} : {_somebody(ground).address(family)}" for number in range(2))
    return "prerouting", f"{ip} daddr {target} dnat to {how} map {{ {entries} }}"


def _by_port(ground: Ground) -> tuple[str, str]:
    ground.plot.targets += [(seat.address(ground.family), 8091) for seat in ground.plot.of("host")]
    protocol = ground.dice.either("tcp", "udp")
    return ground.dice.either("prerouting", "output"), f"redirect to :{protocol} dport map {{ 8091 : 22, 8092 : 8080 }}"


MAPS = (_by_target, _by_source, _by_service, _by_chance, _by_port)
