"""A look at a part of the host: the caller's namespace and those whose ids are wanted, the others out of sight.

A lab is looked at like that: what costs is visiting namespaces, and a machine may have hundreds of others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.observe.look import Look, look_within, set_scene

#: Says of a namespace's id whether it is wanted.
Wanted = Callable[[str], bool]


def look_part(wanted: Wanted) -> Look:
    """Reads that part. Raises ObserveError as `snapshot.take` does."""
    scene = set_scene()
    found = {inode: place for inode, place in scene.found.items() if inode == scene.host or wanted(scene.ids[inode])}
    return look_within(replace(scene, found=found))
