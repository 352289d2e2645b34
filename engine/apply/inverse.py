"""The ways back: what undoes a change, as values that a journal can hold.

A closed set. `DropNetns` and `DropLink` look for the lab's mark before they remove anything, so they are safe even
where a crash leaves open whether the change was made; `WriteSysctl` looks at the value; `RunCommand` has nothing to
look at.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.change.words import sysctl_word
from engine.model.where import Argv
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class DropNetns:
    """Remove a named namespace, if it carries the lab's mark."""

    name: str


@dataclass(frozen=True, slots=True)
class DropLink:
    """Remove a link from a namespace that is not the lab's, if it carries the lab's mark."""

    netns: str | None
    name: str


@dataclass(frozen=True, slots=True)
class WriteSysctl:
    """Write the old value back, if the value is still the one that was `written`."""

    netns: str | None
    name: str
    value: int
    written: int


@dataclass(frozen=True, slots=True)
class RunCommand:
    """Run a command in a namespace. It carries no mark, so it is run only where the change is known to be made.

    `text` is the command's standard input.
    """

    netns: str | None
    argv: tuple[str, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class EndProcess:
    """End a process. `started` is its start time in clock ticks after boot, so that no other of its number is meant."""

    pid: int
    started: int


Inverse = DropNetns | DropLink | WriteSysctl | RunCommand | EndProcess
KINDS: Mapping[str, type[Inverse]] = {
    "netns": DropNetns,
    "link": DropLink,
    "sysctl": WriteSysctl,
    "run": RunCommand,
    "process": EndProcess,
}
WORDS = {kind: word for word, kind in KINDS.items()}


def command(inverse: Inverse) -> Argv:
    """The words that a person would type to do the same."""
    match inverse:
        case DropNetns(name):
            return ("ip", "netns", "del", name)
        case DropLink(netns, name):
            return (*_enter(netns), "ip", "link", "del", name)
        case WriteSysctl(netns, name, value):
            return (*_enter(netns), "sysctl", "-w", f"{sysctl_word(name)}={value}")
        case RunCommand(netns, argv):
            return (*_enter(netns), *argv)
        case EndProcess(pid):
            return ("kill", str(pid))


def _enter(netns: str | None) -> Argv:
    return () if netns is None else ("nsenter", f"--net={netns}")
