"""Builds a scenario quickly, in a worker's own mounts and networks, in the order of tests/scenarios/README.md.

What `tests.harness.scenes` does with a process for each command is done here with one `ip -batch` for a namespace, and
with system calls where there is one. A namespace bears the name that the scenario gives it. `Refused` says what the
kernel or a tool would not take: then there is no such host.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from engine.change.words import sysctl_path
from engine.model.host import Snapshot
from engine.observe.look.snapshot import take
from tests.fidelity.fuzz.kernel import Kernel
from tests.fidelity.fuzz.sockets import Sockets, inside
from tests.harness.netns import NETNS_FOLDER, PATIENCE, CommandFailed, Netns, run
from tests.harness.scenes import RELAY
from tests.scenarios.scenario import End, Firewall, Namespace, Scenario

CLONE_NEWNET, MS_BIND, MNT_DETACH = 0x40000000, 0x1000, 2
#: Milliseconds between two ARP questions, three of which make a neighbour unreachable.
ARP_RETRANSMIT = 40
#: As tests.harness.netns sets up a namespace; and nothing is sent a second time, so that a question is over at once.
SETTINGS = {
    "net/ipv4/icmp_ratelimit": 0,
    "net/ipv6/icmp/ratelimit": 0,
    "net/ipv6/conf/default/accept_dad": 0,
    "net/ipv4/tcp_synack_retries": 0,
}
#: Milliseconds after which SCTP sends its first packet again: as long as TCP waits.
SCTP_AGAIN = "net/sctp/rto_initial"
_libc = ctypes.CDLL(None, use_errno=True)


class Refused(Exception):
    """The kernel or a tool would not take a part of the scenario."""


class Stage:
    """A scenario that stands. Close it before the next one is built."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.sockets = Sockets()
        self.kernels: dict[str, Kernel] = {}
        self._relays: list[subprocess.Popen[str]] = []
        self._made: list[Path] = []
        try:
            self._build()
        except CommandFailed as error:
            self.close()
            raise Refused(str(error)) from error
        except OSError as error:
            self.close()
            raise Refused(f"{error}") from error

    def _build(self) -> None:
        spaces = self.scenario.namespaces
        for each in spaces:
            self._netns(each.name)
        ends = [end for wire in self.scenario.wires for end in wire]
        _batch(
            f"link add {a.link} netns {a.netns} type veth peer name {b.link} netns {b.netns}"
            for a, b in self.scenario.wires
        )
        for each in spaces:
            with inside(each.name):
                _links(each, [end for end in ends if end.netns == each.name])
        for each in spaces:
            self._stack(each)
        for each in spaces:
            with inside(each.name):
                _batch(f"link set {words}" for words in each.settings)
                for words in each.vlans:
                    run(["bridge", "vlan", *words.split()])
        for each in spaces:
            self._furnish(each)
        self.settle()

    def settle(self) -> None:
        """Waits until nothing follows any more. A device tells those of other namespaces that stand on it, which may
        have been asked already: all are asked twice."""
        until = time.monotonic() + PATIENCE
        while not all(kernel.settled() for _ in range(2) for kernel in self.kernels.values()):
            if time.monotonic() > until:
                raise CommandFailed("the devices do not come to rest")
            time.sleep(0.01)

    def _netns(self, name: str) -> None:
        path = NETNS_FOLDER / name
        path.touch()
        self._made.append(path)
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _check(_libc.unshare(CLONE_NEWNET))
        try:
            _check(_libc.mount(b"/proc/thread-self/ns/net", str(path).encode(), None, MS_BIND, None))
            for setting, value in SETTINGS.items():
                _write(setting, value)
            if Path("/proc/sys", SCTP_AGAIN).exists():
                _write(SCTP_AGAIN, 1000)
        finally:
            _check(_libc.setns(home, CLONE_NEWNET))
            os.close(home)

    def _stack(self, each: Namespace) -> None:
        """The devices that stand on others, up, in the namespaces that they are made for."""
        with inside(each.name):
            _batch(f"link add {words}" for words in each.links)
        for words in each.links:
            link, place = words.split()[0], _place_of(words) or each.name
            with inside(place):
                _batch([f"link set {link} up"])
                _quicken(link)

    def _furnish(self, each: Namespace) -> None:
        with inside(each.name):
            _batch(f"address add {words}" for words in each.addresses)
            for words in each.fdb:
                run(["bridge", "fdb", "append", *words.split()])
            for name, value in each.sysctls:
                _write(sysctl_path(name), value)
            _of_families(f"nexthop add {words}" for words in each.nexthops)
            _of_families(f"route add {words}" for words in each.routes)
            _of_families(f"rule add {words}" for words in each.rules)
            _batch(f"neigh replace {words}" for words in each.neighbours)
            _batch(f"xfrm {words}" for words in each.ipsec)
            for rules in each.firewall:
                _load(rules)
        self._track(each)
        if each.listeners:
            self.sockets.listen(each.name, each.listeners)
        self._relays += [_relay(each.name, words.split()) for words in each.relays]
        if each.down:
            with inside(each.name):
                _batch(f"link set {link} down" for link in each.down)
        self.kernels[each.name] = Kernel(each.name)

    def _track(self, each: Namespace) -> None:
        """The flows that the namespace has tracked before any question."""
        with inside(each.name):
            for words in each.flows:
                run(["conntrack", "-I", *words.split()])

    def look(self) -> Snapshot:
        """The snapshot from the scenario's host."""
        with inside(self.scenario.host):
            seen = take()
        ours = {each.name for each in self.scenario.namespaces}
        return replace(
            seen,
            namespaces=tuple(netns for netns in seen.namespaces if netns.id in ours),
            containers=(),
            networks=(),
            gaps=tuple(gap for gap in seen.gaps if gap.netns in ours),
        )

    def trace(self) -> None:
        """From now on nf_tables tells what packets meet."""
        for each in self.scenario.namespaces:
            if any("nft" in rules.backend for rules in each.firewall):
                self.kernels[each.name].trace(self.netns(each.name))

    def netns(self, name: str) -> Netns:
        """A namespace as the harness knows it."""
        return Netns(str(NETNS_FOLDER / name), name)

    def forget(self) -> None:
        """Brings everything back to where no packet was sent."""
        self.sockets.settle()
        for kernel in self.kernels.values():
            kernel.forget()
        self.sockets.settle()
        for each in self.scenario.namespaces:
            self._track(each)

    def close(self) -> None:
        """Removes everything."""
        for process in self._relays:
            process.kill()
            process.communicate()
        self.sockets.close()
        for kernel in self.kernels.values():
            kernel.close()
        for path in self._made:
            _libc.umount2(str(path).encode(), MNT_DETACH)
            path.unlink(missing_ok=True)


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _batch(lines: Iterable[str], *options: str) -> None:
    """Runs lines of ip(8) in the namespace that this thread is in."""
    text = "\n".join(lines)
    if text:
        run(["ip", *options, "-batch", "-"], stdin=text + "\n")


def _of_families(lines: Iterable[str]) -> None:
    """Lines of ip(8); `-6` is an option of the whole run."""
    all_lines = list(lines)
    _batch(line for line in all_lines if " add -6 " not in line)
    _batch((line.replace(" add -6 ", " add ") for line in all_lines if " add -6 " in line), "-6")


def _write(setting: str, value: int) -> None:
    Path("/proc/sys", setting).write_text(f"{value}\n")


def _quicken(link: str) -> None:
    for family in ("ipv4", "ipv6"):
        with suppress(OSError):
            _write(f"net/{family}/neigh/{link}/retrans_time_ms", ARP_RETRANSMIT)
            _write(f"net/{family}/neigh/{link}/proxy_delay", 0)  # who answers for others does so at once


def _links(each: Namespace, ends: list[End]) -> None:
    """Links and addresses of a namespace, from inside."""
    lines = ["link set lo up"]
    for end in ends:
        lines += [f"link set {end.link} up"]
        lines += [f"link set {end.link} address {end.mac}"] if end.mac else []
    for bridge in each.bridges:
        # A bridge that snoops joins a group of its own and reports that, at a time of its choice.
        lines += [f"link add {bridge.name} type bridge mcast_snooping 0"]
        # Up with its ports it has its carrier at once; without, the kernel takes up to a second to tell it of them.
        lines += [f"link set {port.split()[0]} master {bridge.name}" for port in bridge.ports]
        lines += [f"link set {bridge.name} up"]
        for port in bridge.ports:
            name, *options = port.split()
            lines += [f"link set {name} type bridge_slave {' '.join(options)}"] if options else []
        lines += [_address(bridge.name, address) for address in bridge.addresses]
    lines += [_address(end.link, address) for end in ends for address in end.addresses]
    _batch(lines)
    for link in (*(end.link for end in ends), *(bridge.name for bridge in each.bridges)):
        _quicken(link)


def _place_of(words: str) -> str:
    """The namespace that a link is made for; "" for its own."""
    _, found, place = words.partition(" netns ")
    return place.split()[0] if found else ""


def _relay(netns: str, options: list[str]) -> subprocess.Popen[str]:
    """A userland proxy, listening."""
    with inside(netns):
        argv = [sys.executable, "-I", "-S", str(RELAY), *options]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    if process.stdout.readline().strip() != "ready":
        process.kill()
        process.communicate()
        raise OSError(f"no relay: {' '.join(options)}")
    return process


def _address(link: str, address: str) -> str:
    return f"address add {address} dev {link}" + (" nodad" if ":" in address else "")


def _load(rules: Firewall) -> None:
    if rules.backend == "nft":
        run(["nft", "-f", "-"], stdin=rules.text)
    elif rules.backend == "ipset":
        run(["ipset", "restore"], stdin=rules.text)
    elif rules.backend == "ebtables-nft":
        run(["ebtables-nft-restore"], stdin=rules.text)
    else:
        run([f"{rules.backend}-restore", "--noflush"], stdin=rules.text)
