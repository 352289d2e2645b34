"""What each of several hosts is called: as it was given, else its hostname. Questions find it by that name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.model.host import Snapshot
from engine.records import dataclass

#: The name of a host that does not say what it is called.
NAMELESS = "host"


class HostsError(ValueError):
    """The hosts cannot be one snapshot; the message is one line that says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Given:
    """A host's snapshot, where it came from (a file, `ssh://db1`, "this host"), and the name that it was given. What
    is `described` was not read."""

    snapshot: Snapshot
    source: str
    name: str = ""
    described: bool = False

    @property
    def called(self) -> str:
        """What questions call it. A name of several labels is told in full; a slash would end it."""
        return (self.name or self.snapshot.hostname or NAMELESS).replace("/", "_")


def named(hosts: Iterable[Given]) -> list[tuple[str, Given]]:
    """Each host with its name. Raises `HostsError` where two have one."""
    found: list[tuple[str, Given]] = []
    for host in hosts:
        first = next((other for name, other in found if name == host.called), None)
        if first is not None:
            raise HostsError(
                f"two hosts are called {host.called!r}: {first.source} and {host.source}; "
                f"write --with NAME={host.source} for one of them"
            )
        found.append((host.called, host))
    return found


def unpacked(hosts: Sequence[Given]) -> list[Given]:
    """The hosts, with each snapshot of several in its parts."""
    found: list[Given] = []
    for host in hosts:
        if not host.snapshot.machines:
            found.append(host)
            continue
        if host.name:
            raise HostsError(f"{host.source} has {len(host.snapshot.machines)} hosts in it: give it no name of its own")
        found += [
            Given(host.snapshot.part(each.name), each.source or host.source, each.name, each.described)
            for each in host.snapshot.machines
        ]
    return found
