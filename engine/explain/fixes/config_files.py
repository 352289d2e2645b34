"""Where a file of a program's configuration is written: on the host, where it is mounted from, or in the container."""

from __future__ import annotations

from engine.model.container import Container


def written_at(container: Container | None, path: str) -> tuple[str, tuple[str, ...]]:
    """A file's path, and what runs a shell where that is: nothing for a file of the host, or one mounted from there."""
    if container is None:
        return path, ()
    for mount in sorted(container.mounts, key=lambda each: -len(each.target)):
        if path == mount.target or path.startswith(f"{mount.target.rstrip('/')}/"):
            return mount.source + path[len(mount.target) :], ()
    return path, (*(container.command or (container.engine,)), "exec", container.name)
