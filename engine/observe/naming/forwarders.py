"""systemd-resolved, dnsmasq and unbound: what each knows by itself, and the servers that it asks for everything else.

Only what decides these two is looked at. Where a configuration says more about names than is understood, the resolver
is not `known`, so that what it answers counts as unknown.
Sources: systemd-resolved(8), dnsmasq(8), unbound.conf(5).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from ipaddress import ip_address
from itertools import pairwise

from engine.model.address import IPAddress
from engine.model.application.naming import NameRecord, Resolver, Zone
from engine.observe.base.inside_root import Root
from engine.observe.naming.name_files import parse_hosts, parse_resolv_conf
from engine.records import replace

_HOSTS, _RESOLV = "/etc/hosts", "/etc/resolv.conf"
_UPLINKS = "/run/systemd/resolve/resolv.conf"
_DNSMASQ, _UNBOUND = "/etc/dnsmasq.conf", "/etc/unbound/unbound.conf"
#: Letters of dnsmasq's command line for the words of its configuration.
_LETTERS = {"-C": "conf-file", "-r": "resolv-file", "-R": "no-resolv", "-S": "server", "-A": "address"}
_LETTERS |= {"-H": "addn-hosts", "-h": "no-hosts", "-7": "conf-dir"}
#: Words of dnsmasq that say about names what is not understood here.
_STRANGE = frozenset({"cname", "rev-server", "alias", "bogus-nxdomain", "servers-file", "auth-zone", "dhcp-host"})
#: Files of one configuration, and how deep they may name each other.
MOST_FILES, DEEPEST = 64, 8


def read_resolved(plain: Resolver, root: Root, _words: Sequence[str]) -> Resolver:
    """systemd-resolved answers from the hosts file, and asks its links' servers. Raises OSError."""
    uplinks = parse_resolv_conf(root.read(_UPLINKS).decode("utf-8", "replace"))
    return replace(plain, zones=(_hosts(root, _HOSTS),), servers=uplinks.servers)


def _hosts(root: Root, path: str) -> Zone:
    with suppress(FileNotFoundError):
        lines = parse_hosts(root.read(path).decode("utf-8", "replace"))
        return Zone(records=tuple(NameRecord(name, (line.address,)) for line in lines for name in line.names))
    return Zone()


def read_dnsmasq(plain: Resolver, root: Root, words: Sequence[str]) -> Resolver:
    """By its command line, its file, and the files that these name. Raises OSError."""
    given = list(_dnsmasq_options(words[1:]))
    named = [value for name, value in given if name == "conf-file"]
    read = _Dnsmasq(root)
    for name, value in given:
        read.take(name, value)
    for path in named or [_DNSMASQ]:
        read.file(path)
    return read.resolver(plain)


def _dnsmasq_options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """`--name=value`, `--name value` and `-N value` alike."""
    left = list(words)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if word.startswith("--"):
            name = name.removeprefix("--")
        elif word[:2] in _LETTERS:
            name, equals, value = _LETTERS[word[:2]], word[2:], word[2:]
        else:
            continue
        if not equals and left and not left[0].startswith("-"):
            value = left.pop(0)
        yield name, value


class _Dnsmasq:
    """What dnsmasq's words come to."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.servers: list[IPAddress] = []
        self.records: list[NameRecord] = []
        self.hosts = [_HOSTS]
        self.resolv = _RESOLV
        self.understood = True
        self.files = 0

    def file(self, path: str, depth: int = 0) -> None:
        """The words of a file, each as if it stood on the command line. One that is not there says nothing."""
        self.files += 1
        if path == os.devnull:
            return
        if depth > DEEPEST or self.files > MOST_FILES:
            self.understood = False
            return
        with suppress(FileNotFoundError):
            for line in self.root.read(path).decode("utf-8", "replace").splitlines():
                name, _, value = line.partition("#")[0].partition("=")
                self.take(name.strip(), value.strip().strip('"'), depth)
                if name.strip() == "conf-file":
                    self.file(value.strip(), depth + 1)

    def take(self, name: str, value: str, depth: int = 0) -> None:
        """One word of the configuration."""
        if name == "conf-dir":
            self._folder(value.partition(",")[0], depth)
        elif name in ("server", "local", "address"):
            self._answer(name, value)
        elif name == "host-record":
            parts = value.split(",")
            found = tuple(each for part in parts if (each := _address(part)) is not None)
            self.records += [NameRecord(part.strip().lower(), found) for part in parts if _is_name(part)]
        elif name == "addn-hosts":
            self.hosts.append(value)
        elif name == "no-hosts":
            self.hosts = [each for each in self.hosts if each != _HOSTS]
        elif name in ("resolv-file", "no-resolv"):
            self.resolv = value if name == "resolv-file" else ""
        elif name in _STRANGE:
            self.understood = False

    def _folder(self, folder: str, depth: int) -> None:
        with suppress(FileNotFoundError, NotADirectoryError):
            for name in self.root.listed(folder):
                if not name.startswith((".", "#")) and not name.endswith("~"):
                    self.file(f"{folder}/{name}", depth + 1)

    def _answer(self, name: str, value: str) -> None:
        """`server=ADDRESS`, `server=/domain/ADDRESS`, `address=/domain/ADDRESS`: of a domain or of all names."""
        *domains, last = value.split("/")
        target = _address(last.partition("#")[0].partition("@")[0])
        # Two slashes with nothing between them are about names without a dot.
        domains = [domain.lower() for domain in domains[1:]]
        if name == "server" and not domains and target is not None:
            self.servers.append(target)
            return
        answer = (target,) if target is not None else ()
        for domain in domains:
            whose = f".{domain}" if domain else ""
            record = NameRecord(whose, answer) if name == "address" else NameRecord(whose, (), answer)
            self.records.append(record)

    def resolver(self, plain: Resolver) -> Resolver:
        """All together: its own options come before the hosts files."""
        found = [Zone(records=tuple(self.records)), *(_hosts(self.root, path) for path in self.hosts)]
        servers = list(self.servers)
        if self.resolv:
            with suppress(FileNotFoundError):
                servers += parse_resolv_conf(self.root.read(self.resolv).decode("utf-8", "replace")).servers
        records = tuple(record for zone in found for record in zone.records)
        return replace(plain, zones=(Zone(records=records),), servers=tuple(servers), known=self.understood)


def read_unbound(plain: Resolver, root: Root, words: Sequence[str]) -> Resolver:
    """By its file: local data, and the servers of a zone for all names. Without one it asks the root servers itself."""
    options = dict(pairwise(words))
    path = options.get("-c", _UNBOUND)
    lines = list(_unbound_lines(root, path))
    records: list[NameRecord] = []
    servers: list[IPAddress] = []
    zone, known = "", True
    for key, value in lines:
        if key == "local-data":
            records += _local_data(value)
        elif key == "local-zone":
            name, *kind = value.split()
            records += (
                [NameRecord(f".{name.rstrip('.').lower()}")] if kind in (["static"], ["refuse"], ["deny"]) else []
            )
        elif key in ("forward-zone", "stub-zone", "name"):
            zone = value.rstrip(".") if key == "name" else zone
        elif key in ("forward-addr", "stub-addr"):
            target = _address(value.partition("@")[0].partition("#")[0])
            if target is not None and not zone:
                servers.append(target)
            elif target is not None:
                records.append(NameRecord(f".{zone.lower()}", (), (target,)))
        elif key in ("rpz", "view", "python-script", "auth-zone"):
            known = False
    return replace(plain, zones=(Zone(records=tuple(records)),), servers=tuple(servers), known=known)


def _unbound_lines(root: Root, path: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """The words of a file and of those that it includes, in order."""
    if depth > DEEPEST:
        return
    with suppress(FileNotFoundError):
        for line in root.read(path).decode("utf-8", "replace").splitlines():
            key, _, value = line.partition("#")[0].strip().partition(":")
            value = _unquoted(value)
            if key in ("include", "include-toplevel"):
                yield from _included(root, value, depth)
            elif key:
                yield key.strip(), value


def _unquoted(value: str) -> str:
    """A value without the quotes around it or its first word; those of local-data are part of it."""
    value = value.strip()
    if value[:1] in ("'", '"') and value[-1:] == value[:1]:
        return value[1:-1]
    return value.replace('"', "")


def _included(root: Root, pattern: str, depth: int) -> Iterator[tuple[str, str]]:
    from fnmatch import fnmatch  # noqa: PLC0415 - few configurations have several files

    folder, _, name = pattern.rpartition("/")
    with suppress(FileNotFoundError, NotADirectoryError):
        found = [each for each in root.listed(folder) if fnmatch(each, name)] if "*" in name else [name]
        for each in found[:MOST_FILES]:
            yield from _unbound_lines(root, f"{folder}/{each}", depth + 1)


def _local_data(value: str) -> Iterator[NameRecord]:
    """`name [ttl] [IN] A address`."""
    try:
        words = shlex.split(value)
    except ValueError:
        return
    address = _address(words[-1]) if words else None
    if address is not None and len(words) > 2:
        yield NameRecord(words[0].rstrip(".").lower(), (address,))


def _is_name(part: str) -> bool:
    return _address(part) is None and not part.strip().isdecimal() and bool(part.strip())


def _address(text: str) -> IPAddress | None:
    try:
        return ip_address(text.strip())
    except ValueError:
        return None
