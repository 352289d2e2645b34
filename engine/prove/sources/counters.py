"""Counters before and after: of the network stack in a namespace, and of firewall rules. Parsers are pure.

A counter belongs to everybody: on a busy host others make it grow, too. One that should have grown and has not is proof
that the packet was not there; one that grew is a hint. Of the stack only those are kept that tell of a failure.

Sources: proc_pid_net(5), RFC 1213; net/ipv4/proc.c, net/ipv6/proc.c.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from engine.model.firewall import Backend, Firewall
from engine.model.proof import Growth
from engine.model.ref import Ref, RefKind, rule_name

FILES = ("snmp", "netstat", "snmp6")
_LARGEST = 1 << 16
#: Counters that speak of a packet that did not get through, by the names of /proc/net.
FAILURES = frozenset(
    (
        *("Ip.InHdrErrors", "Ip.InAddrErrors", "Ip.InDiscards", "Ip.OutDiscards", "Ip.OutNoRoutes"),
        *("IpExt.InNoRoutes", "TcpExt.IPReversePathFilter", "TcpExt.ListenOverflows", "TcpExt.ListenDrops"),
        *("TcpExt.TCPReqQFullDrop", "Udp.NoPorts", "Udp.InErrors", "Udp.RcvbufErrors", "Tcp.OutRsts"),
        *("Icmp.OutDestUnreachs", "Icmp.OutTimeExcds", "Ip6InAddrErrors", "Ip6InNoRoutes", "Ip6OutNoRoutes"),
        *("Ip6InDiscards", "Ip6OutDiscards", "Ip6InHdrErrors", "Udp6NoPorts", "Icmp6OutDestUnreachs"),
    )
)


class StackCounters:
    """The counters of the calling thread's namespace as they are now; `growth` reads them again, from any thread.

    Raises OSError where /proc does not show them.
    """

    def __init__(self, netns: str) -> None:
        self.netns = netns
        self._files: list[int] = []
        for name in FILES:
            try:
                self._files.append(os.open(f"/proc/thread-self/net/{name}", os.O_RDONLY | os.O_CLOEXEC))
            except FileNotFoundError:
                continue  # a kernel without IPv6 has no snmp6
        self._before = self._read()

    def _read(self) -> dict[str, int]:
        texts = [os.pread(each, _LARGEST, 0).decode("ascii", "replace") for each in self._files]
        return {name: value for text in texts for name, value in parse_counters(text).items()}

    def growth(self) -> tuple[Growth, ...]:
        """The failures that were counted meanwhile."""
        return stack_growth(self.netns, self._before, self._read())

    def close(self) -> None:
        """Lets go of the files."""
        while self._files:
            os.close(self._files.pop())


def parse_counters(text: str) -> dict[str, int]:
    """The counters of /proc/net/snmp and netstat ("Ip.InAddrErrors") or snmp6 ("Ip6InAddrErrors")."""
    found: dict[str, int] = {}
    names: dict[str, list[str]] = {}
    for line in text.splitlines():
        head, colon, rest = line.partition(":")
        words = rest.split() if colon else line.split()
        if not colon:
            if len(words) == 2 and words[1].isdigit():
                found[words[0]] = int(words[1])
        elif head not in names:
            names[head] = words
        else:
            found |= {
                f"{head}.{name}": int(value)
                for name, value in zip(names.pop(head), words, strict=False)
                if value.lstrip("-").isdigit()
            }
    return found


def stack_growth(netns: str, before: Mapping[str, int], after: Mapping[str, int]) -> tuple[Growth, ...]:
    """What grew, of the counters that speak of failures."""
    changes = ((name, after.get(name, 0) - before.get(name, 0)) for name in sorted(FAILURES))
    return tuple(Growth(netns, name, by) for name, by in changes if by > 0)


def rule_growth(netns: str, before: Firewall, after: Firewall) -> tuple[Growth, ...]:
    """By how much the packet counter of each rule grew, 0 where it stands; rules without counter are left out.

    A rule is the same one where its place and its text (without counters) are.
    """
    counted = dict(_counters(netns, before))
    return tuple(
        Growth(netns, ref.name, packets - counted[ref], ref)
        for ref, packets in _counters(netns, after)
        if ref in counted and packets >= counted[ref]
    )


def _counters(netns: str, firewall: Firewall) -> Iterator[tuple[Ref, int]]:
    for table in firewall.tables:
        for chain in table.chains:
            for rule in chain.rules:
                if rule.packets is not None:
                    key = (str(table.backend), table.family, table.name, chain.name, rule.index)
                    handle = rule.handle if table.backend is Backend.NFT else None
                    name = rule_name(f"{table.name}/{chain.name}", rule.index, handle)
                    yield Ref(RefKind.RULE, netns, key, name), rule.packets
