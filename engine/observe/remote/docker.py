"""The machine on which a Docker engine runs, read by a container with its process, network and mount namespaces.

That is how the Linux behind Docker Desktop, Colima or a remote engine is read: by `nsenter` into process 1, in a
privileged container which ends with the script and is removed. Its image is one of a few that are trusted with that,
and is there already: nothing is pulled.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from engine.model.host import Snapshot
from engine.observe.remote.collecting import RemoteError, read, run
from engine.programs import environment, find

#: Seconds for what the engine says of itself.
_SOON = 20.0
#: Images whose shell and nsenter are run with all rights on the machine: Docker's official ones.
TRUSTED = ("alpine", "busybox", "debian", "ubuntu")
#: How the container begins: it enters the namespaces of the machine's process 1, and has a shell there.
_INSIDE = ("nsenter", "--target", "1", "--mount", "--uts", "--ipc", "--net", "--pid", "--", "sh", "-s")
#: What the container is given.
_RIGHTS = ("--rm", "-i", "--pull", "never", "--privileged", "--pid", "host", "--network", "none", "--entrypoint", "")


def take(context: str) -> Snapshot:
    """The snapshot of the machine of a Docker context. Raises `RemoteError`."""
    place = f"docker://{context}"
    docker = find("docker")
    if docker is None:
        raise RemoteError(f"{place}: there is no docker here: install Docker's client")
    client = (docker, "--context", context) if context else (docker,)
    failures = []
    for image in _images(client, place):
        printed = run((*client, "run", *_RIGHTS, image, *_INSIDE), place)
        if printed.output:
            return read(printed, place)
        failures.append(printed.complaint.strip().splitlines()[-1:] or [f"exit {printed.status}"])
    said = failures[0][0][:200] if failures else f"it has none of {', '.join(TRUSTED)}"
    raise RemoteError(f"{place}: no container could read the host ({said}): `docker --context {context} pull alpine`")


def _images(client: Sequence[str], place: str) -> list[str]:
    """Which of the images that are trusted with the machine's namespaces are there."""
    try:
        done = subprocess.run(
            [*client, "image", "ls", "--format", "{{.Repository}} {{.ID}}"],
            capture_output=True,
            text=True,
            timeout=_SOON,
            check=False,
            env=environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RemoteError(f"{place}: the engine does not answer: {type(error).__name__}") from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or [f"exit {done.returncode}"]
        raise RemoteError(f"{place}: {said[0][:200]}")
    there = dict(reversed([line.split(" ", 1) for line in done.stdout.splitlines() if " " in line]))
    return [there[name] for name in TRUSTED if name in there]
