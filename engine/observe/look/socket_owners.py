"""Who holds which listening socket, at a look and at the next one.

A process that still runs under its name is taken to hold what it held: its descriptors are read again only where a
visit was asked for holders. What changes with the table of processes is told at once: that a holder ended (then its
sockets are looked for among all), and that it was stopped or goes on. A socket that nobody held, as the kernel's own,
is looked for among processes that came since.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from engine.model.host import Gap
from engine.observe.base.namespaces import NetnsRef
from engine.observe.look.netns_reader import Visit
from engine.observe.proc.processes import NOBODY, Holder, Holders, ProcessTable, read_holders
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class SocketOwners:
    """What an earlier look knows: its processes, holders by socket, and the sockets for which it found none."""

    table: ProcessTable
    holders: Holders
    vain: Collection[int]


NOTHING_HELD = SocketOwners(ProcessTable(), NOBODY, frozenset())


def held_then(
    table: ProcessTable, visits: Mapping[str, Visit], holders: Holders, unheld: Collection[Gap], forget: Collection[int]
) -> SocketOwners:
    """What a look knows for the next one, but for sockets to `forget`. Where holders hid, all are looked for again."""
    vain = {each.inode for seen in visits.values() for each in seen.listeners} - holders.keys() if not unheld else ()
    return SocketOwners(table, {inode: holder for inode, holder in holders.items() if inode not in forget}, vain)


def holders_of(
    table: ProcessTable,
    places: Mapping[str, NetnsRef],
    visits: Mapping[str, Visit],
    before: SocketOwners = NOTHING_HELD,
) -> tuple[Holders, tuple[Gap, ...]]:
    """Who holds which socket: what the visits tell, what was known before, and for the other sockets any process."""
    told = {**before.holders, **{inode: holder for seen in visits.values() for inode, holder in seen.holders.items()}}
    inodes = {netns: [listener.inode for listener in seen.listeners] for netns, seen in visits.items()}
    kept = {inode: holder for each in inodes.values() for inode in each if (holder := _now(told.get(inode), table))}

    def left(vain: bool) -> dict[int, list[int]]:
        missing = ((places[netns].inode, each) for netns, each in inodes.items())
        return {key: [inode for inode in each if inode not in kept and (inode in before.vain) is vain]
                for key, each in missing}  # fmt: skip

    ids = {places[netns].inode: netns for netns in visits}
    others, unheld = read_holders(table, left(vain=False), ids)
    late = tuple(each for each in table.processes if each.pid not in before.table.by_pid)
    found, _ = read_holders(ProcessTable(late), left(vain=True)) if late else (NOBODY, ())
    return {**kept, **found, **others}, unheld


def _now(holder: Holder | None, table: ProcessTable) -> Holder | None:
    """The holder as the table has it, the very same one where nothing is different; None where it ended."""
    process = table.by_pid.get(holder.process.pid) if holder is not None else None
    if holder is None or process is None or process.name != holder.process.name:
        return None
    if (state := process.state) != holder.process.state and "T" in (state.upper(), holder.process.state.upper()):
        return replace(holder, process=replace(holder.process, state=state))
    return holder
