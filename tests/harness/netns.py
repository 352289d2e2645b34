"""Throw-away network namespaces, wired with veth pairs and bridges, gone at the end whatever happened.

A `World` owns all that it makes: namespaces under unique names, and processes started in them. `close()`
ends the processes by their ids, removes the namespaces (and with them every link, route and rule inside) and
raises when something would not go; it does so too when building stopped half way. Nothing outside the
world's own namespaces is changed.

A new namespace is set up for comparing errors: its loopback is up, ICMP errors are not rate limited (else
the fourth refused client sees a timeout), IPv6 addresses are ready at once (no duplicate address detection on new
links), and neighbour resolution gives up after 0.3 s instead of 3 s, so that a client sees the same error sooner.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

NETNS_FOLDER = Path("/run/netns")
#: Milliseconds between two ARP questions; the kernel asks three times before it calls a neighbour unreachable.
ARP_RETRANSMIT_MS = 100
#: A process of a world ends, too, when the tests are killed (PR_SET_PDEATHSIG of prctl(2)).
DIE_WITH_US = ("setpriv", "--pdeathsig", "TERM", "--")
#: Seconds that an ended process gets before it is killed.
PATIENCE = 5.0


class CommandFailed(Exception):
    """A command in a test's world ended with an error; the message has its own words."""


def run(
    argv: Sequence[str], *, check: bool = True, stdin: str | None = None, cwd: Path | None = None, timeout: float = 60.0
) -> str:
    """Runs a command and returns its stdout. With `check`, raises `CommandFailed` when it fails."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=timeout, check=False, cwd=cwd)
    if check and done.returncode != 0:
        raise CommandFailed(f"{' '.join(argv)}: exit {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@dataclass(frozen=True)
class Netns:
    """A namespace by the file that enters it. `name` is empty for one that is not under /run/netns."""

    path: str
    name: str = ""

    def enter(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` in here, as a user would type it."""
        return ["nsenter", f"--net={self.path}", "--", *argv]

    def run(self, *argv: str, check: bool = True, stdin: str | None = None, timeout: float = 60.0) -> str:
        """Runs a command in here and returns its stdout."""
        return run(self.enter(argv), check=check, stdin=stdin, timeout=timeout)

    def ip(self, words: str) -> None:
        """`ip WORDS` in here, split at blanks."""
        self.run("ip", *words.split())

    def ip_json(self, words: str) -> list[dict[str, Any]]:
        """What `ip -j WORDS` prints in here."""
        rows: list[dict[str, Any]] = json.loads(self.run("ip", "-j", *words.split()) or "[]")
        return rows

    def address(self, link: str, *addresses: str) -> None:
        """Adds addresses ("10.0.0.1/24") to a link."""
        for address in addresses:
            self.ip(f"address add {address} dev {link}" + (" nodad" if ":" in address else ""))

    def route(self, words: str) -> None:
        """`ip route add WORDS` in here ("default via 10.0.0.1")."""
        self.ip(f"route add {words}")

    def sysctl(self, name: str, value: int) -> None:
        """Writes a sysctl of this namespace; device names with dots need the slash form of sysctl(8)."""
        self.run("sysctl", "-q", "-w", f"{name}={value}")

    def read_sysctl(self, name: str) -> int:
        """Reads a sysctl of this namespace."""
        return int(self.run("sysctl", "-n", name))

    def quicken(self, link: str) -> None:
        """Makes neighbour resolution on a link give up early; the error stays the same."""
        own = (f"retrans_time_ms={ARP_RETRANSMIT_MS}", "proxy_delay=0")  # who answers for others does so at once, too
        files = (f"net/{family}/neigh/{link}/{each}" for family in ("ipv4", "ipv6") for each in own)
        self.run("sysctl", "-q", "-e", "-w", *files)  # a link without a family has no such file, which -e lets pass

    def settle(self, link: str) -> None:
        """Waits until a link that is up knows what its carrier says, which it learns later (net/core/link_watch.c)."""
        until = time.monotonic() + PATIENCE
        while _unsettled(self.ip_json(f"link show dev {link}")[0]["flags"]):
            if time.monotonic() > until:
                raise CommandFailed(f"{link} in {self.path} does not come to rest")
            time.sleep(0.01)

    def listening(self, port: int, protocol: str = "tcp") -> bool:
        """Whether a socket in here takes connections (or datagrams) on a port."""
        flag = "-lntH" if protocol == "tcp" else "-lnuH"
        return bool(self.run("ss", flag, f"sport = :{port}").strip())


@dataclass(frozen=True)
class End:
    """One end of a veth pair: where it goes, how it is called, and its addresses."""

    netns: Netns
    link: str
    addresses: tuple[str, ...] = ()


class World:
    """A set of namespaces and processes with one end. Use as a context manager, or call `close()`."""

    def __init__(self) -> None:
        self.prefix = f"pst{secrets.token_hex(3)}"
        self._namespaces: list[Netns] = []
        self._processes: list[subprocess.Popen[str]] = []

    def netns(self, label: str) -> Netns:
        """A new namespace called PREFIX-LABEL, with its loopback up."""
        netns = Netns(str(NETNS_FOLDER / f"{self.prefix}-{label}"), f"{self.prefix}-{label}")
        self._namespaces.append(netns)
        run(["ip", "netns", "add", netns.name])
        netns.ip("link set lo up")
        netns.sysctl("net.ipv4.icmp_ratelimit", 0)
        with suppress(CommandFailed):  # a kernel without IPv6
            netns.sysctl("net.ipv6.icmp.ratelimit", 0)
            netns.sysctl("net.ipv6.conf.default.accept_dad", 0)
        return netns

    def veth(self, one: End, other: End) -> None:
        """A veth pair between two namespaces, both ends up, at rest and with their addresses."""
        other_end = ["peer", "name", other.link, "netns", other.netns.name]
        run(["ip", "link", "add", one.link, "netns", one.netns.name, "type", "veth", *other_end])
        for end in (one, other):
            end.netns.quicken(end.link)
            end.netns.ip(f"link set {end.link} up")
            end.netns.address(end.link, *end.addresses)
        for end in (one, other):
            end.netns.settle(end.link)

    def bridge(self, netns: Netns, name: str, *addresses: str, ports: Sequence[str] = ()) -> None:
        """A bridge with addresses and ports, up.

        Up with its ports it has its carrier at once; without, the kernel takes up to a second to tell it of them.
        """
        netns.ip(f"link add {name} type bridge")
        netns.quicken(name)
        for port in ports:
            netns.ip(f"link set {port} master {name}")
        netns.ip(f"link set {name} up")
        netns.address(name, *addresses)

    def start(self, argv: Sequence[str], *, ready: str | None = None, **options: Any) -> subprocess.Popen[str]:
        """Starts a process that the world ends. With `ready`, waits until it prints a line that starts so."""
        stdout = subprocess.PIPE if ready else subprocess.DEVNULL
        options = {"stdout": stdout, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL, **options}
        process: subprocess.Popen[str] = subprocess.Popen([*DIE_WITH_US, *argv], text=True, **options)
        self._processes.append(process)
        if ready and process.stdout:
            line = process.stdout.readline()
            if not line.startswith(ready):
                raise CommandFailed(f"{' '.join(argv)}: {line.strip() or 'ended without a word'}")
        return process

    def python(self, netns: Netns, script: Path, *arguments: str, ready: str | None = None) -> subprocess.Popen[str]:
        """Starts a one-file script of the standard library in a namespace."""
        return self.start(netns.enter([sys.executable, "-I", "-S", str(script), *arguments]), ready=ready)

    def stop(self, process: subprocess.Popen[str], patience: float = PATIENCE) -> None:
        """Ends a process of this world: SIGTERM, then SIGKILL."""
        if process in self._processes:
            self._processes.remove(process)
        end(process, patience)

    def close(self) -> None:
        """Ends the processes, removes the namespaces, and raises for what could not be removed."""
        for process in reversed(self._processes):
            end(process)
        self._processes.clear()
        failures = []
        while self._namespaces:
            netns = self._namespaces.pop()
            try:
                if os.path.exists(netns.path):
                    run(["ip", "netns", "delete", netns.name])
            except CommandFailed as error:
                failures.append(str(error))
        if failures:
            raise CommandFailed("; ".join(failures))

    def __enter__(self) -> World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _unsettled(flags: Sequence[str]) -> bool:
    return "UP" in flags and ("LOWER_UP" in flags) == ("NO-CARRIER" in flags)


def end(process: subprocess.Popen[str], patience: float = PATIENCE) -> None:
    """Ends a child: SIGTERM, SIGKILL when it does not listen; waits for it and closes its pipes."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout:
        process.stdout.close()
