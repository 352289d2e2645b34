"""`portscope fleet add`: hosts' snapshots become a fleet's."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from engine.fleet.errors import FleetError
from engine.fleet.place import Place
from engine.model.host import Snapshot
from engine.read_only import may
from workbench import output, world
from workbench.commands.fleet.refusing import refusing
from workbench.exits import Exit, Refusal, complain


def run(arguments: Namespace) -> Exit:
    """Adds each file; one that cannot be is a line, and the others are added. Raises `Refusal`."""
    may(f"write {arguments.place}")
    with refusing():
        place = Place(arguments.place, make=True)
    added: dict[str, str] = {}
    for number, word in enumerate(arguments.files, 1):
        try:
            _add(place, word, added)
        except (Refusal, FleetError) as error:
            complain(str(error))
        output.progress(number, len(arguments.files), "files")
    failed = len(arguments.files) - len(added)
    output.emit(
        f"added {len(added)} of {len(arguments.files)} to {arguments.place}, which has {len(place.hosts())} hosts\n"
    )
    return Exit.USAGE if failed else Exit.DONE


def _add(place: Place, word: str, added: dict[str, str]) -> None:
    """Adds one file, under the name that the user or its snapshot gives it."""
    name, equals, file = word.partition("=")
    if not equals or "/" in name:
        name, file = "", word
    snapshot: Snapshot = world.load(Path(file))
    if snapshot.machines:
        raise FleetError(f"{file} is a snapshot of several hosts: add the file of each")
    name = name or snapshot.hostname or Path(file).name.split(".")[0]
    if name in added:
        raise FleetError(f"{file} is of {name}, and so is {added[name]}: write OTHERNAME={file}")
    place.add(name, snapshot)
    added[name] = file
