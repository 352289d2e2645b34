"""The sections of the whole machine: its names, namespace files, processes, sockets' holders and containers.

Which namespaces there are, and in which order, follows `engine.observe.base.namespaces.discover`.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.host import Gap
from engine.observe.base.namespaces import NAMED, NetnsRef
from engine.observe.collected import containers, listeners
from engine.observe.collected import gaps as beyond
from engine.observe.collected.reading import Reading
from engine.observe.engines.container_view import ContainerView
from engine.observe.proc.processes import Holder
from engine.records import dataclass, replace

#: Inodes of namespaces are given from here on (PROC_DYNAMIC_FIRST, less the fixed ones); smaller ones are other files.
_FIRST_INODE = 0xEFFFFFF0


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What the sections of the whole machine tell."""

    facts: Mapping[str, str]
    files: Mapping[str, int]
    owners: Mapping[int, int]
    holders: Mapping[int, Holder]
    view: ContainerView
    gaps: tuple[Gap, ...]


def read_machine(reading: Reading) -> MachineFacts:
    """What the machine's own sections tell."""
    facts = reading.read("facts", _parse_facts) or {}
    files = reading.read("namespaces", _parse_files) or {}
    owned = reading.read("owners", _parse_owners) or {}
    processes = reading.read("processes", listeners.parse_processes) or {}
    sockets = reading.read("sockets", listeners.parse_sockets) or {}
    programs = reading.read("relays", listeners.parse_relays) or {}
    inside = reading.read("cgroups", listeners.parse_cgroups) or {}
    processes = {pid: replace(each, container=inside.get(pid, "")) for pid, each in processes.items()}
    view = containers.read_containers(reading, owned, files)
    if client := facts.get("docker"):
        view = containers.with_client(view, tuple(client.split()))
    beyond.note_machine(reading)
    left = [path for path, inode in files.items() if inode < _FIRST_INODE and path.startswith(f"{NAMED}/")]
    for path in left:
        reading.gap(path, "is a left-over file with no namespace behind it; `ip netns delete` removes it")
    return MachineFacts(
        facts=facts,
        files={path: inode for path, inode in files.items() if inode >= _FIRST_INODE},
        owners={pid: inode for pid, inode in owned.items() if pid in processes},
        holders=listeners.holders(sockets, processes, programs),
        view=view,
        gaps=tuple(reading.gaps),
    )


def _parse_facts(text: str) -> dict[str, str]:
    """Values by name: `NAME VALUE`."""
    pairs = (line.partition(" ") for line in text.splitlines() if line)
    return {name: value for name, _, value in pairs}


def _parse_files(text: str) -> dict[str, int]:
    """Inodes by path, in the order of the paths."""
    pairs = [line.strip().partition(" ") for line in text.splitlines() if line.strip()]
    return {path.strip(): int(inode) for inode, _, path in pairs}


def _parse_owners(text: str) -> dict[int, int]:
    """Inodes by pid."""
    pairs = [line.split() for line in text.splitlines() if line.strip()]
    return {int(pid): int(inode) for inode, pid in pairs}


def inode_of(link: str) -> int:
    """The inode in a link's text `net:[4026531840]`, 0 for anything else."""
    word = link.removeprefix("net:[").removesuffix("]")
    return int(word) if word.isdecimal() else 0


def places_of(machine: MachineFacts, host: int) -> dict[int, NetnsRef]:
    """All namespaces by inode: the host's, those with names, those of engines, those of processes."""
    pids: dict[int, list[int]] = {}
    for pid, inode in machine.owners.items():
        pids.setdefault(inode, []).append(pid)
    named = {path: inode for path, inode in machine.files.items() if path.startswith(f"{NAMED}/")}
    kept = sorted({sandbox.inode for sandbox in machine.view.sandboxes.values()})
    found: dict[int, NetnsRef] = {}
    for inode in dict.fromkeys((host, *named.values(), *kept, *sorted(pids))):
        names = tuple(path.rpartition("/")[2] for path, other in named.items() if other == inode)
        inside = tuple(sorted(pids.get(inode, ())))
        files = [path for path, other in machine.files.items() if other == inode]
        found[inode] = NetnsRef(inode, names, inside, (*files, *(f"/proc/{pid}/ns/net" for pid in inside)))
    return found
