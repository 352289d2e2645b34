"""The order in which a client tries several addresses (RFC 6724, section 6; glibc, sysdeps/posix/getaddrinfo.c).

What there is no route to comes last (rule 1). Then what is of the kind of its own source address (rule 5, labels): from
a unique local address a global one is no good. IPv6 comes before IPv4 (rule 6, precedence), and what the server said
first stays first.
"""

from __future__ import annotations

from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.path.lookup.fib import FlowKey, Found
from engine.path.world import World

#: Route types that lead nowhere.
_REFUSING = frozenset({"unreachable", "prohibit", "blackhole", "throw"})


def preferred(world: World, source: Netns, addresses: tuple[IPAddress, ...]) -> tuple[IPAddress, ...]:
    """The addresses, each once, in the order in which a client in that namespace tries them."""
    return tuple(sorted(dict.fromkeys(addresses), key=lambda address: _rank(world, source, address)))


def _rank(world: World, source: Netns, address: IPAddress) -> tuple[bool, bool, int]:
    return not _usable(world, source, address), not _alike(source, address), -address.version


def _usable(world: World, source: Netns, address: IPAddress) -> bool:
    """Whether there is a route, and an address of that IP version to send from."""
    found = world.fib(source).lookup(FlowKey(address))
    if not isinstance(found, Found) or found.route.kind in _REFUSING:
        return False
    return address.version == 4 or _sources(source, address) != []


def _sources(source: Netns, address: IPAddress) -> list[IPAddress]:
    own = [each.address for each in source.addresses if each.address.version == address.version]
    if address.is_loopback:
        return [each for each in own if each.is_loopback]
    return [each for each in own if not each.is_loopback and each.is_link_local == address.is_link_local]


def _alike(source: Netns, address: IPAddress) -> bool:
    """Whether an IPv6 address and one of the source's own are both unique local ones, or both not."""
    if address.version == 4:
        return True
    return any(each.is_private == address.is_private for each in _sources(source, address))
