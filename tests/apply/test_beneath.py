"""Files below a folder: no name, link or dot part leads out of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.apply import beneath


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "net").mkdir(parents=True)
    (root / "net" / "x").write_text("1\n")
    (tmp_path / "outside").write_text("kept")
    (root / "net" / "link").symlink_to(tmp_path / "outside")
    (root / "up").symlink_to(tmp_path)
    return root


def test_a_file_below_is_read_and_written(folder: Path) -> None:
    beneath.write(str(folder), "net/x", "7")
    assert beneath.read(str(folder), "net/x") == "7"


@pytest.mark.parametrize(
    "path",
    ["../outside", "net/../../outside", "net/link", "up/outside", "/etc/hostname", "", "net//x", "./net/x", "net/x\0"],
)
def test_whatever_leads_out_is_refused(folder: Path, path: str) -> None:
    with pytest.raises(OSError, match=r"[a-z]"):
        beneath.read(str(folder), path)
    with pytest.raises(OSError, match=r"[a-z]"):
        beneath.write(str(folder), path, "hit")
    assert (folder.parent / "outside").read_text() == "kept"


def test_a_file_that_is_not_there_is_not_made(folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        beneath.write(str(folder), "net/new", "1")
    assert not (folder / "net" / "new").exists()
