"""The gallery: labs that come with portscope, each a Compose file with a story, beside this module."""

from __future__ import annotations

from importlib import resources

from engine.lab.errors import LabError

#: What a name of the gallery begins with on a command line.
PREFIX = "gallery:"


def names() -> tuple[str, ...]:
    """The labs of the gallery, sorted."""
    folder = resources.files("engine.lab") / "gallery"
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def text(name: str) -> str:
    """The file of one of them. Raises LabError."""
    if name not in names():
        raise LabError(f"the gallery has no lab {name}; it has: {', '.join(names())}")
    return (resources.files("engine.lab") / "gallery" / f"{name}.yaml").read_text(encoding="utf-8")
