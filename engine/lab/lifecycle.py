"""A lab's life: a file becomes a plan, a plan a standing lab, and a standing lab changes or goes by its name.

`draft` is pure: the plan that builds the lab. `difference` is what has to be done to a lab that stands already, given
a snapshot of it (whoever calls looks; this room does not). `up` carries either out. What a standing lab is, is in its
record: the file's text, so that everything but `up` needs no file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.apply import standing_labs
from engine.apply.diff import diff, restoring, same_programs
from engine.apply.errors import BuildError
from engine.apply.journal import folder_of, state_directory
from engine.apply.namespaces import netns_file
from engine.apply.run import down as remove
from engine.apply.standing_labs import Todo
from engine.change.namespace import CreateNetns
from engine.lab import planning
from engine.lab.blueprint import Blueprint
from engine.lab.choose import choose
from engine.lab.errors import LabError
from engine.lab.reading.compose import read_lab
from engine.lab.reading.project import Project
from engine.model.host import Snapshot
from engine.model.plan import Plan
from engine.records import dataclass

if TYPE_CHECKING:
    from engine.lab.twin.rebuild import Rebuilt, TwinOptions


@dataclass(frozen=True, slots=True)
class Draft:
    """A lab that can be built: its text, what was chosen, and the plan that builds it from nothing.

    A twin's text is its snapshot; `twin` is how it is rebuilt, in JSON, and "" for a lab of a Compose file.
    """

    text: str
    lab: Blueprint
    plan: Plan
    twin: str = ""

    @property
    def record(self) -> dict[str, str]:
        """What a standing lab remembers."""
        return {"text": self.text, "file": self.lab.spec.file, "name": self.lab.name, "twin": self.twin}


def draft(text: str, file: str, name: str = "") -> Draft:
    """The lab in a file's text, or in what a standing lab remembers. Raises LabFileError; nothing is built."""
    return draft_of(Project.loads(text, file), name)


def draft_of(project: Project, name: str = "") -> Draft:
    """The lab in Compose files. Raises LabFileError; nothing is built."""
    spec, kept = read_lab(project, name)
    lab = choose(spec)
    return Draft(kept.dumps(), lab, planning.plan(lab))


def standing(name: str, directory: Path | None = None) -> Draft | None:
    """The lab of that name as it was built last; None where none stands, or somebody removed its host."""
    record = standing_labs.read_record(name, directory=directory)
    if record is None or not host_path(name).exists():
        return None
    if record.get("twin"):
        from engine.lab.twin.drafting import redrafted  # noqa: PLC0415 - most labs come from a Compose file

        lab, plan = redrafted(record["text"], record["file"], record["name"], record["twin"])
        return Draft(record["text"], lab, plan, record["twin"])
    return draft(record["text"], record["file"], record["name"])


def stands(name: str, directory: Path | None = None) -> Draft:
    """The lab of that name. Raises LabError where none stands."""
    found = standing(name, directory)
    if found is None:
        known = ", ".join(names(directory)) or "none"
        raise LabError(f"no lab {name} is up; up are: {known}")
    return found


def twin(snapshot: Snapshot, text: str, file: str, name: str, options: TwinOptions) -> tuple[Draft, Rebuilt]:
    """A snapshot as a lab, with what it is rebuilt from. `text` is the snapshot's own. Pure."""
    from engine.lab.twin.drafting import recorded  # noqa: PLC0415 - see `standing`
    from engine.lab.twin.origin import blueprint  # noqa: PLC0415
    from engine.lab.twin.rebuild import rebuild  # noqa: PLC0415

    found = rebuild(snapshot, name, options)
    return Draft(text, blueprint(found, name, file), found.plan, recorded(options)), found


def host_path(name: str) -> Path:
    """The file that enters a lab's host."""
    return netns_file(f"{name}-host")


def nothing(todo: Todo) -> bool:
    """Whether a lab is what it shall be already."""
    return not todo.plan.changes and not todo.exchange


def difference(now: Draft, wanted: Draft, snapshot: Snapshot, *, running: bool = True) -> Todo:
    """What makes a standing lab, seen in a snapshot, the wanted one. `running` says whether its programs live. Pure.

    A program in a namespace that is built again has to be started again. Raises LabError for a twin.
    """
    of_a_file(now)
    plan = diff(wanted.plan, snapshot, now.plan)
    rebuilt = any(isinstance(change, CreateNetns) for change in plan.changes)
    exchange = rebuilt or not running or not same_programs(now.plan, wanted.plan)
    programs = (standing_labs.programs_of(now.plan), standing_labs.programs_of(wanted.plan))
    return Todo(plan, restoring(plan, now.plan), programs, exchange)


def of_a_file(lab: Draft) -> None:
    """Raises LabError for a twin, which no Compose file describes."""
    if lab.twin:
        name = lab.lab.name
        raise LabError(f"{name} is the twin of a snapshot, which no Compose file changes; take it down, or break it")


def up(wanted: Draft, directory: Path | None = None) -> tuple[str, ...]:
    """Builds a lab that stays; gives notes about what was left out. What an earlier attempt left is removed first.

    Raises BuildError, with nothing of the lab left.
    """
    left = remove(wanted.lab.name, directory=directory)
    if left:
        raise BuildError("; ".join(left))
    return standing_labs.raise_lab(wanted.plan, wanted.lab.name, wanted.record, directory=directory)


def change(wanted: Draft, todo: Todo, directory: Path | None = None) -> tuple[str, ...]:
    """Makes a standing lab the wanted one, as a whole or not at all; gives notes as `up` does. Raises BuildError."""
    return standing_labs.change_lab(todo, wanted.lab.name, wanted.record, directory=directory)


def running(name: str, directory: Path | None = None) -> bool:
    """Whether the listeners and programs of a standing lab live, if it has any."""
    return not standing_labs.programs_of(stands(name, directory).plan) or standing_labs.programs_run(
        name, directory=directory
    )


def down(name: str, directory: Path | None = None) -> tuple[str, ...]:
    """Removes a lab by its name; () or a sentence for each thing that was left. Raises BuildError."""
    return remove(name, directory=directory)


def known(name: str, directory: Path | None = None) -> bool:
    """Whether there is anything of a lab, be it half-built. Raises BuildError for what is no name."""
    return folder_of(directory or state_directory(), name).is_dir()


def names(directory: Path | None = None) -> tuple[str, ...]:
    """The labs that stand."""
    return tuple(name for name in standing_labs.standing(directory=directory) if host_path(name).exists())


def netns_of(lab: Blueprint, node: str) -> Path:
    """The file that enters a node. Raises LabError where there is no such node."""
    known = lab.netns_by_node
    if node not in known:
        raise LabError(f"lab {lab.name} has no node {node}; it has: {', '.join(known)}")
    return netns_file(known[node])
