"""A YAML document whose every value knows its place, so that a complaint can name the line.

Laws:
1. YAML 1.2 by ruamel.yaml, composed and not constructed: a port like 53:53 stays the text that was written, and no
   tag can make an object.
2. A value gives itself as what the caller asks for (`text`, `number`, `flag`, `entries`, `items`), or raises
   an error that names file, line, the key's full name, and what would be right.
3. Anchors, aliases and merge keys (<<) work as in Compose. A key that stands twice in one mapping is an error.
4. Variables are filled in where a text is asked for: what nothing asks for may name variables that are not set.
   Extensions (x-…) are taken as they are written: a command or a configuration in them has dollar signs of its own.
5. Pure: text in, values out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from engine.documents.errors import DocumentError, DocumentKind
from engine.documents.variables import LITERAL, SubstitutionError, Variables
from engine.records import dataclass

MERGE_TAG, NULL_TAG = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:null"
#: Tags of a value that takes the place of another file's, and of one that takes it away.
OVERRIDE, RESET = "!override", "!reset"
FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
KINDS = {"mapping": "a mapping (KEY: VALUE)", "sequence": "a list (- …)", "scalar": "a single value"}


#: Characters, values and levels of a document; a real file has a hundredth of them.
LONGEST, MOST_VALUES, DEEPEST = 1 << 20, 50_000, 60
#: Words that an error names before it only counts them: a service of Compose knows a hundred.
MOST_NAMED = 12


@dataclass(frozen=True)
class YamlValue:
    """One value of a document: `name` is its full name ("services.web.ports"), `line` counts from 1.

    `content` is a scalar's text as it was written (None: nothing was), a mapping's entries or a list's items. `tag` is
    what Compose merges by (!reset, !override). `variables` are filled into its text.
    """

    file: str
    name: str
    line: int
    shape: str
    content: str | Mapping[str, YamlValue] | tuple[YamlValue, ...] | None
    kind: DocumentKind
    tag: str = ""
    variables: Variables = LITERAL

    def wrong(self, problem: str, remedy: str) -> DocumentError:
        """The error to raise about this value."""
        return self.kind.error(self.file, self.line, f"{self.name or 'the file'} {problem}", remedy)

    @property
    def empty(self) -> bool:
        """Whether nothing is written (`key:` alone, or null)."""
        return self.content is None

    def entries(self, known: Iterable[str] | None = None) -> dict[str, YamlValue]:
        """The entries of a mapping by key, in the order of the file; {} for an empty value.

        With `known`, any other key is an error, unless it is an extension (x-…), which is left out.
        """
        if self.empty:
            return {}
        self._must_be("mapping")
        assert isinstance(self.content, Mapping)
        found = dict(self.content)
        if known is None:
            return found
        allowed = tuple(known)
        for key, value in found.items():
            if key not in allowed and not key.startswith("x-"):
                near = difflib.get_close_matches(key, allowed, 1)
                raise value.wrong(
                    "is not a key that is known here", f"did you mean {near[0]}?" if near else _one_of(allowed)
                )
        return {key: value for key, value in found.items() if key in allowed}

    def items(self) -> list[YamlValue]:
        """The items of a list; [] for an empty value."""
        if self.empty:
            return []
        self._must_be("sequence")
        assert isinstance(self.content, tuple)
        return list(self.content)

    def texts(self) -> list[YamlValue]:
        """The items of a list, or a single value as a list of one (Compose allows both in places)."""
        return [self] if self.shape == "scalar" and not self.empty else self.items()

    def text(self) -> str:
        """A single value as it was written, with the variables in it filled in."""
        self._must_be("scalar")
        if not isinstance(self.content, str):
            raise self.wrong("is empty", "give it a value or leave it out")
        try:
            return self.variables.filled(self.content)
        except SubstitutionError as error:
            raise self.wrong(error.problem, error.remedy) from None

    def number(self, low: int, high: int) -> int:
        """A whole number in an inclusive range."""
        text = self.text()
        if not (text.isascii() and text.isdecimal() and len(text) < 20) or not low <= int(text) <= high:
            raise self.wrong(f"is {text!r}", f"write a whole number from {low} to {high}")
        return int(text)

    def flag(self) -> bool:
        """true or false, also in their older words."""
        text = self.text().lower()
        if text not in FLAGS:
            raise self.wrong(f"is {text!r}", "write true or false")
        return FLAGS[text]

    def choice(self, choices: Iterable[str]) -> str:
        """One of several words."""
        text, allowed = self.text(), tuple(choices)
        if text not in allowed:
            raise self.wrong(f"is {text!r}", _one_of(allowed))
        return text

    def _must_be(self, shape: str) -> None:
        if self.shape != shape:
            raise self.wrong(f"is {KINDS[self.shape]}", f"write {KINDS[shape]}")


def _check_depth(events: Iterable[Any], file: str, kind: DocumentKind) -> None:
    """Raises the document's error for what is nested too deep to be composed. The events are read one by one."""
    depth = 0
    for event in events:
        name = type(event).__name__
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        if depth > DEEPEST:
            raise kind.error(file, event.start_mark.line + 1, "it is nested too deep", kind.remedy)


def _check_size(root: Any, file: str, kind: DocumentKind) -> None:
    """Raises the document's error for what is no word as a key, and for aliases that make a document without end, or a
    huge one: each is counted as often as it is used."""
    count = 0
    todo = [(root, 0)] if root is not None else []
    while todo:
        node, depth = todo.pop()
        count += 1
        if count > MOST_VALUES or depth > DEEPEST:
            raise kind.error(
                file, node.start_mark.line + 1, "its aliases refer to too much, or to themselves", kind.remedy
            )
        if node.id == "mapping":
            for key, value in node.value:
                if key.id != "scalar":
                    raise kind.error(file, key.start_mark.line + 1, "a key is no word", "write KEY: VALUE")
                todo.append((value, depth + 1))
        elif node.id == "sequence":
            todo += [(item, depth + 1) for item in node.value]


@dataclass(frozen=True)
class _Reader:
    """Makes values of a document's nodes."""

    file: str
    variables: Variables
    kind: DocumentKind

    def value(self, name: str, line: int, node: Any) -> YamlValue:
        """The value of a node at the line of its key or item."""
        content: Any = None
        if node is not None and node.id == "mapping":
            content = self._mapping(name, node)
        elif node is not None and node.id == "sequence":
            content = tuple(
                self.value(f"{name}[{index}]", item.start_mark.line + 1, item) for index, item in enumerate(node.value)
            )
        elif node is not None and node.tag != NULL_TAG:
            content = str(node.value)
        shape = "scalar" if node is None else str(node.id)
        tag = str(node.tag) if node is not None and str(node.tag) in (RESET, OVERRIDE) else ""
        variables = LITERAL if name.startswith("x-") else self.variables
        return YamlValue(self.file, name, line, shape, content, self.kind, tag, variables)

    def _mapping(self, name: str, node: Any) -> dict[str, YamlValue]:
        found: dict[str, YamlValue] = {}
        merged: dict[str, YamlValue] = {}
        for key, each in node.value:
            value = self.value(f"{name}.{key.value}".lstrip("."), key.start_mark.line + 1, each)
            if key.tag == MERGE_TAG:
                for source in value.items() if value.shape == "sequence" else [value]:
                    merged = {**source.entries(), **merged}
            elif key.value in found:
                raise value.wrong("stands twice in one mapping", "keep one of them")
            else:
                found[key.value] = value
        return {**{key: value for key, value in merged.items() if key not in found}, **found}


def parse(text: str, file: str, kind: DocumentKind, variables: Variables = LITERAL) -> YamlValue:
    """The document in a text, a mapping. Raises the document's error for what is not YAML or not a mapping."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - most questions need no document
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415

    if len(text) > LONGEST:
        raise kind.error(file, 1, f"it has more than {LONGEST >> 20} MiB", kind.remedy)
    try:
        _check_depth(YAML(typ="safe", pure=True).parse(text), file, kind)
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        said = error.problem or "it cannot be read"
        remedy = "look at this line and the one before it"
        raise kind.error(file, line, f"this is not YAML: {said}", remedy) from None
    except (YAMLError, UnicodeError) as error:
        raise kind.error(file, 1, f"this is not YAML: {' '.join(str(error).split())}", kind.remedy) from None
    except RecursionError:
        raise kind.error(file, 1, "it is nested too deep", kind.remedy) from None
    _check_size(node, file, kind)
    root = _Reader(file, variables, kind).value("", 1, node)
    if root.empty:
        raise kind.error(file, 1, "the file is empty", kind.remedy)
    root.entries()
    return root


def _one_of(words: tuple[str, ...]) -> str:
    distinct = tuple(dict.fromkeys(words))
    left = len(distinct) - MOST_NAMED
    return f"known here: {', '.join(distinct[:MOST_NAMED])}" + (f" and {left} more" if left > 0 else "")


def plain(value: YamlValue) -> Mapping[str, str]:
    """A mapping of single values as texts, in either of Compose's forms: KEY: VALUE, or a list of KEY=VALUE."""
    if value.shape == "sequence":
        pairs = [(item, *item.text().partition("=")) for item in value.items()]
        for item, _key, equals, _value in pairs:
            if not equals:
                raise item.wrong(f"is {item.text()!r}", "write KEY=VALUE")
        return {key: text for _item, key, _equals, text in pairs}
    return {key: child.text() for key, child in value.entries().items()}
