"""Which of several hosts a question is about: `HOST/…` before a target or a source, and what a bare word means there.

1. `HOST/ADDRESS:PORT` asks for that address as the source routes it; HOST is where it is expected.
2. `HOST/:PORT`, and a container's published port asked for from another host, are asked at an address of HOST that is
   on a segment which other hosts are on, and that the source has a route to; never at a loopback address.
3. Without `HOST/` a target is looked for on the first host, then on the source's, then on the only other that has it.
"""

from __future__ import annotations

from engine.explain.target_host import QuestionError, containers_named, did_you_mean
from engine.model.address import IPAddress, end_of
from engine.model.host import Netns, Snapshot
from engine.model.packet import Protocol
from engine.path.lookup.broadcast_domain import segment_of
from engine.path.lookup.device_topology import Wiring
from engine.path.lookup.fib import Fib, FlowKey, Found
from engine.records import dataclass

#: The source that is a host itself.
HOST = "host"


def asker_of(snapshot: Snapshot, source: str) -> tuple[Snapshot, str]:
    """The host that a source is on, as a snapshot, and what the source is called there. Raises `QuestionError`."""
    if not snapshot.machines:
        return snapshot, source
    name, slash, rest = source.partition("/")
    if name in snapshot.machines_by_name:
        return snapshot.part(name), rest or HOST
    first = snapshot.around(snapshot.host)
    word = source.removeprefix("ns:").partition("/")[0]
    others = [part for part in _parts(snapshot) if containers_named(part, word) or word in part.by_id]
    if source == HOST or slash or first in others or "@" in source or word[:1].isdigit() or ":" in word:
        return first, source
    return _only(others, word, snapshot), source


@dataclass(frozen=True, slots=True)
class Expected:
    """The host that a target is said, or found, to be on."""

    name: str
    whole: Snapshot
    snapshot: Snapshot

    def addresses(self, asker: Netns | None) -> list[IPAddress]:
        """Where another host asks for what this one publishes, the nearest first; without a route there, the first."""
        home, wiring = self.snapshot.host_netns, Wiring(self.whole)
        fib = Fib(asker) if asker is not None else None
        found: list[tuple[bool, bool, bool, int, IPAddress]] = []
        for place, each in enumerate(home.addresses):
            if each.scope != "global" or each.address.is_loopback:
                continue
            routed = fib is None or isinstance(fib.lookup(FlowKey(each.address)), Found)
            stations = segment_of(wiring, home, home.links_by_index[each.link]).stations
            shared = any(self.whole.by_id[one.netns].machine != self.name for one in stations)
            found.append((not routed, not shared, each.address.version == 6, place, each.address))
        ordered = sorted(found)
        on_segment = [each for each in ordered if not any(each[:2])]
        return [address for *_, address in on_segment or ordered[:1]]

    def each(self, asker: Netns | None, end: str, protocol: Protocol) -> list[str]:
        """`:PORT` at every address that others ask it at; any other target as it is."""
        word, _, port = end.rpartition(":")
        if word or not port.isdecimal() or self._bound(int(port), protocol):
            return [end]
        return [end_of(address, int(port)) for address in self.addresses(asker)] or [end]

    def nearest(self, asker: Netns | None, end: str, protocol: Protocol) -> str:
        """`:PORT`, or a container's published port, as `ADDRESS:PORT`. Raises `QuestionError` where there is none."""
        word, colon, port = end.rpartition(":")
        if not colon or not port.isdecimal() or (word and not self._publishes(word, int(port), protocol)):
            return end
        found = self.addresses(asker)
        bound = self._bound(int(port), protocol)
        address = next((each for each in found if each in bound), found[0] if found else None)
        if address is None:
            raise QuestionError(f"target '{self.name}/{end}': {self.name} has no address that others reach")
        return end_of(address, int(port))

    def _publishes(self, word: str, port: int, protocol: Protocol) -> bool:
        return any(
            (one.host_port, one.protocol) == (port, protocol)
            for each in containers_named(self.snapshot, word)
            for one in each.published
        )

    def _bound(self, port: int, protocol: Protocol) -> set[IPAddress]:
        """The addresses that the port is published on alone."""
        return {
            one.host_address
            for _, one in self.snapshot.published
            if (one.host_port, one.protocol) == (port, protocol) and one.host_address is not None
        }


def host_of_target(snapshot: Snapshot, here: Snapshot, target: str) -> tuple[Expected | None, str]:
    """The host that a target names or whose container it is (None: it says nothing of a host), and the target there.

    Raises `QuestionError`.
    """
    if not snapshot.machines:
        return None, target
    name, slash, rest = target.partition("/")
    if slash and name in snapshot.machines_by_name:
        return Expected(name, snapshot, snapshot.part(name)), rest
    if slash and ":" not in name and "://" not in target:
        raise QuestionError(f"target {target!r}: no host {name!r}{did_you_mean(name, list(snapshot.machines_by_name))}")
    first = snapshot.around(snapshot.host)
    word = target.rpartition(":")[0]
    if "://" in target or word.startswith("[") or word[:1].isdigit():
        return None, target
    if not word or containers_named(first, word):
        return _expected(snapshot, first), target
    if containers_named(here, word):
        return _expected(snapshot, here), target
    others = [part for part in _parts(snapshot) if containers_named(part, word)]
    return (_expected(snapshot, _only(others, word, snapshot)), target) if others else (None, target)


def _expected(snapshot: Snapshot, part: Snapshot) -> Expected:
    return Expected(part.host_netns.machine, snapshot, part)


def _parts(snapshot: Snapshot) -> list[Snapshot]:
    return [snapshot.part(each.name) for each in snapshot.machines]


def _only(parts: list[Snapshot], word: str, snapshot: Snapshot) -> Snapshot:
    if len(parts) > 1:
        which = " or ".join(f"{each.host_netns.machine}/{word}" for each in parts)
        raise QuestionError(f"{word!r} is on {len(parts)} hosts: write {which}")
    return parts[0] if parts else snapshot.around(snapshot.host)
