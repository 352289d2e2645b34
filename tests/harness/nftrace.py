"""All that nf_tables does with any packet in one namespace: what `engine.prove` reads, with rules by their place.

`Tracer.start` marks every packet and bridged frame for tracing, as early as it can; the kernel queues what it tells
while it handles the packet, so after the packet has come to its end it is all there: `stop` gives it and ends tracing.
The place of a rule in its chain is asked of nft, not of portscope.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from engine.model.packet import ECHO, Packet, Protocol
from engine.model.proof import RuleSeen
from engine.observe.base.namespaces import NetnsRef, apart, enter
from engine.prove.packets.headers import is_error
from engine.prove.packets.patterns import everything
from engine.prove.sources.nfnetlink import NfnetlinkListener
from engine.prove.sources.nftrace import listen, parse_traces
from engine.prove.sources.nftrace_rules import Marking
from tests.harness.netns import Netns

EVERYTHING = (everything("ip"), everything("ip6"))
FAMILIES = ("ip", "ip6", "bridge")


@dataclass(frozen=True)
class Event:
    """A rule that a packet got through to its end, or the policy of a base chain (then `index` is -1)."""

    packet: Packet
    family: str
    table: str
    chain: str
    index: int
    verdict: str


class Tracer:
    """Hears what happens in one namespace."""

    def __init__(self, netns: Netns) -> None:
        self.netns = netns
        self.indexes, self.silent, self.untold = _rules(netns)
        self._marking: Marking | None = None
        self._listener = self._inside(listen)

    def _inside(self, make: Any) -> Any:
        def inside() -> Any:
            enter(NetnsRef(os.stat(self.netns.path).st_ino, ways=(self.netns.path,)))
            return make()

        return apart(inside)

    def start(self) -> None:
        """From now on packets are traced."""
        self._marking = self._inside(lambda: Marking(EVERYTHING, FAMILIES))

    def stop(self) -> tuple[Event, ...]:
        """Ends tracing; what was heard, in order."""
        if self._marking:
            self._marking.close()
        return self.drain()

    def drain(self) -> tuple[Event, ...]:
        """What was heard since the last time, in order."""
        listener: NfnetlinkListener = self._listener
        heard, whole = listener.drain()
        assert whole, "the kernel had more to tell than fits"
        seen = parse_traces(self.netns.name, heard)
        return tuple(event for each in seen if (event := self._event(each)))

    def close(self) -> None:
        """Ends all of it, whatever happened."""
        if self._marking:
            self._marking.close()
        self._listener.close()

    def _event(self, seen: RuleSeen) -> Event | None:
        """Neighbour discovery is none of the conversation; an empty chain's accepting policy is no decision."""
        packet = seen.packet
        asks = packet.protocol is Protocol.ICMPV6 and not is_error(packet)
        if asks and packet.icmp_type not in ECHO[Protocol.ICMPV6]:
            return None
        place = seen.family, seen.table, seen.chain
        if place in self.untold:
            return None
        if seen.handle is None:
            quiet = seen.verdict == "accept" and place in self.silent
            return None if quiet else Event(seen.packet, *place, -1, seen.verdict)
        return Event(seen.packet, *place, self.indexes[*place, seen.handle], seen.verdict)


Chain = tuple[str, str, str]


def _rules(netns: Netns) -> tuple[dict[tuple[str, str, str, int], int], set[Chain], set[Chain]]:
    """The place of every rule in its chain, by handle; the chains that have no rules; and those of devices, which a
    packet meets before it can be marked for tracing."""
    listed: dict[str, Any] = json.loads(netns.run("nft", "-j", "-a", "list", "ruleset"))
    indexes: dict[tuple[str, str, str, int], int] = {}
    chains: dict[Chain, int] = {}
    untold: set[Chain] = set()
    for item in listed["nftables"]:
        if chain := item.get("chain"):
            chains.setdefault((chain["family"], chain["table"], chain["name"]), 0)
            if chain.get("hook") in ("ingress", "egress"):
                untold.add((chain["family"], chain["table"], chain["name"]))
        if rule := item.get("rule"):
            place = rule["family"], rule["table"], rule["chain"]
            indexes[(*place, rule["handle"])] = chains.setdefault(place, 0)
            chains[place] += 1
    return indexes, {place for place, count in chains.items() if not count}, untold
