"""How processes of each place look names up: the host, namespaces with files of their own, and running containers.

1. A container's files are read below the root of its first process (`Root`), so that what its engine mounted there is
   seen.
2. `ip netns exec NAME` puts the files of /etc/netns/NAME in the place of those in /etc (ip-netns(8)); a namespace
   without such files has those of the host.
3. A look finds out which places there are; their files are read when a question meets them (`Later`). What could not be
   read is said by the configuration itself (`NameConfig.unread`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar, cast

from engine.lazy import Later
from engine.model.application.naming import Libc, NameConfig
from engine.model.container import Container
from engine.observe.base.errors import words_for
from engine.observe.base.inside_root import Root
from engine.observe.base.namespaces import NetnsRef
from engine.observe.naming.name_files import ResolvConf, parse_hosts, parse_nsswitch, parse_resolv_conf
from engine.records import dataclass, replace

HOSTS, RESOLV, SWITCH, HOSTNAME = "/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/hostname"
#: What only a root of musl has, for each kind of machine.
MUSL = tuple(f"/lib/ld-musl-{each}.so.1" for each in ("x86_64", "aarch64", "armhf", "i386", "riscv64", "ppc64le"))
NETNS_FILES = "/etc/netns"
#: A file of more bytes is not read.
_LARGEST = 2 * 1024 * 1024
#: A name of a host has no more characters (RFC 1035, 2.3.4).
_LONGEST = 255
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NamePlace:
    """Where the files of one place are: below `root`, and those that `folder` has in that one. `container` is its
    id."""

    netns: str
    container: str = ""
    root: str = "/"
    folder: str = ""


def read_later(places: Iterable[NamePlace]) -> tuple[NameConfig, ...]:
    """The configurations of these places, read when somebody looks at one."""
    return cast("tuple[NameConfig, ...]", Later(_read_all, tuple(places)))


def places_of(host: str, found: Mapping[str, NetnsRef], containers: Collection[Container]) -> Iterator[NamePlace]:
    """The host first, then namespaces with files of their own, then running containers."""
    folders: dict[str, str] = {}
    with suppress(OSError):
        known = set(os.listdir(NETNS_FILES))
        for netns, place in found.items():
            name = next((each for each in (netns, *place.names) if each in known), None)
            if name is not None:
                folders[netns] = f"{NETNS_FILES}/{name}"
    yield NamePlace(host, folder=folders.pop(host, ""))
    yield from (NamePlace(netns, folder=folder) for netns, folder in folders.items())
    for container in containers:
        # Without a pid its engine counts processes elsewhere.
        if container.netns is not None and container.state in ("running", "paused") and container.pid is not None:
            yield NamePlace(container.netns, container.id, f"/proc/{container.pid}/root")


def _read_all(places: Sequence[NamePlace]) -> tuple[NameConfig, ...]:
    return tuple(map(read_place, places))


def read_place(place: NamePlace) -> NameConfig:
    """The configuration of one place. Raises nothing."""
    plain = NameConfig(place.netns, place.container, hostname="" if place.container else os.uname().nodename)
    try:
        with Root(place.root) as root:
            return _Files(root, place.folder).read_into(plain)
    except OSError as error:
        return replace(plain, unread=f"{place.root}: {words_for(error)}")


class _Files:
    """The files of one place."""

    def __init__(self, root: Root, folder: str) -> None:
        self._root, self._folder = root, folder
        self._unread: list[str] = []

    def read_into(self, plain: NameConfig) -> NameConfig:
        hosts_file, resolv_file = self._path(HOSTS), self._path(RESOLV)
        resolv = self._parsed(resolv_file, parse_resolv_conf, ResolvConf())
        return replace(
            plain,
            hosts=self._parsed(hosts_file, parse_hosts, ()),
            sources=self._parsed(self._path(SWITCH), parse_nsswitch, plain.sources),
            servers=resolv.servers,
            search=resolv.search,
            ndots=resolv.options.get("ndots", plain.ndots),
            timeout=resolv.options.get("timeout", plain.timeout),
            attempts=resolv.options.get("attempts", plain.attempts),
            libc=Libc.MUSL if any(map(self._root.exists, MUSL)) else Libc.GLIBC,
            beyond=resolv.beyond,
            from_host=resolv.from_host,
            hostname=plain.hostname or self._parsed(HOSTNAME, _first_word, ""),
            hosts_file=hosts_file,
            resolv_file=resolv_file,
            unread="; ".join(self._unread),
        )

    def _path(self, usual: str) -> str:
        own = f"{self._folder}/{os.path.basename(usual)}"
        return own if self._folder and self._root.exists(own) else usual

    def _parsed(self, path: str, parse: Callable[[str], T], otherwise: T) -> T:
        """What a file says; something else where there is none."""
        try:
            return parse(self._root.read(path, _LARGEST).decode("utf-8", "replace"))
        except FileNotFoundError:
            return otherwise
        except OSError as error:
            self._unread.append(f"{path}: {words_for(error)}")
            return otherwise


def _first_word(text: str) -> str:
    return (text.split() or [""])[0][:_LONGEST]
