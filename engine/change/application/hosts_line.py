"""Lines of a hosts(5) file, removed by sed(1), added by the shell. A container's file is a mount: written in place."""

from __future__ import annotations

import re
from shlex import quote

from engine.model.address import IPAddress
from engine.model.application.naming import HostsLine, NameConfig
from engine.model.host import Snapshot
from engine.model.plan import Change, StaleChange
from engine.model.where import Argvs, Where
from engine.records import dataclass, replace

#: What names are made of.
_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,253}")


@dataclass(frozen=True, slots=True)
class DeleteHostsLine(Change):
    """Removes a line from the hosts file of a place (`NameConfig`).

    `enter` is what runs a shell in its container, empty for a file of the host. `number` counts from 1.
    """

    netns: str
    container: str
    path: str
    number: int
    enter: tuple[str, ...] = ()

    def argv(self, where: Where) -> Argvs:  # noqa: ARG002 - a file is where it is
        """`sed -i NUMBERd FILE`."""
        if not self.enter:
            return (("sed", "-i", f"{self.number}d", self.path),)
        path = quote(self.path)
        script = f'kept=$(sed {self.number}d {path}) && echo "$kept" > {path}'
        return ((*self.enter, "sh", "-c", script),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The configuration without the line; those behind it move up."""
        if not any(self._is_in(each) and self._has(each) for each in snapshot.name_configs):
            raise StaleChange(f"{self.path} has no line {self.number}")
        return replace(snapshot, name_configs=tuple(map(self._without, snapshot.name_configs)))

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether there is no such line."""
        return not any(self._is_in(each) and self._has(each) for each in snapshot.name_configs)

    def _is_in(self, config: NameConfig) -> bool:
        return (config.netns, config.container, config.hosts_file) == (self.netns, self.container, self.path)

    def _has(self, config: NameConfig) -> bool:
        return any(line.number == self.number for line in config.hosts)

    def _without(self, config: NameConfig) -> NameConfig:
        if not self._is_in(config):
            return config
        left = (line for line in config.hosts if line.number != self.number)
        moved = (replace(line, number=line.number - (line.number > self.number)) for line in left)
        return replace(config, hosts=tuple(moved))


@dataclass(frozen=True, slots=True)
class AddHostsLine(Change):
    """Writes a name and its address behind the last line of the hosts file of a place (`NameConfig`)."""

    netns: str
    container: str
    path: str
    address: IPAddress
    name: str
    enter: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _PLAIN.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name that a command may hold")

    def argv(self, where: Where) -> Argvs:  # noqa: ARG002 - a file is where it is
        """`echo "ADDRESS NAME" >> FILE`."""
        return ((*self.enter, "sh", "-c", f'echo "{self.address} {self.name}" >> {quote(self.path)}'),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The configuration with one more line."""
        if not any(self._is_in(each) for each in snapshot.name_configs):
            raise StaleChange(f"{self.path} is not there")
        return replace(snapshot, name_configs=tuple(map(self._with, snapshot.name_configs)))

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether the name has that address."""
        lines = (line for each in snapshot.name_configs if self._is_in(each) for line in each.hosts)
        return any(line.address == self.address and self.name in line.names for line in lines)

    def _is_in(self, config: NameConfig) -> bool:
        return (config.netns, config.container, config.hosts_file) == (self.netns, self.container, self.path)

    def _with(self, config: NameConfig) -> NameConfig:
        if not self._is_in(config):
            return config
        number = max((line.number for line in config.hosts), default=0) + 1
        return replace(config, hosts=(*config.hosts, HostsLine(self.address, (self.name,), number)))
