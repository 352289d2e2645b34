"""The journal: what it holds after a crash, whose it is, and who may take it over."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.apply.errors import JournalError, LabExists, NoLabName
from engine.apply.inverse import KINDS, DropLink, DropNetns, EndProcess, Inverse, RunCommand, WriteSysctl
from engine.apply.journal import JOURNAL, Entry, Header, Journal, birth_lock, entry_line, parse, state_directory
from engine.apply.run import down

INVERSES: list[Inverse] = [
    DropNetns("demo-web"),
    DropLink(None, "br0"),
    DropLink("/run/netns/x", "veth1"),
    WriteSysctl("/run/netns/x", "net.ipv4.ip_forward", 0, 1),
    RunCommand(None, ("iptables-nft", "-D", "INPUT", "--comment", 'a "b" ü')),
    RunCommand("/run/netns/a", ("nft", "-f", "-"), "table ip a {\n}\n"),
    EndProcess(77, 123456),
]
HEADER = '{"schema": "portscope.journal/1", "lab": "demo", "mark": "portscope:demo:1", "pid": 1, "boot": "b"}\n'


def adopt(directory: Path, lab: str) -> Journal | None:
    with birth_lock(directory):
        return Journal.adopt(directory, lab)


@pytest.mark.parametrize("inverse", INVERSES)
def test_an_inverse_is_read_back_equal(inverse: Inverse) -> None:
    _, entries = parse(f"{HEADER}{entry_line(Entry(0, inverse))}\n")
    assert entries == (Entry(0, inverse),)


def test_every_kind_of_inverse_is_covered() -> None:
    assert {type(inverse) for inverse in INVERSES} == set(KINDS.values())


def test_a_torn_last_line_is_a_change_that_was_never_begun() -> None:
    line = entry_line(Entry(0, DropNetns("a")))
    header, entries = parse(f'{HEADER}{line}\n{{"n": 0, "is": "made"}}\n{{"n": 1, "wi')
    assert header == Header("demo", "portscope:demo:1", 1, "b")
    assert entries == (Entry(0, DropNetns("a"), made=True),)


@pytest.mark.parametrize("text", ["", '{"schema": "portscope.jou'])
def test_a_journal_without_a_whole_line_says_that_nothing_was_changed(text: str) -> None:
    assert parse(text) == (None, ())


@pytest.mark.parametrize(
    "line",
    ["nonsense", "[]", '{"n": 4, "is": "made"}', '{"n": 0, "will": "explode"}', '{"n": 0, "will": "netns"}', "7"],
)
def test_a_whole_line_that_is_no_journal_line_is_an_error_with_its_number(line: str) -> None:
    with pytest.raises(JournalError, match="line 2 of the journal"):
        parse(f"{HEADER}{line}\n")


def test_a_file_of_another_schema_is_refused() -> None:
    with pytest.raises(JournalError, match=r"portscope\.journal/1"):
        parse('{"schema": "portscope.journal/9", "lab": "demo"}\n')


def test_what_is_written_is_on_the_disk_before_the_call_returns(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, "lab")
    number = journal.will(DropNetns("lab-a"))
    header, entries = parse((tmp_path / "lab" / JOURNAL).read_text())
    assert header == journal.header
    assert entries == (Entry(0, DropNetns("lab-a")),)
    journal.made(number)
    journal.undone(number)
    _, entries = parse((tmp_path / "lab" / JOURNAL).read_text())
    assert entries == (Entry(0, DropNetns("lab-a"), made=True, undone=True),)
    journal.forget()
    assert list(tmp_path.iterdir()) == []


def test_a_lab_of_the_same_name_is_refused_while_its_journal_is_there(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, "lab")
    with pytest.raises(LabExists, match="a lab named lab exists already"):
        Journal.create(tmp_path, "lab")
    journal.close()


@pytest.mark.parametrize("name", ["", ".", "..", "../mine", "{mine}", "a/b", "Lab", "-x", "a" * 40])
@pytest.mark.parametrize("verb", [Journal.create, Journal.adopt, lambda place, lab: down(lab, directory=place)])
def test_a_name_that_could_leave_its_folder_is_no_lab_name_and_nothing_there_is_touched(
    tmp_path: Path, name: str, verb: Callable[[Path, str], object]
) -> None:
    mine, labs = tmp_path / "mine", tmp_path / "labs"
    for folder in (mine, labs, labs / "a"):
        folder.mkdir()
        (folder / "kept").touch()
    with pytest.raises(NoLabName, match="is no name for a lab"):
        verb(labs, name.format(mine=mine))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "kept", "kept", "kept", "labs", "mine"]


def test_a_journal_cannot_be_taken_over_while_its_owner_holds_it(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, "lab")
    assert adopt(tmp_path, "lab") is None
    journal.close()
    adopted = adopt(tmp_path, "lab")
    assert adopted is not None
    assert adopted.header == journal.header
    adopted.forget()


def test_an_adopted_journal_goes_on_after_its_last_whole_line(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, "lab")
    journal.will(DropNetns("lab-a"))
    journal.close()
    path = tmp_path / "lab" / JOURNAL
    path.write_text(path.read_text() + '{"n": 1, "wi')
    adopted = adopt(tmp_path, "lab")
    assert adopted is not None
    adopted.undone(0)
    assert parse(path.read_text())[1] == (Entry(0, DropNetns("lab-a"), undone=True),)
    adopted.close()


def test_a_folder_without_a_journal_is_adopted_as_a_lab_that_changed_nothing(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    adopted = adopt(tmp_path, "lab")
    assert adopted is not None
    assert adopted.entries == ()
    adopted.forget()
    assert list(tmp_path.iterdir()) == []


def test_marks_of_two_labs_of_one_name_differ() -> None:
    first, second = Header.new("demo"), Header.new("demo")
    assert first.mark != second.mark
    assert first.mark.startswith("portscope:demo:")


def test_a_folder_that_cannot_be_written_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match=r"cannot write .*file/labs: Not a directory; set XDG_STATE_HOME"):
        Journal.create(tmp_path / "file" / "labs", "lab")


def test_journals_are_in_the_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/s")
    assert state_directory() == Path("/s/portscope/labs")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/h")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert state_directory() == Path("/h/.local/state/portscope/labs")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert state_directory() == Path("/var/lib/portscope/labs")
