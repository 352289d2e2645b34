"""The firewall of a namespace, text by text, in the order in which its chains were hooked in.

Chains of one hook and priority run in an order that hangs on which came first (the later one first): tables are loaded
so that those keep it. iptables-legacy hooks in before nf_tables here, as the snapshot does not say which came first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.lab.twin.firewall import ipsets, nft_text, restore_text
from engine.lab.twin.left_out import Omissions
from engine.model.firewall import Backend, Table
from engine.model.host import Netns
from engine.model.plan import Change


def rules(netns: Netns, here: str, out: Omissions) -> Iterator[Change]:
    """What loads the firewall of a namespace; `here` is its name in the twin."""
    firewall = netns.firewall
    if (sets := ipsets.restored(netns.id, here, firewall, out)) is not None:
        yield sets
    _unbuilt(netns, out)
    waiting: list[Table] = []
    for table in _in_order(firewall.tables):
        if table.backend is Backend.NFT and not _of_iptables(table):
            waiting.append(table)
            continue
        yield from _script(netns, here, waiting, out)
        waiting = []
        yield from restore_text.restored(netns.id, here, table, out)
    yield from _script(netns, here, waiting, out)


def _script(netns: Netns, here: str, tables: list[Table], out: Omissions) -> Iterator[Change]:
    script = nft_text.scripted(netns.id, here, tables, out) if tables else None
    if script is not None:
        yield script


def _of_iptables(table: Table) -> bool:
    """Whether a table of nf_tables has rules in the format of ebtables or arptables."""
    return table.family in ("bridge", "arp") and any(
        rule.text.lstrip().startswith("-A ") for chain in table.chains for rule in chain.rules
    )


def _in_order(tables: Iterable[Table]) -> list[Table]:
    """iptables-legacy first, then by when the first chain of each was hooked in."""

    def rank(table: Table) -> tuple[bool, int]:
        hooked = [chain.base.registered for chain in table.chains if chain.base and chain.base.registered is not None]
        return table.backend is not Backend.XT_LEGACY, min(hooked, default=0)

    return sorted(tables, key=rank)


def _unbuilt(netns: Netns, out: Omissions) -> None:
    """What else decides, and is not built: programs on devices, listeners on queues."""
    for number in netns.firewall.queues or ():
        out.leave(
            netns.id,
            f"the program at queue {number}",
            "what it says of a packet is not known",
            "packets for it are dropped",
        )
    for link in netns.links:
        for program in link.programs:
            what = f"{program.hook} program {program.name or program.kind} of {link.name}"
            out.leave(netns.id, what, "what it does is not in the snapshot", "packets pass where it may drop them")
    backends = {table.backend for table in netns.firewall.tables}
    if Backend.XT_LEGACY in backends and len(backends) > 1:
        what = "the order of iptables-legacy and nf_tables at one priority"
        out.leave(netns.id, what, "the snapshot does not say it; iptables-legacy runs first in the twin")
