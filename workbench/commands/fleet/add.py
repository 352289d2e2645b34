"""`portscope fleet add`: hosts' snapshots become a fleet's."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine.fleet.errors import FleetError
from engine.fleet.place import Place
from engine.observe.remote.collecting import RemoteError
from engine.observe.remote.inventory import is_inventory, machines
from engine.read_only import may
from engine.several.naming import Given
from workbench import output
from workbench.commands.fleet.refusing import refusing
from workbench.exits import Exit, Refusal, complain
from workbench.session.hosts import AT_ONCE, Wanted, taken, wanted_of

#: How what is no file begins.
SCHEMES = ("ssh://", "docker://")


def run(arguments: Namespace) -> Exit:
    """Adds each host; one that cannot be is a line, and the others are added. Raises `Refusal`."""
    may(f"write {arguments.place}")
    with refusing():
        place = Place(arguments.place, make=True)
    wanted = list(_wanted(arguments.files))
    added: dict[str, str] = {}
    for number, given in enumerate(_read([each for each in wanted if each is not None]), 1):
        try:
            if isinstance(given, Refusal):
                raise given
            _add(place, given, added)
        except (Refusal, FleetError) as error:
            complain(str(error))
        output.progress(number, len(wanted), "hosts")
    output.emit(f"added {len(added)} of {len(wanted)} to {arguments.place}, which has {len(place.hosts())} hosts\n")
    return Exit.USAGE if len(added) < len(wanted) else Exit.DONE


def _wanted(words: list[str]) -> Iterator[Wanted | None]:
    """The hosts that are named, one by one or by inventories; None for each that cannot be meant, which has a line."""
    for word in words:
        try:
            if is_inventory(Path(word)):
                yield from _listed(Path(word))
            else:
                yield wanted_of(word)
        except (Refusal, RemoteError) as error:
            complain(str(error))
            yield None


def _listed(path: Path) -> Iterator[Wanted | None]:
    found = machines(path)
    if not found:
        raise RemoteError(f"{path} is an Ansible inventory without a host")
    for each in found:
        if each.place is None:
            complain(f"{path}: {each.refused}")
        yield Wanted(str(each.place), each.name) if each.place is not None else None


def _read(wanted: list[Wanted]) -> Iterator[Given | Refusal]:
    """Files one after the other, then machines side by side."""
    remote = [each for each in wanted if each.spec.startswith(SCHEMES)]
    yield from (_taken(each) for each in wanted if each not in remote)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(_taken, remote)


def _taken(wanted: Wanted) -> Given | Refusal:
    try:
        return taken(wanted)
    except Refusal as error:
        return error


def _add(place: Place, given: Given, added: dict[str, str]) -> None:
    """Adds a host under the name that the user, its machine or its snapshot gives it."""
    snapshot, source = given.snapshot, given.source
    if snapshot.machines:
        raise FleetError(f"{source} is a snapshot of several hosts: add the file of each")
    name = given.name or snapshot.hostname or Path(source).name.split(".")[0]
    if name in added:
        raise FleetError(f"{source} is of {name}, and so is {added[name]}: write OTHERNAME={source}")
    place.add(name, snapshot)
    added[name] = source
