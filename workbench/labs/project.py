"""The Compose files that a person names, with what Compose takes beside them: an override, `.env`, the environment.

Source: Docker's documentation, "Specify a project name", "Merge Compose files", "Environment variables precedence".
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.documents.variables import environment
from engine.documents.yaml_value import LONGEST
from engine.lab.errors import LabError
from engine.lab.reading.project import Project
from workbench import files
from workbench.exits import Refusal, usage

WHAT = "a Compose file, or gallery:NAME"
#: Names of a Compose file in a folder, and of the one over it.
NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = tuple(name.replace(".y", ".override.y") for name in NAMES)


def named(paths: Sequence[str], profiles: Sequence[str] = (), env_files: Sequence[str] = ()) -> Project:
    """The project of files, or of a folder with its override. Raises `Refusal` for what cannot be read."""
    chosen = [path for each in paths for path in _in_folder(Path(each))]
    known = _variables(chosen[0].parent, [Path(each) for each in env_files])
    asked = profiles or [each for each in known.get("COMPOSE_PROFILES", "").split(",") if each]
    return Project(
        tuple(map(str, chosen)),
        {str(path): files.read_text(path, WHAT, LONGEST) for path in chosen},
        known,
        tuple(asked),
        _name(chosen[0], known),
        _fetched,
    )


def _in_folder(path: Path) -> list[Path]:
    """A file, or a folder's Compose file and the one that goes over it."""
    if not path.is_dir():
        return [path]
    found = [path / name for name in NAMES if (path / name).is_file()]
    if not found:
        raise usage(f"{path} has no {NAMES[0]}; name a Compose file, a folder with one, or gallery:NAME")
    return [found[0], *[path / name for name in OVERRIDES if (path / name).is_file()][:1]]


def _variables(folder: Path, env_files: Sequence[Path]) -> Mapping[str, str]:
    """The environment's variables, then those of `.env` beside the file, or of the files that are named."""
    beside = folder / ".env"
    known: dict[str, str] = {}
    for path in env_files or ([beside] if beside.is_file() else []):
        known |= environment(files.read_text(path, "a file of NAME=VALUE lines", LONGEST), os.environ)
    return {**known, **os.environ}


def _name(path: Path, known: Mapping[str, str]) -> str:
    """What a lab is called whose files do not say it: as its folder, where the file has Compose's own name."""
    word = known.get("COMPOSE_PROJECT_NAME", "")
    if not word:
        word = path.absolute().parent.name if path.name in NAMES else path.name.partition(".")[0]
    return re.sub(r"[^a-z0-9-]+", "", word.lower()).lstrip("-")[:31] or "lab"


def _fetched(path: str) -> str:
    try:
        return files.read_text(Path(path), WHAT, LONGEST)
    except Refusal as error:
        raise LabError(str(error)) from error
