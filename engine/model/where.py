"""What a command line must know of the world that it is for: how to enter a namespace, what its links are called.

Two worlds are known: one of named namespaces, as a lab builds it, and one that was seen in a snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.model.file_name import is_file_name
from engine.model.firewall import Backend, Rule
from engine.model.host import Snapshot
from engine.records import dataclass

#: A command line: each word is one argument for execve, nothing is quoted for a shell.
Argv = tuple[str, ...]
Argvs = tuple[Argv, ...]

NETNS_DIR = "/run/netns"


@dataclass(frozen=True, slots=True)
class RulePlace:
    """Where a rule is, or will be: `index` counts from 0 in the chain."""

    netns: str
    backend: Backend
    family: str
    table: str
    chain: str
    index: int


def _no_device(netns: str, index: int) -> str:
    raise ValueError(f"link {index} of {netns} has no name here")


def _no_rules(_place: RulePlace) -> Sequence[Rule] | None:
    return None


@dataclass(frozen=True, slots=True)
class Where:
    """What a command must know of the world that it is for.

    `path` gives the file that enters a namespace, None for the one that every shell is in already. `device` gives a
    link's name for its index in a namespace, or raises ValueError. `rules` gives the rules of the chain of a place
    as they are before the change, None where that is not known.
    """

    path: Callable[[str], str | None]
    device: Callable[[str, int], str] = _no_device
    rules: Callable[[RulePlace], Sequence[Rule] | None] = _no_rules

    def enter(self, netns: str) -> Argv:
        """The words that go before a command to run it in a namespace."""
        path = self.path(netns)
        return () if path is None else ("nsenter", f"--net={path}")


def named(directory: str = NETNS_DIR) -> Where:
    """A world of named namespaces, as a lab builds it: nothing but their names is known."""

    def path(netns: str) -> str:
        if not is_file_name(netns):
            raise ValueError(f"{netns!r} is no name for a namespace")
        return f"{directory}/{netns}"

    return Where(path)


def seen(snapshot: Snapshot) -> Where:
    """The world of a snapshot. A namespace or link that is not in it, or cannot be entered, raises ValueError.

    Without a file, only the namespace of PID 1 and the host itself can be meant: a command without `nsenter` would
    change another one.
    """

    def path(netns: str) -> str | None:
        if netns not in snapshot.by_id:
            raise ValueError(f"there is no namespace {netns!r} in the snapshot")
        found = snapshot.by_id[netns]
        if found.path is None and netns != snapshot.around(netns).host and 1 not in found.pids:
            raise ValueError(f"no file enters the namespace {netns!r}")
        return found.path

    def device(netns: str, index: int) -> str:
        link = snapshot.by_id[netns].links_by_index.get(index)
        return link.name if link else _no_device(netns, index)

    def rules(place: RulePlace) -> Sequence[Rule] | None:
        table = snapshot.by_id[place.netns].firewall.table(place.backend, place.family, place.table)
        chain = table.chain(place.chain) if table else None
        return chain.rules if chain else None

    return Where(path, device, rules)
