"""`portscope clean`: what is left of a lab that was never up goes, a lab that stands stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.apply.journal import RECORD, Journal
from workbench.cli import main
from workbench.exits import Exit


def test_only_what_nobody_holds_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    labs = tmp_path / "portscope" / "labs"
    Journal.create(labs, "killed").close()
    Journal.create(labs, "stands").close()
    (labs / "stands" / RECORD).write_text("{}")
    held = Journal.create(labs, "held")
    assert main(["clean"]) == Exit.DONE
    held.close()
    assert "removed lab killed\n" in capsys.readouterr().out
    assert sorted(folder.name for folder in labs.iterdir()) == ["held", "stands"]
