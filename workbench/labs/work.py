"""What the workbench does with labs: each thing as a `Work`, which can be looked at before it is done.

Making a `Work` changes nothing: it reads files and looks at the lab, so it belongs into a worker's thread as doing it
does. Labs stay when the workbench ends, as those of `portscope lab up` do.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.apply import userns
from engine.apply.errors import BuildError, LabExists
from engine.apply.namespaces import run_in
from engine.change.namespace import DeleteNetns
from engine.lab import breaking, description, edits, faults, library, lifecycle
from engine.lab.errors import LabError
from engine.lab.lifecycle import Draft
from engine.lab.save import save
from engine.lab.script import lines
from engine.model.host import Snapshot
from engine.model.plan import Change
from engine.records import dataclass
from workbench import files, world
from workbench.exits import refused, usage
from workbench.labs import project

#: A process with threads cannot enter the namespaces that an ordinary user's labs are in.
NOT_ROOT = (
    "you are not root: your labs are in a user namespace of your own, which the workbench of 'portscope lab' enters"
)


@dataclass(frozen=True, slots=True)
class Work:
    """Something to be done. `commands` do the same in a shell; `notes` are what else there is to know of it.

    `do` does it, and says what is true then. `opens` is the lab to look at afterwards; "" leaves the screen as it is.
    What it does is a `secret` where the user is to find it out.
    """

    title: str
    commands: tuple[str, ...]
    do: Callable[[], str]
    notes: tuple[str, ...] = ()
    opens: str = ""
    secret: bool = False


@contextmanager
def refusing() -> Iterator[None]:
    """Errors of labs as the program's own: what was asked wrongly, and what the kernel refused."""
    try:
        yield
    except (LabError, LabExists) as error:
        raise usage(str(error)) from error
    except (BuildError, OSError) as error:
        raise refused(str(error) if userns.privileged() else NOT_ROOT) from error


def place() -> Path | None:
    """The folder of the labs' journals; None is the user's own."""
    return userns.PRIVATE_STATE if userns.entered() else None


def standing() -> list[Draft]:
    """The labs that are up."""
    with refusing():
        found = (lifecycle.standing(name, place()) for name in lifecycle.names(place()))
        return [draft for draft in found if draft is not None]


def stands(name: str) -> Draft:
    """A lab that is up. Raises `Refusal`."""
    with refusing():
        return lifecycle.stands(name, place())


def look(draft: Draft) -> Snapshot:
    """A standing lab, seen from its host, its services as containers. Raises `Refusal`."""
    try:
        seen = run_in(lifecycle.host_path(draft.lab.name), lambda: world.look(world.of_lab(draft.lab.name)))
    except OSError as error:
        raise refused(f"cannot enter lab {draft.lab.name}: {error.strerror}; take it down and up again") from error
    return description.alone(seen, draft.lab)


def from_gallery(name: str) -> Work:
    """Builds a lab of the gallery."""
    with refusing():
        return build(lifecycle.draft(library.text(name), f"{library.PREFIX}{name}"))


def from_file(path: Path) -> Work:
    """Builds the lab of a Compose file or a folder with one, or makes a standing one of that name what it says."""
    wanted = project.named([str(path)])
    with refusing():
        return build(lifecycle.draft_of(wanted))


def from_text(text: str, name: str) -> Work:
    """Builds the lab that a form describes."""
    with refusing():
        return build(lifecycle.draft(text, f"the form of {name}"))


def build(wanted: Draft) -> Work:
    """Builds a lab, or changes the standing one of that name."""
    name = wanted.lab.name
    now = lifecycle.standing(name, place())
    if now is not None:
        return change(now, wanted)
    made = [*wanted.plan.changes]
    for fault in wanted.lab.spec.faults:
        made += faults.plan(faults.find(fault), wanted.lab).changes

    def do() -> str:
        with refusing():
            notes = lifecycle.up(wanted, place())
            try:
                for fault in wanted.lab.spec.faults:
                    breaking.break_lab(wanted, faults.find(fault), place())
            except (LabError, BuildError):
                lifecycle.down(name, place())
                raise
        return "; ".join((f"{wanted.plan.title} is up", *notes))

    return Work(f"Build {wanted.plan.title}", _lines(made), do, wanted.lab.spec.notes, name)


def edit(name: str, title: str, *changes: edits.Edit) -> Work:
    """Makes one more, or one less, of something in a standing lab."""
    with refusing():
        now = lifecycle.stands(name, place())
        lifecycle.of_a_file(now)
        text = edits.pinned(now.lab, *changes)
        return change(now, lifecycle.draft(text, now.lab.spec.file, name), title)


def change(now: Draft, wanted: Draft, title: str = "") -> Work:
    """Makes a standing lab the wanted one. Raises `Refusal` for a lab that has faults: they would be in the way."""
    name = wanted.lab.name
    broken = breaking.broken(name, place())
    if broken:
        raise usage(f"lab {name} is broken ({len(broken)} faults); remove them first")
    with refusing():
        todo = lifecycle.difference(now, wanted, look(now), running=lifecycle.running(name, place()))
    made = (*todo.plan.changes, *(todo.programs[1] if todo.exchange else ()))

    def do() -> str:
        with refusing():
            notes = lifecycle.change(wanted, todo, place())
        return "; ".join((f"lab {name}: {len(todo.plan.changes)} changes made", *notes))

    notes = ("The lab's listeners restart.",) if todo.exchange else ()
    return Work(title or f"Change lab {name} to match the file", _lines(made), do, notes, name)


def break_it(name: str, fault: str) -> Work:
    """Puts a fault into a lab."""
    with refusing():
        draft, found = lifecycle.stands(name, place()), faults.find(fault)
        made = faults.plan(found, draft.lab).changes

    def do() -> str:
        with refusing():
            breaking.break_lab(draft, found, place())
        return f"lab {name} has the fault {fault}"

    notes = (found.story, *(("The listening program starts with the fault.",) if found.listen else ()))
    return Work(f"Break lab {name}: {fault}", _lines(made), do, notes)


def mend(name: str) -> Work:
    """Takes all faults of a lab back."""
    with refusing():
        draft = lifecycle.stands(name, place())
        broken = breaking.broken(name, place())
        if not broken:
            raise usage(f"lab {name} has no fault")
        made = tuple(map(shlex.join, breaking.ways_back(name, place())))

    def do() -> str:
        with refusing():
            return f"fixed: {', '.join(breaking.mend(draft, place()))}"

    notes = tuple(f"removes {fault}" for fault in broken)
    return Work(f"Fix lab {name}", made, do, notes)


def down(name: str) -> Work:
    """Removes a lab."""
    draft = stands(name)
    owned = sorted({draft.lab.host, *draft.lab.netns_by_node.values()})

    def do() -> str:
        with refusing():
            left = lifecycle.down(name, place())
        if left:
            raise refused("; ".join(left))
        return f"lab {name} is removed"

    return Work(f"Remove lab {name}", _lines(map(DeleteNetns, owned)), do, ("Its listeners end.",))


def save_to(name: str, path: Path) -> str:
    """Writes a lab as a Compose file; one that is there is kept. Gives a line for the user. Raises `Refusal`."""
    text = save(stands(name).lab, breaking.broken(name, place()))
    files.save(text.encode(), path, force=False, instead="")
    return str(path)


def _lines(changes: Iterator[Change] | tuple[Change, ...] | list[Change]) -> tuple[str, ...]:
    return tuple(lines(changes))
