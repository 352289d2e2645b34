"""A lab's journal: what must be undone, written down before it is done.

One folder for each lab, `labs/NAME/journal.jsonl` below the state folder. The first line says whose lab it is; each
further line is `{"n": 3, "will": "link", …}`, the inverse of a change about to be made, or `{"n": 3, "is": "made"}`,
or `{"n": 3, "is": "undone"}`. An inverse is on the disk (fsync) before its change is begun; what became of it is only
written, since what a lost line would say is found out by looking for the mark. A torn last line is what a crash
leaves: its change was never begun.

The owner holds a lock (flock) on its journal. The kernel lets go of it when the process ends, however it ends, so a
journal that can be locked belongs to nobody who lives. A lock on the folder keeps a lab's birth and a sweep apart.

The state folder is $XDG_STATE_HOME/portscope; without that variable, /var/lib/portscope for root and
~/.local/state/portscope for anyone else.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engine.apply import userns
from engine.apply.errors import JournalError, LabExists, NoLabName
from engine.apply.inverse import KINDS, WORDS, Inverse, RunCommand, command
from engine.model.where import Argv
from engine.read_only import may

SCHEMA = "portscope.journal/1"
JOURNAL, RECORD = "journal.jsonl", "lab.json"
#: Lab names go into names of namespaces, files and marks.
LAB_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One inverse, and what became of it: `made` once its change is, `undone` once it has been replayed."""

    number: int
    inverse: Inverse
    made: bool = False
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """Whose lab it is: its mark, the process that made it, and the boot of the kernel that it was made on."""

    lab: str
    mark: str
    pid: int
    boot: str

    @classmethod
    def new(cls, lab: str) -> Header:
        """The header of a lab that this process makes now. Its mark is no other lab's, also of the same name."""
        return cls(lab, f"portscope:{lab}:{secrets.token_hex(3)}", os.getpid(), boot_id())


def boot_id() -> str:
    """The kernel's name for the time since it was booted; nothing that a lab makes outlives it."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def entry_line(entry: Entry) -> str:
    """The line that announces an entry."""
    return json.dumps({"n": entry.number, "will": WORDS[type(entry.inverse)], **asdict(entry.inverse)})


def parse(text: str) -> tuple[Header | None, tuple[Entry, ...]]:
    """The header of a journal and its entries, in the order of their changes.

    The header is None in a journal that ends before its first line did: then nothing was changed. Raises
    JournalError for a line that is not a journal's, unless it is the last one and torn.
    """
    header: Header | None = None
    entries: dict[int, Entry] = {}
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("it is not an object")
            if number == 1:
                header = _read_header(row)
            else:
                _read_line(row, entries)
        except (ValueError, KeyError, TypeError) as error:
            raise JournalError(f"line {number} of the journal is not readable: {error}") from None
    return header, tuple(entries.values())


def _read_header(row: dict[str, Any]) -> Header:
    if row.pop("schema") != SCHEMA:
        raise ValueError(f"it is not of the schema {SCHEMA}")
    return Header(**row)


def _read_line(row: dict[str, Any], entries: dict[int, Entry]) -> None:
    number = int(row.pop("n"))
    if "is" in row:
        made, undone = row["is"] == "made", row["is"] == "undone"
        entry = entries[number]
        entries[number] = replace(entry, made=entry.made or made, undone=entry.undone or undone)
        return
    kind = KINDS[row.pop("will")]
    if kind is RunCommand:
        row["argv"] = tuple(row["argv"])
    entries[number] = Entry(number, kind(**row))


def ways_back(entries: Iterable[Entry]) -> tuple[Argv, ...]:
    """What undoing will do, as commands, in order: the last change first."""
    there = [entry for entry in entries if not entry.undone]
    return tuple(command(entry.inverse) for entry in reversed(there))


def state_directory() -> Path:
    """Where labs' journals are for this user; in a user namespace for labs, on its own /run."""
    if userns.entered():
        return userns.PRIVATE_STATE
    named = os.environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(named):  # a relative path there does not count: XDG Base Directory Specification
        return Path(named) / "portscope" / "labs"
    if os.geteuid() == 0:
        return Path("/var/lib/portscope/labs")
    return Path.home() / ".local/state/portscope/labs"


def folder_of(directory: Path, lab: str) -> Path:
    """The folder of a lab. Raises NoLabName for a text that is no name: as a path it could lead to any place."""
    if not LAB_NAME.fullmatch(lab):
        raise NoLabName(f"{lab!r} is no name for a lab: use lower-case letters, digits and dashes")
    return directory / lab


def folders(directory: Path) -> list[Path]:
    """The folders of all labs, by their names."""
    found = sorted(directory.glob("*/")) if directory.is_dir() else []
    return [folder for folder in found if LAB_NAME.fullmatch(folder.name)]


def settled(folder: Path) -> bool:
    """Whether the lab of a folder stands without its builder: it has a record (`engine.apply.standing_labs`)."""
    return (folder / RECORD).exists()


@contextlib.contextmanager
def birth_lock(directory: Path) -> Iterator[None]:
    """Keeps others from making or sweeping labs meanwhile. Makes the folder. Raises JournalError."""
    may("write a lab's journal")
    with _blamed(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _check_owner(directory, os.fstat(fd))
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _check_owner(directory: Path, found: os.stat_result) -> None:
    """Raises JournalError for a folder that somebody else could write to: what is undone is what stands in it."""
    if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = stat.S_IMODE(found.st_mode)
        raise JournalError(
            f"{directory} belongs to uid {found.st_uid} with mode {mode:03o}, so that others could write what is undone"
            " with your rights; make it yours and 700, or remove it"
        )


class Journal:
    """An open journal. `create` and `adopt` make one that is on the disk and locked by this process.

    `Journal(header)` alone is kept in memory only, for changes that shall outlive the process (a fix).
    """

    def __init__(
        self, header: Header, entries: tuple[Entry, ...] = (), path: Path | None = None, fd: int | None = None
    ) -> None:
        self.header = header
        self._entries = {entry.number: entry for entry in entries}
        self._path = path
        self._fd = fd

    @classmethod
    def create(cls, directory: Path, lab: str) -> Journal:
        """Begins the journal of a new lab. Raises LabExists where it has one, JournalError where it cannot."""
        folder = folder_of(directory, lab)
        with birth_lock(directory), _blamed(folder):
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:
                raise LabExists(f"a lab named {lab} exists already") from None
            fd = os.open(folder / JOURNAL, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            fcntl.flock(fd, fcntl.LOCK_EX)
            journal = cls(Header.new(lab), (), folder / JOURNAL, fd)
            journal._write(json.dumps({"schema": SCHEMA, **asdict(journal.header)}), sync=True)
            _sync_folder(folder)
            _sync_folder(directory)
        return journal

    @classmethod
    def adopt(cls, directory: Path, lab: str) -> Journal | None:
        """Takes over the journal of a lab whose owner is gone; None while the owner lives or there is none.

        Call it under `birth_lock`. Raises JournalError when it cannot be read.
        """
        path = folder_of(directory, lab) / JOURNAL
        with _blamed(path), contextlib.ExitStack() as on_failure:
            try:
                fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
                on_failure.callback(os.close, fd)
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (FileNotFoundError, NotADirectoryError, BlockingIOError):
                return None
            text = path.read_text(errors="replace")
            header, entries = parse(text)
            os.ftruncate(fd, len(text[: text.rfind("\n") + 1].encode()))  # what is appended starts a line
            on_failure.pop_all()
            return cls(header or Header.new(lab), entries, path, fd)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries, oldest first."""
        return tuple(self._entries.values())

    def will(self, inverse: Inverse) -> int:
        """Writes down the inverse of a change that is about to be made; gives its number."""
        return self.will_all([inverse])[0]

    def will_all(self, inverses: Sequence[Inverse]) -> list[int]:
        """Writes down several inverses at once, before any of their changes is made; gives their numbers."""
        first = len(self._entries)
        entries = [Entry(first + number, inverse) for number, inverse in enumerate(inverses)]
        self._entries |= {entry.number: entry for entry in entries}
        if entries:
            self._write("\n".join(entry_line(entry) for entry in entries), sync=True)
        return [entry.number for entry in entries]

    def made(self, number: int) -> None:
        """Writes down that the change has been made."""
        self._entries[number] = replace(self._entries[number], made=True)
        self._write(json.dumps({"n": number, "is": "made"}))

    def undone(self, number: int) -> None:
        """Writes down that the change has been undone."""
        self._entries[number] = replace(self._entries[number], undone=True)
        self._write(json.dumps({"n": number, "is": "undone"}))

    def forget(self) -> None:
        """Removes the journal: the lab is gone."""
        if self._path is not None:
            with _blamed(self._path), contextlib.suppress(FileNotFoundError):
                shutil.rmtree(self._path.parent)
        self.close()

    def close(self) -> None:
        """Lets go of the journal and leaves it where it is."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _write(self, line: str, *, sync: bool = False) -> None:
        if self._path is not None and self._fd is not None:
            with _blamed(self._path):
                _append(self._fd, line, sync=sync)


def _append(fd: int, line: str, *, sync: bool) -> None:
    os.write(fd, line.encode() + b"\n")
    if sync:
        os.fsync(fd)


@contextlib.contextmanager
def _blamed(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "set XDG_STATE_HOME to a folder that you may write"
        raise JournalError(f"cannot write {path}: {error.strerror}; {hint}") from None


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
