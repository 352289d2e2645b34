"""Several hosts at once: files, machines that ssh reaches, Docker's contexts, and this host, joined into one snapshot.

`--with` adds a host, and so does `ssh://HOST/` before a target or a source. This host (or `--snapshot`) is among them
where the question says something without a host's name. Machines are read side by side; one that cannot be read leaves
a line, and is missing only where the question is about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from engine.model.host import Gap, Snapshot
from engine.records import dataclass, replace
from workbench import output, world
from workbench.exits import Refusal, complain, usage

if TYPE_CHECKING:
    from engine.observe.remote.ssh import SshPlace
    from engine.several.edge.nouns import EdgeFile
    from engine.several.naming import Given

#: Machines that are read at the same time.
AT_ONCE = 16
#: `ssh://[USER@]HOST[:PORT]/REST` as a target or source.
_BY_SSH = re.compile(r"(ssh://[^/\s]+)(?:/(.*))?")
_NAMED = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]*)=(.+)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A host to read: what was written for it, and the name that it was given there, if any."""

    spec: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """The snapshot of all hosts, with the target and the source as they are called in it."""

    snapshot: Snapshot
    target: str
    source: str


def gather(target: str, source: str, withs: Sequence[str], first: Path | None, edge: Path | None = None) -> Asked:
    """Reads the hosts of a question. Without any beside the first, that one's own snapshot. Raises `Refusal`."""
    said = edge_file(edge)
    wanted = [wanted_of(each) for each in withs]
    target, by_target = _by_ssh(target, is_target=True)
    source, by_source = _by_ssh(source, is_target=False)
    for spec in (by_target, by_source):
        if spec and spec not in {each.spec for each in wanted}:
            wanted.append(Wanted(spec))
    if not wanted and said is None:
        return Asked(world.load(first) if first else world.look(), target, source)
    snapshot = several(wanted, first, lambda names: _needs_first(target, source, names), said)
    _present(snapshot, target, source)
    _complain(snapshot)
    return Asked(snapshot, target, source)


def bundle(withs: Sequence[str], file: Path | None, edge: Path | None = None) -> Snapshot:
    """The hosts that are named, with the file's first where there is one. Raises `Refusal`."""
    here = file is not None or not withs
    snapshot = several([wanted_of(each) for each in withs], file, lambda _names: here, edge_file(edge))
    _complain(snapshot)
    return snapshot


def several(
    wanted: Sequence[Wanted],
    first: Path | None,
    needed: Callable[[Collection[str]], bool] = lambda _names: True,
    edge: EdgeFile | None = None,
) -> Snapshot:
    """One snapshot of the hosts that can be read, and of those that an edge file describes; `needed` says of their
    names whether this host is one, too."""
    from engine.several.joining import NO_EDGE, joined  # noqa: PLC0415 - most questions are about one host
    from engine.several.naming import HostsError, unpacked  # noqa: PLC0415

    try:
        given, missing = _read(wanted)
        given = unpacked(given)
        described = {each.name for each in edge.described} if edge else set()
        if needed({each.called for each in given} | {each.machine for each in missing} | described):
            own = unpacked([_first(first)])
            given = [*own, *(each for each in given if each.source != str(first))]
        if not given and not described:
            raise usage(missing[0].reason if missing else "no host was named")
        whole = joined(given, edge or NO_EDGE)
    except HostsError as error:
        raise usage(str(error)) from error
    return replace(whole, gaps=(*whole.gaps, *missing))


def edge_file(path: Path | None) -> EdgeFile | None:
    """What an edge file says. Raises `Refusal`."""
    if path is None:
        return None
    from engine.documents.yaml_value import LONGEST  # noqa: PLC0415 - see above
    from engine.several.edge.document import EdgeFileError, read  # noqa: PLC0415 - few questions have an edge file
    from workbench.files import read_text  # noqa: PLC0415 - see above

    try:
        return read(read_text(path, "an edge file", LONGEST), path.name)
    except EdgeFileError as error:
        raise usage(str(error)) from error


def _first(path: Path | None) -> Given:
    from engine.several.naming import Given  # noqa: PLC0415 - see `several`

    return Given(world.load(path), str(path)) if path is not None else Given(world.look(), "this host")


def _read(wanted: Sequence[Wanted]) -> tuple[list[Given], list[Gap]]:
    """Every host that can be read, in the order in which they were named; a line and a gap for each other one."""
    given, missing = [], []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        reading = [(each, pool.submit(taken, each)) for each in wanted]
        output.progress(0, len(reading), "hosts")
        for number, (each, future) in enumerate(reading, 1):
            try:
                given.append(future.result())
            except Refusal as refusal:
                name = each.name or _ssh_name(each.spec) or Path(each.spec).stem
                missing.append(Gap(each.spec, "", str(refusal), name))
            output.progress(number, len(reading), "hosts")
    return given, missing


def taken(wanted: Wanted) -> Given:
    """The snapshot of one host. Raises `Refusal`."""
    from engine.observe.remote import docker, ssh  # noqa: PLC0415 - a file needs no program
    from engine.observe.remote.collecting import RemoteError  # noqa: PLC0415
    from engine.several.naming import Given  # noqa: PLC0415 - see `several`

    spec = wanted.spec
    try:
        if spec.startswith("ssh://"):
            place = _ssh_place(spec)
            return Given(ssh.take(place), spec, wanted.name or place.host)
        if spec.startswith("docker://"):
            context = spec.removeprefix("docker://").strip("/")
            return Given(docker.take(context), spec, wanted.name or context)
    except RemoteError as error:
        raise usage(str(error)) from error
    return Given(world.load(Path(spec)), spec, wanted.name)


def wanted_of(text: str) -> Wanted:
    """What a word names: a file, `ssh://…` or `docker://…`, with `NAME=` before it or without. Raises `Refusal`."""
    named = _NAMED.fullmatch(text)
    wanted = Wanted(named[2], named[1]) if named is not None and not Path(text).exists() else Wanted(text)
    _ssh_name(wanted.spec)
    return wanted


def _by_ssh(text: str, *, is_target: bool) -> tuple[str, str]:
    """`ssh://db1/:5432` as `db1/:5432`, and the host to read for it; as a target `ssh://db1` alone is a URL."""
    found = _BY_SSH.fullmatch(text)
    if found is None or (is_target and not found[2]):
        return text, ""
    name = _ssh_name(found[1])
    return (f"{name}/{found[2]}" if found[2] else name), found[1]


def _ssh_name(spec: str) -> str:
    return _ssh_place(spec).host if spec.startswith("ssh://") else ""


def _ssh_place(spec: str) -> SshPlace:
    """The place that `ssh://…` names. Raises `Refusal`."""
    from engine.observe.remote.ssh import place_of  # noqa: PLC0415 - see `taken`

    place = place_of(spec)
    if place is None:
        raise usage(f"{spec!r:.200} names no machine: write ssh://[USER@]HOST[:PORT]")
    return place


def _needs_first(target: str, source: str, names: Collection[str]) -> bool:
    """Whether a target or source says something without the name of a host beside the first."""
    named = target.partition("/")[0] in names and "/" in target
    return not (named and (source.partition("/")[0] in names or source == "everywhere"))


def _complain(snapshot: Snapshot) -> None:
    """A line for each host that is missing."""
    for gap in snapshot.gaps:
        if gap.machine not in ("", *snapshot.machines_by_name):
            complain(gap.reason)


def _present(snapshot: Snapshot, target: str, source: str) -> None:
    """Raises `Refusal` where the target's or the source's host could not be read."""
    missing = {gap.machine: gap for gap in snapshot.gaps if gap.machine not in ("", *snapshot.machines_by_name)}
    for text in (target, source):
        gap = missing.get(text.partition("/")[0])
        if gap is not None:
            raise usage(f"cannot read {gap.machine}, which the question is about: {gap.reason}")
