"""The files of a lab: a Compose file, what goes over it, what it includes and extends, and its variables.

Laws:
1. Pure but for `fetch`, which is asked for each file once. A project that was read has all its texts and the variables
   that were used, so it can be remembered and read again where the files are gone.
2. Each file is read by itself (its services extend what they extend, what it includes is put in), then it goes over the
   files before it.
3. What is wrong with another file is said at the line that names it.

Source: the Compose Specification: Merge, Include, Extends, Profiles.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from posixpath import isabs, join, normpath

from engine.documents.variables import Variables, environment
from engine.documents.yaml_value import YamlValue, parse
from engine.lab.errors import COMPOSE, LabError
from engine.lab.reading.merging import merged, settled
from engine.records import dataclass, field, replace

#: Reads a file. Raises LabError with the reason.
Fetch = Callable[[str], str]
#: The keys of a project as text; no Compose file has the first one.
MARK, KEYS = "x-portscope-project", ("files", "texts", "variables", "profiles")
#: Files of one lab.
MOST = 200
SECTIONS = ("services", "networks", "volumes", "secrets", "configs")
#: What names a file that is not on this host.
ELSEWHERE = ("http://", "https://", "git@", "git://", "ssh://", "github.com/", "oci://")


def unreadable(path: str) -> str:
    """The `fetch` of a project that is whole."""
    raise LabError(f"{path} was not kept")


@dataclass(frozen=True)
class Project:
    """The files that make a lab: each of `files` goes over the ones before it."""

    files: tuple[str, ...]
    texts: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    profiles: tuple[str, ...] = ()
    #: What the lab is called where no file says it; without it as the first file.
    name: str = ""
    fetch: Fetch = unreadable

    @classmethod
    def of(cls, text: str, file: str) -> Project:
        """The project of one file by itself."""
        return cls((file,), {file: text})

    @classmethod
    def loads(cls, text: str, file: str) -> Project:
        """A project as `dumps` wrote it."""
        if not text.startswith(f'{{"{MARK}"'):
            return cls.of(text, file)
        found = json.loads(text)
        return cls(tuple(found["files"]), found["texts"], found["variables"], tuple(found["profiles"]))

    def dumps(self) -> str:
        """As text: the file itself, where it is one that needs nothing else."""
        if len(self.texts) == 1 and not self.variables and not self.profiles:
            return next(iter(self.texts.values()))
        return json.dumps({MARK: 1, **{key: getattr(self, key) for key in KEYS}})


@dataclass(frozen=True)
class ReadProject:
    """A project's files as one document. `project` has the texts and variables that it took; `missing` are variables
    that are not set and were asked for, `asleep` services that wait for a profile."""

    root: YamlValue
    project: Project
    variables: tuple[Variables, ...]
    asleep: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Variables that are not set, of those that were asked for until now."""
        return tuple(dict.fromkeys(name for each in self.variables for name in each.missing))

    def kept(self) -> Project:
        """The project with the variables that were used until now."""
        used = {name: value for each in self.variables for name, value in each.used.items()}
        return replace(self.project, variables=used, fetch=unreadable)


def read_project(project: Project) -> ReadProject:
    """The files as one document, without the services of profiles that are not asked for. Raises LabFileError."""
    reader = _Files(project)
    root = reader.together(project.files, _folder(project.files[0]), project.variables, ())
    root, asleep = _awake(settled(root), project.profiles)
    return ReadProject(root, replace(project, texts=dict(reader.texts)), tuple(reader.variables), asleep)


class _Files:
    """Reads the files of a project, each once."""

    def __init__(self, project: Project) -> None:
        self._fetch = project.fetch
        self.texts = dict(project.texts)
        self.variables: list[Variables] = []

    def together(
        self, files: tuple[str, ...], folder: str, known: Mapping[str, str], within: tuple[str, ...]
    ) -> YamlValue:
        """Files over one another, with what they extend and include. `within` are the files that include these."""
        root: YamlValue | None = None
        for file in files:
            one = self._whole(file, folder, known, (*within, file))
            root = one if root is None else merged(root, one)
        assert root is not None
        return root

    def _whole(self, file: str, folder: str, known: Mapping[str, str], within: tuple[str, ...]) -> YamlValue:
        variables = Variables(known)
        self.variables.append(variables)
        root = parse(self._text(file), file, COMPOSE, variables)
        top = root.entries()
        services = top["services"].entries() if "services" in top else {}
        grown = {name: self._extended(name, services, folder, (file,), variables) for name in services}
        if grown:
            top["services"] = replace(top["services"], content=grown)
        for item in top.pop("include").items() if "include" in top else ():
            _import(top, self._included(item, folder, known, within), item)
        return replace(root, content=top)

    def _text(self, path: str, named: YamlValue | None = None) -> str:
        """The text of a file; `named` is the value that names it."""
        if path not in self.texts:
            try:
                if len(self.texts) >= MOST:
                    raise LabError(f"it is one of more than {MOST} files")
                self.texts[path] = self._fetch(path)
            except LabError as error:
                if named is None:
                    raise
                what, _, _ = str(error).partition("; ")
                raise named.wrong(f"names a file that cannot be used: {what}", "name a Compose file") from None
        return self.texts[path]

    def _extended(
        self,
        name: str,
        services: Mapping[str, YamlValue],
        folder: str,
        chain: tuple[str, ...],
        variables: Variables,
    ) -> YamlValue:
        """A service over the one that it extends. `chain` is the file of the service, and the services on the way."""
        service = services[name]
        extends = service.content.get("extends") if isinstance(service.content, Mapping) else None
        if extends is None:
            return service
        step = f"{chain[0]} {name}"
        if step in chain:
            raise extends.wrong("extends itself by way of others", "extend a service that extends none of these")
        own = {key: value for key, value in service.entries().items() if key != "extends"}
        wanted, file, others, there = name, chain[0], services, folder
        if extends.shape == "mapping":
            rows = extends.entries(("service", "file"))
            wanted = rows["service"].text() if "service" in rows else wanted
            if "file" in rows:
                file = _path(folder, rows["file"])
                there = _folder(file)
                found = parse(self._text(file, rows["file"]), file, COMPOSE, variables).entries()
                others = found["services"].entries() if "services" in found else {}
        else:
            wanted = extends.text()
        if wanted not in others:
            raise extends.wrong(f"names {wanted!r}, which {file} does not have", _known(others))
        base = self._extended(wanted, others, there, (file, *chain[1:], step), variables)
        return merged(base, replace(service, content=own), ("services", name))

    def _included(self, item: YamlValue, folder: str, known: Mapping[str, str], within: tuple[str, ...]) -> YamlValue:
        """What a file includes, as one document. Files are named in that file's folder."""
        rows = item.entries(("path", "project_directory", "env_file")) if item.shape == "mapping" else {"path": item}
        if "path" not in rows:
            raise item.wrong("has no path", "write path: the Compose file to include")
        named = rows["path"].texts()
        files = tuple(_path(folder, each) for each in named)
        for file, value in zip(files, named, strict=True):
            if file in within:
                raise value.wrong(f"includes {file}, which includes this file", "leave one of them out")
            self._text(file, value)
        there = _path(folder, rows["project_directory"]) if "project_directory" in rows else _folder(files[0])
        return self.together(files, there, self._known(rows, folder, there, known), within)

    def _known(
        self, rows: Mapping[str, YamlValue], folder: str, there: str, known: Mapping[str, str]
    ) -> Mapping[str, str]:
        """The variables of what is included: those of its own files go behind the known ones."""
        if "env_file" in rows:
            for each in rows["env_file"].texts():
                known = environment(self._text(_path(folder, each), each), known)
            return known
        try:
            return environment(self._text(join(there, ".env")), known)
        except LabError:
            return known


def _import(top: dict[str, YamlValue], other: YamlValue, item: YamlValue) -> None:
    """Puts what is included in. Raises LabFileError where a name stands in both."""
    for section, value in other.entries().items():
        if section not in SECTIONS or value.empty:
            continue
        mine = top[section].entries() if section in top else {}
        for name, each in value.entries().items():
            if name in mine and _plain(mine[name]) != _plain(each):
                raise item.wrong(f"has a {section[:-1]} {name!r}, which this file has too", "rename one of them")
        content = {**value.entries(), **mine}
        top[section] = replace(top.get(section, value), content=content)


def _plain(value: YamlValue) -> object:
    """What is written, wherever it stands."""
    if isinstance(value.content, Mapping):
        return {key: _plain(each) for key, each in value.content.items()}
    return [_plain(each) for each in value.content] if isinstance(value.content, tuple) else value.content


def _awake(root: YamlValue, profiles: tuple[str, ...]) -> tuple[YamlValue, tuple[str, ...]]:
    """The document without the services whose profiles are not asked for, and their names."""
    top = root.entries()
    if "services" not in top or top["services"].empty:
        return root, ()
    services = top["services"].entries()
    asleep = tuple(name for name, value in services.items() if not _asked(value, profiles))
    kept = {name: value for name, value in services.items() if name not in asleep}
    if asleep and not kept:
        raise top["services"].wrong(
            f"all wait for a profile: {', '.join(dict.fromkeys(_profiles(services.values())))}",
            "choose one: --profile NAME",
        )
    return replace(root, content={**top, "services": replace(top["services"], content=kept)}), asleep


def _asked(service: YamlValue, profiles: tuple[str, ...]) -> bool:
    own = set(_profiles([service]))
    return not own or "*" in profiles or bool(own & set(profiles))


def _profiles(services: Iterable[YamlValue]) -> Iterator[str]:
    for service in services:
        value = service.content.get("profiles") if isinstance(service.content, Mapping) else None
        if value is not None:
            yield from (item.text() for item in value.texts())


def _path(folder: str, value: YamlValue) -> str:
    """The file that a value names."""
    text = value.text()
    if text.startswith(ELSEWHERE):
        raise value.wrong(f"names {text}, which is not on this host", "name a file that is here")
    return text if isabs(text) else normpath(join(folder, text))


def _folder(file: str) -> str:
    return str(PurePosixPath(file).parent)


def _known(names: Mapping[str, YamlValue]) -> str:
    return f"name one of: {', '.join(list(names)[:12])}" if names else "name a file with services"
