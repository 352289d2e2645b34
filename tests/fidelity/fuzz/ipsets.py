"""ipsets that rules of iptables look addresses up in: one of each type, with elements that are somebody's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.fidelity.fuzz.plot import Plot
from tests.fidelity.fuzz.words import Ground, one_address, one_device, one_network, one_port

Elements = Callable[[Ground], list[str]]


@dataclass(frozen=True)
class Kind:
    """A type of set: its words after `create NAME`, the directions of a lookup, its elements, and the IP versions that
    it may hold. One `with_ports` is asked by TCP and UDP only."""

    words: str
    directions: str
    elements: Elements
    families: tuple[int, ...] = (4, 6)

    @property
    def with_ports(self) -> bool:
        """Whether a port is a part of it."""
        return "port" in self.words


def _several(make: Callable[[Ground], str], count: int = 2) -> Elements:
    return lambda ground: [make(ground) for _ in range(count)]


def _service(ground: Ground) -> str:
    return f"{ground.dice.either('tcp', 'udp')}:{one_port(ground)}"


def _net(ground: Ground) -> str:
    """A network with a length of its own: a set of networks holds no whole world."""
    found = one_network(ground)
    return one_address(ground) if found.endswith("/0") else found


def _nets(ground: Ground) -> list[str]:
    """A network, now and then with an exception in it."""
    return [_net(ground), *([f"{one_address(ground)} nomatch"] if ground.dice.chance(0.3) else [])]


#: Sets by the names that they have, followed by the IP version.
KINDS = {
    "ip": Kind("hash:ip", "src", _several(one_address)),
    "net": Kind("hash:net", "src", _nets),
    "ipport": Kind("hash:ip,port", "src,dst", _several(lambda g: f"{one_address(g)},{_service(g)}", 3)),
    "netport": Kind("hash:net,port", "src,dst", _several(lambda g: f"{_net(g)},{_service(g)}")),
    "netdev": Kind("hash:net,iface", "src,src", _several(lambda g: f"{_net(g)},{one_device(g)}")),
    "pair": Kind(
        "hash:ip,port,ip", "src,dst,dst", _several(lambda g: f"{one_address(g)},{_service(g)},{one_address(g)}")
    ),
    "guard": Kind("hash:ip,port,net", "dst,dst,src", _several(lambda g: f"{one_address(g)},{_service(g)},{_net(g)}")),
    "span": Kind(
        "bitmap:ip range 172.30.0.0/24", "dst", lambda g: [f"172.30.0.{g.dice.number(1, 3)}-172.30.0.9"], (4,)
    ),
    "port": Kind("bitmap:port range 0-65535", "dst", _several(lambda g: str(one_port(g)))),
    "list": Kind("list:set", "src", lambda g: [f"ip{g.family}", f"net{g.family}"]),
}


def saved(plot: Plot, netns: str, family: int) -> str:
    """All of them for a namespace and an IP version, as lines of `ipset save`."""
    ground = Ground(plot, netns, "", "", family)
    lines = []
    for name, kind in KINDS.items():
        if family not in kind.families:
            continue
        own = f" family inet{'6' if family == 6 else ''}" if kind.words.startswith("hash:") else ""
        lines.append(f"create {name}{family} {kind.words}{own}")
        lines += [f"add {name}{family} {each}" for each in dict.fromkeys(kind.elements(ground))]
    return "\n".join(lines) + "\n"
