"""Listening sockets, by ss or /proc, and the processes that hold them.

`ss -e` ends each line with words like `uid:101 ino:4711 v6only:1`. A user that is not named is root. A local address is
written `127.0.0.1%lo:53`, `[::1]:80`, `*:80` (both families) or `0.0.0.0:80`.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address

from engine.model.address import Family
from engine.model.packet import Protocol
from engine.model.traffic import Listener, Process
from engine.observe.netlink.sockets import order, plain
from engine.observe.proc import relays
from engine.observe.proc.processes import KERNEL_THREAD, Holder, container_in, parse_stat, socket_inode

#: Stands before the words of a socket's options (`ss --inet-sockopt`, iproute2 5.11).
OPTIONS = "inet-sockopt:"


def parse_ss(text: str, protocol: Protocol, indexes: Mapping[str, int]) -> tuple[Listener, ...]:
    """The listeners in `ss -H -l -n -e`; `indexes` has the devices' by name."""
    lines = (line.split() for line in text.splitlines())
    return tuple(_listener(words, protocol, indexes) for words in lines if words)


def _listener(words: list[str], protocol: Protocol, indexes: Mapping[str, int]) -> Listener:
    if words[0] in ("tcp", "udp"):
        words = words[1:]  # older versions name the protocol even where one is asked for
    host, _, port = words[3].rpartition(":")
    host, _, device = host.partition("%")
    told = dict(word.split(":", 1) for word in words[5:] if ":" in word)
    options = words[words.index(OPTIONS) :] if OPTIONS in words else []
    device = device.rstrip("]")
    wildcard = host == "*"
    address = IPv6Address("::") if wildcard else ip_address(host.strip("[]"))
    return plain(
        Listener(
            protocol=protocol,
            family=Family.INET if address.version == 4 else Family.INET6,
            address=address,
            port=int(port),
            v6only=told.get("v6only") == "1",
            device=indexes.get(device),
            queued=int(words[1]) if protocol is Protocol.TCP else 0,
            backlog=int(words[2]) if protocol is Protocol.TCP else 0,
            inode=int(told.get("ino", 0)),
            uid=int(told.get("uid", 0)),
            transparent="transparent" in (word.strip("()") for word in options) if options else None,
        )
    )


def in_order(listeners: list[Listener]) -> tuple[Listener, ...]:
    """The order of a look."""
    return tuple(sorted(listeners, key=order))


def parse_sockets(text: str) -> dict[int, list[int]]:
    """Pids that hold each socket, by its inode."""
    found: dict[int, list[int]] = {}
    pid = 0
    for line in text.splitlines():
        if line.startswith("/proc/"):
            pid = int(line.split("/")[2])
        elif inode := socket_inode(line):
            found.setdefault(inode, []).append(pid)
    return found


def parse_processes(text: str) -> dict[int, Process]:
    """Processes by pid, from `ls -ldn /proc/PID` and /proc/PID/stat; without the kernel's own threads."""
    users: dict[int, int] = {}
    found: dict[int, Process] = {}
    for line in text.splitlines():
        words = line.split()
        if line[:1] == "d" and words[-1].startswith("/proc/") and words[-1][6:].isdecimal():
            users[int(words[-1][6:])] = int(words[2])
            continue
        try:
            name, state, flags = parse_stat(line.encode())
            pid = int(words[0])
        except (ValueError, IndexError):
            continue  # the rest of a name with a line break in it
        if not flags & KERNEL_THREAD:
            found.setdefault(pid, Process(pid, name, state, users.get(pid, 0)))
    return found


def parse_cgroups(text: str) -> dict[int, str]:
    """The ids of the containers that processes are in, by pid, from lines of /proc/PID/cgroup behind their path."""
    found: dict[int, str] = {}
    for line in text.splitlines():
        path, _, groups = line.partition(":")
        if container := container_in(groups.encode()):
            found[int(path.split("/")[2])] = container
    return found


def parse_relays(text: str) -> dict[int, relays.RelayProgram]:
    """The relays among the processes, by pid: `PID NAME WORDS…`."""
    lines = (line.split() for line in text.splitlines())
    programs = ((int(words[0]), relays.program_of(words[1], words[1:])) for words in lines if len(words) > 1)
    return {pid: program for pid, program in programs if program}


def holders(
    sockets: Mapping[int, list[int]], processes: Mapping[int, Process], programs: Mapping[int, relays.RelayProgram]
) -> dict[int, Holder]:
    """Who holds each socket: the lowest pid, and pid 1 only where nobody else does."""
    found: dict[int, Holder] = {}
    for inode, pids in sockets.items():
        known = sorted((pid for pid in pids if pid in processes), key=lambda pid: (pid == 1, pid))
        if known:
            process = processes[known[0]]
            found[inode] = Holder(process, programs.get(known[0]) or relays.program_of(process.name, ()))
    return found
