"""The resolver of a lab: one process with a socket in each namespace that has names, all of it in its command line.

Its words name the files of namespaces. Which namespace that is says the file's inode, seen through the root of the
process, as an ordinary user's lab has a /run of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress

from engine.model.application import lab_resolver
from engine.model.application.lab_resolver import LAB_RESOLVER
from engine.model.application.naming import Resolver

#: The files of namespaces that a lab has; what else a stranger's command line names is not looked at.
_FOLDER = "/run/netns/"
#: Words of Python before those of the resolver: `python -P -m MODULE`.
_FIRST = "{"
#: Bytes of a command line that are looked at.
_LONGEST = 1 << 20


def doors(pid: int, ids: Mapping[int, str]) -> Iterator[Resolver]:
    """The doors of one process, in namespaces whose ids are given by inode; none of one that has ended."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            text = file.read(_LONGEST).decode("utf-8", "replace").rstrip("\0")
        tables, found = lab_resolver.parse(word for word in text.split("\0") if word.startswith(_FIRST))
    except (OSError, ValueError, RecursionError):
        return
    for door in found:
        name = door.netns.removeprefix(_FOLDER)
        if door.netns.startswith(_FOLDER) and "/" not in name:
            with suppress(OSError):
                netns = ids.get(os.stat(f"/proc/{pid}/root{_FOLDER}{name}").st_ino)
                if netns is not None:
                    yield Resolver(netns, pid, LAB_RESOLVER, door.zones(tables), door.servers)
