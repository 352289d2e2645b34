"""Tracked flows of a namespace, as conntrack(8) restores them: what is translated on its way already stays so."""

from __future__ import annotations

from collections.abc import Iterator

from engine.change.restore import CONNTRACK, Restore
from engine.lab.twin.left_out import Omissions
from engine.model.address import IPAddress, end_of
from engine.model.host import Netns
from engine.model.packet import Protocol
from engine.model.traffic import ConntrackEntry

#: Flows that are rebuilt in a namespace: those with the longest time to live.
MOST = 2000
#: Seconds that a flow lives at least: a twin shall not differ from its snapshot by the time that it took to build.
SHORTEST = 600
WITH_PORTS = frozenset((Protocol.TCP, Protocol.UDP, Protocol.SCTP))
STATUSES = {"seen-reply": "SEEN_REPLY", "assured": "ASSURED"}


def flows(netns: Netns, here: str, out: Omissions) -> Restore | None:
    """The flows of a namespace; None where it has none to tell."""
    lines: list[str] = []
    for entry in sorted(netns.conntrack, key=lambda each: -each.timeout):
        if entry.protocol not in WITH_PORTS or entry.labels:
            why = "flows with labels, and those of other protocols than TCP, UDP and SCTP, are not rebuilt"
            out.leave(netns.id, f"flow {entry.protocol} {entry.original.src} → {entry.original.dst}", why)
        elif len(lines) == MOST:
            out.leave(
                netns.id, f"flow {entry.original.src} → {entry.original.dst}", f"more than {MOST} are not rebuilt"
            )
        else:
            lines.append(" ".join(_words(entry)))
    return Restore(here, CONNTRACK, tuple(lines)) if lines else None


def _words(entry: ConntrackEntry) -> Iterator[str]:
    first, answer = entry.original, entry.reply
    yield f"-A -p {entry.protocol} -s {first.src} -d {first.dst} --sport {first.sport} --dport {first.dport}"
    if (answer.src, answer.sport) != (first.dst, first.dport):
        yield f"--dst-nat {_end(answer.src, answer.sport, first.dport)}"
    if (answer.dst, answer.dport) != (first.src, first.sport):
        yield f"--src-nat {_end(answer.dst, answer.dport, first.sport)}"
    yield f"-t {max(entry.timeout, SHORTEST)}"
    if entry.state.isupper() and entry.state.replace("_", "").isalpha() and entry.protocol is not Protocol.UDP:
        yield f"--state {entry.state}"
    told = [word for name, word in STATUSES.items() if name in entry.status]
    if told:
        yield f"-u {','.join(told)}"
    if entry.mark:
        yield f"-m {entry.mark}"
    if entry.zone:
        yield f"-w {entry.zone}"


def _end(address: IPAddress, port: int | None, before: int | None) -> str:
    return str(address) if port == before else end_of(address, port)
