"""How a shape is written here, and the JSON Schema that it stands for.

    str int float bool     the type                     {"a", "b"}   one of these words
    [shape]                a list of it                 Maybe(shape) it, or null
    {"key": shape}         an object with these keys; a key that ends with ? may be missing; others may be there
    Map(shape)             an object whose keys are names
    Part("packet")         a noun of the document's `parts`
    Said(shape, "…")       it, with what it means

Keys that a shape does not name are allowed: documents may grow.
Source: JSON Schema, draft 2020-12 (json-schema.org/draft/2020-12).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.records import dataclass

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}

Json = dict[str, Any]
#: What a shape is written as.
Shape = Any


@dataclass(frozen=True)
class Maybe:
    """The shape, or null."""

    shape: Shape


@dataclass(frozen=True)
class Map:
    """An object whose keys are names, each with a value of the shape."""

    shape: Shape


@dataclass(frozen=True)
class Part:
    """A noun that is described once in a document."""

    name: str


@dataclass(frozen=True)
class Said:
    """A shape, and what it means."""

    shape: Shape
    text: str


@dataclass(frozen=True)
class Published:
    """A document: its name and version, a title, its shape, and the parts that it names."""

    name: str
    title: str
    shape: Shape
    parts: Mapping[str, Shape]

    @property
    def schema(self) -> Json:
        """Its JSON Schema."""
        found: Json = {"$schema": DIALECT, "title": self.name, "description": self.title, **schema(self.shape)}
        names = sorted(_named(self.shape, self.parts))
        return found | ({"$defs": {name: schema(self.parts[name]) for name in names}} if names else {})


def schema(shape: Shape) -> Json:
    """The JSON Schema of a shape."""
    if isinstance(shape, type):
        return {"type": TYPES[shape]}
    if isinstance(shape, Said):
        return {**schema(shape.shape), "description": shape.text}
    if isinstance(shape, Part):
        return {"$ref": f"#/$defs/{shape.name}"}
    if isinstance(shape, Maybe):
        return {"anyOf": [schema(shape.shape), {"type": "null"}]}
    if isinstance(shape, Map):
        return {"type": "object", "additionalProperties": schema(shape.shape)}
    if isinstance(shape, list):
        return {"type": "array", "items": schema(shape[0])}
    if isinstance(shape, Mapping):
        return _object(shape)
    return {"enum": sorted(str(each) for each in shape)}


def _object(shape: Mapping[str, Shape]) -> Json:
    needed = [key for key in shape if not key.endswith("?")]
    return {
        "type": "object",
        "required": needed,
        "properties": {key.removesuffix("?"): schema(each) for key, each in shape.items()},
    }


def _named(shape: Shape, parts: Mapping[str, Shape], known: frozenset[str] = frozenset()) -> frozenset[str]:
    """The parts that a shape names, those of its parts too."""
    if isinstance(shape, Part):
        if shape.name in known:
            return known
        return _named(parts[shape.name], parts, known | {shape.name})
    for each in _inner(shape):
        known = _named(each, parts, known)
    return known


def _inner(shape: Shape) -> Iterable[Shape]:
    if isinstance(shape, Said | Maybe | Map):
        return (shape.shape,)
    if isinstance(shape, Mapping):
        return shape.values()
    return shape if isinstance(shape, list) else ()
