"""Lines of a file that an answer points to, read where the programs of its namespace see it."""

from __future__ import annotations

from engine.model.application.naming import NameConfig
from engine.model.host import Snapshot
from engine.model.ref import Ref
from engine.observe.base.inside_root import Root

#: A longer line is cut.
_LONGEST = 400


def lines_of(snapshot: Snapshot, ref: Ref) -> tuple[tuple[int, str], ...]:
    """The lines of the file of a pointer (RefKind.FILE), numbered from 1. Raises OSError."""
    path = str(ref.key[0])
    with Root(_root(snapshot, ref.netns, path)) as root:
        text = root.read(path).decode("utf-8", "replace")
    return tuple((number, line[:_LONGEST]) for number, line in enumerate(text.splitlines(), 1))


def _root(snapshot: Snapshot, netns: str, path: str) -> str:
    """The root that a file of a namespace is below: that of its proxy, else of its container, else the host's."""
    proxy = next((each for each in snapshot.proxies if each.netns == netns and each.pids), None)
    own = next((each for each in snapshot.containers if each.netns == netns and each.pid is not None), None)
    if proxy is not None and not _is_of_names(snapshot.name_configs, netns, path):
        return f"/proc/{proxy.pids[0]}/root"
    return f"/proc/{own.pid}/root" if own is not None else "/"


def _is_of_names(configs: tuple[NameConfig, ...], netns: str, path: str) -> bool:
    return any(path in (each.hosts_file, each.resolv_file) for each in configs if each.netns == netns)
