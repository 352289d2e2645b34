"""Programs that answer DNS by a socket: which there are, and what each knows and asks.

Which programs there are a look finds out by their names; their files are read when a question meets one (`Later`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

from engine.lazy import Later
from engine.model.application.naming import Resolver
from engine.observe.base.files import small
from engine.observe.base.inside_root import Root
from engine.observe.naming import aardvark, forwarders
from engine.records import dataclass, replace

#: How the configuration of each program is read: from its root, and the words of its command line.
READERS: Mapping[str, Callable[[Resolver, Root, Sequence[str]], Resolver]] = {
    "aardvark-dns": aardvark.read,
    "systemd-resolve": forwarders.read_resolved,
    "dnsmasq": forwarders.read_dnsmasq,
    "unbound": forwarders.read_unbound,
}


@dataclass(frozen=True, slots=True)
class ResolverPlace:
    """A process that answers DNS, by the name of its program and the namespace it is in."""

    netns: str
    pid: int
    program: str


def read_later(places: Iterable[ResolverPlace | Resolver]) -> tuple[Resolver, ...]:
    """The resolvers of these processes, read when somebody looks at one; those that are known already stay."""
    return cast("tuple[Resolver, ...]", Later(_read_all, tuple(places)))


def _read_all(places: Sequence[ResolverPlace | Resolver]) -> tuple[Resolver, ...]:
    return tuple(place if isinstance(place, Resolver) else read_resolver(place) for place in places)


def read_resolver(place: ResolverPlace) -> Resolver:
    """One resolver; one whose files cannot be read is there and not `known`. Raises nothing."""
    plain = Resolver(place.netns, place.pid, place.program)
    try:
        words = small(f"/proc/{place.pid}/cmdline").decode("utf-8", "replace").rstrip("\0").split("\0")
        with Root(f"/proc/{place.pid}/root") as root:
            return READERS[place.program](plain, root, words)
    except OSError:
        return replace(plain, known=False)
