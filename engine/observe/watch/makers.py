"""Who made a change: what the kernel's notifications say of it.

1. A notification of rtnetlink has the port of the socket that asked for the change, which is the process's id where
   it is its first socket; what the kernel does in consequence has port 0.
2. nftables names with each generation of its rules the process that committed it.
3. Of a kind of thing in a namespace that only one process changed meanwhile, each change was made by that one. Where
   there were several, and where nothing says so (iptables-legacy, sysctls written to files), it is not known.
4. A program that listens is its own maker.

Sources: net/core/rtnetlink.c (rtnl_notify), net/netlink/af_netlink.c (netlink_autobind),
net/netfilter/nf_tables_api.c (nf_tables_fill_gen_info).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.change.actor import Actor
from engine.change.differences import Difference, How
from engine.model.host import Snapshot
from engine.observe.base.errors import NetlinkError
from engine.observe.netlink.client import attributes, ported_messages
from engine.observe.netlink.decode import be32
from engine.observe.watch.executions import Executions
from engine.records import replace

#: What the messages of rtnetlink are about, in the words of `Difference`.
KINDS = {
    **dict.fromkeys((16, 17), "link"),
    **dict.fromkeys((20, 21), "address"),
    **dict.fromkeys((24, 25, 104, 105), "route"),
    **dict.fromkeys((28, 29), "neighbour"),
    **dict.fromkeys((32, 33), "policy rule"),
    **dict.fromkeys((80, 81), "sysctl"),
}
FIREWALL = frozenset({"table", "chain", "rule", "set"})
_NEWGEN = 10 << 8 | 15
_GEN_PID, _GEN_NAME = 2, 3
#: An id of a process is no larger (PID_MAX_LIMIT); other ports were given by the kernel.
_LARGEST_PID = 1 << 22


def made(netns: str, heard: Iterable[bytes], makers: Executions) -> dict[tuple[str, str], set[Actor]]:
    """Who made something of which kind in a namespace, of the notifications of one of its sockets."""
    found: dict[tuple[str, str], set[Actor]] = {}
    try:
        for data in heard:
            for kind, _, _, port, body in ported_messages(data):
                if kind == _NEWGEN:
                    found.setdefault((netns, "firewall"), set()).add(_committer(body, makers))
                elif kind in KINDS:
                    actor = makers.of(port) if 0 <= port <= _LARGEST_PID else Actor("", port)
                    found.setdefault((netns, KINDS[kind]), set()).add(actor)
    except NetlinkError:
        return found
    return found


def _committer(body: bytes, makers: Executions) -> Actor:
    """Who committed a generation of rules. Raises NetlinkError."""
    parts = attributes(body, 4)
    pid = be32(parts[_GEN_PID]) if _GEN_PID in parts else 0
    return makers.of(pid, parts.get(_GEN_NAME, b"").split(b"\0")[0].decode(errors="replace"))


def attributed(
    changed: Sequence[Difference], sides: tuple[Snapshot, Snapshot], by: dict[tuple[str, str], set[Actor]]
) -> tuple[Difference, ...]:
    """The changes, each with who made it, where that is known. `sides` are the snapshots before and after."""
    return tuple(replace(each, by=_maker(each, sides, by)) for each in changed)


def _maker(change: Difference, sides: tuple[Snapshot, Snapshot], by: dict[tuple[str, str], set[Actor]]) -> Actor | None:
    if change.what == "listener":
        return _listening(change, sides[change.how is not How.DELETED])
    actors = by.get((change.netns, "firewall" if change.what in FIREWALL else change.what), set())
    asked = {each for each in actors if each.pid} or actors
    return next(iter(asked)) if len(asked) == 1 else None


def _listening(change: Difference, snapshot: Snapshot) -> Actor | None:
    """The program that listens, or listened."""
    netns = snapshot.by_id.get(change.netns)
    held = (each for each in netns.listeners if change.name.startswith(str(each))) if netns else ()
    process = next((each.process for each in held if each.process), None)
    return Actor(process.name, process.pid) if process else None
