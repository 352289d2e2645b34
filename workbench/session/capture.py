"""The command that captures a question's packets in a namespace: tcpdump(1), and a line for Wireshark."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from engine.model.host import Snapshot
from engine.model.packet import ECHO_PROTOCOLS
from engine.model.verdict import Verdict
from engine.model.where import Argv, seen
from views.path.rows import legs


def entered(snapshot: Snapshot, netns: str, *words: str) -> Argv:
    """The words that run a program in a namespace. Raises ValueError where no file enters it."""
    return (*seen(snapshot).enter(netns), *words)


def capture(snapshot: Snapshot, netns: str, device: str, verdict: Verdict | None) -> Argv:
    """tcpdump in a namespace, of what passes a device ("any": all of them); with an answer of its packets alone.

    Raises ValueError where no file enters the namespace.
    """
    return entered(snapshot, netns, "tcpdump", "-n", "-e", "-i", device, *_filter(verdict, netns))


def in_wireshark(snapshot: Snapshot, netns: str, device: str, verdict: Verdict | None) -> str:
    """A line for a shell that pipes the same packets into Wireshark. Raises ValueError as `capture` does."""
    words = entered(snapshot, netns, "tcpdump", "-U", "-w", "-", "-i", device, *_filter(verdict, netns))
    return f"{shlex.join(words)} | wireshark -k -i -"


def _filter(verdict: Verdict | None, netns: str) -> tuple[str, ...]:
    """What pcap-filter(7) passes: the protocol, and every port that the question's packets have in the namespace, since
    NAT may give them others; where they do not come by, those that they were sent with."""
    if verdict is None:
        return ()
    if verdict.question.protocol in ECHO_PROTOCOLS:
        return ("icmp or icmp6",)
    ports = sorted(set(_ports(verdict, netns)) or {verdict.question.port})
    named = " or ".join(f"port {port}" for port in ports)
    return (f"({verdict.question.protocol} and ({named})) or icmp or icmp6",)


def _ports(verdict: Verdict, netns: str) -> Iterator[int]:
    """The server's ports of the request's packets in a namespace, before and after each rewrite."""
    for leg in legs(verdict.conversation):
        for hop in leg.trace.hops:
            if hop.netns == netns and leg.trace is not verdict.conversation.reply:
                for packet in (hop.packet, *(step.after for step in hop.steps if step.after is not None)):
                    if packet.dport is not None and packet.sport is not None and packet.dport < packet.sport:
                        yield packet.dport
