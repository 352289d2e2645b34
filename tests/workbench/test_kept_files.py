"""A command never replaces a file unless that is asked for, and knows it before anything is sent or read."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.observe.recording.snapshot_file import dumps
from tests.workbench.plain_host import plain_host
from workbench.cli import main
from workbench.exits import Exit

SAVED = "saved.json"
WRITERS = {
    "snapshot": ("snapshot", SAVED, "-o"),
    "report": ("report", "--snapshot", SAVED, "-o"),
    "packets": ("why", "127.0.0.1:1", "--prove", "--pcap"),
    "case": ("why", "127.0.0.1:1", "--prove", "--save-case"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / SAVED).write_text(dumps(plain_host()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("words", WRITERS.values(), ids=WRITERS)
def test_a_file_is_kept(words: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = folder / "mine.json"
    mine.write_text("mine")
    assert main([*words, str(mine)]) == Exit.USAGE
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert "--force" in shown.err
    assert mine.read_text() == "mine"
    assert {path.name for path in folder.iterdir()} == {SAVED, "mine.json"}


@pytest.mark.parametrize("words", [WRITERS["snapshot"], WRITERS["report"]], ids=["snapshot", "report"])
def test_with_force_it_is_written_over(words: tuple[str, ...], folder: Path) -> None:
    mine = folder / "mine.json"
    mine.write_text("mine")
    assert main([*words, str(mine), "--force"]) == Exit.DONE
    assert mine.read_text().startswith("{")
