"""--read-only: nothing is changed, sent, written or started, whichever command is asked; what reads goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import read_only
from engine.apply.hands import Hands
from engine.apply.journal import birth_lock
from engine.observe.base.files import NewFile, write_whole
from engine.read_only import ReadOnly, may
from workbench import settings
from workbench.cli import main
from workbench.exits import Exit
from workbench.session.command_log import CommandLog

SHOP = Path(__file__).parents[1] / "hosts" / "shop.json.gz"
#: What each would do first.
REFUSED = {
    "lab up gallery:hairpin": "write a lab's journal",
    "lab exec web -- true": "run a program in a lab",
    "demo": "write a lab's journal",
    "clean": "remove trace instances",
    "why 127.0.0.1:9 --prove": "send a packet",
    f"snapshot {SHOP} -o out.json": "write out.json",
    f"report --snapshot {SHOP} -o out.html": "write out.html",
    f"report --snapshot {SHOP} --matrix -o out.csv": "write out.csv",
}
ALLOWED = (
    f"why web:80 --from db --snapshot {SHOP}",
    f"snapshot {SHOP}",
    f"report --snapshot {SHOP}",
    f"diff {SHOP} {SHOP}",
    "lab list",
    "lab gallery",
    "lab script gallery:hairpin",
    "config",
    "collect",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, and all of portscope's own, which has to stay empty."""
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def forbidden() -> Iterator[None]:
    read_only.forbid(True)
    yield
    read_only.forbid(False)


@pytest.mark.parametrize("words", REFUSED)
def test_a_command_that_would_do_something_says_that_it_may_not(
    words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--read-only", *words.split()]) == Exit.USAGE
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"portscope: cannot {REFUSED[words]}: --read-only is set\n")
    assert list(folder.iterdir()) == []


def test_the_word_may_stand_behind_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "up", "gallery:hairpin", "--read-only"]) == Exit.USAGE
    assert capsys.readouterr().err == "portscope: cannot write a lab's journal: --read-only is set\n"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("words", ALLOWED)
def test_a_command_that_only_reads_does_what_it_does(
    words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = main(words.split()), capsys.readouterr()
    assert (main(["--read-only", *words.split()]), capsys.readouterr()) == usual
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("forbidden")
def test_the_guard_stands_where_things_are_done(folder: Path) -> None:
    with pytest.raises(ReadOnly, match="change a network"), Hands():
        pass
    with pytest.raises(ReadOnly, match="journal"), birth_lock(folder / "labs"):
        pass
    with pytest.raises(ReadOnly):
        NewFile(folder / "x")
    with pytest.raises(ReadOnly):
        write_whole(folder / "x", b"")
    with pytest.raises(ReadOnly):
        CommandLog(folder / "log").add(["ip link"], "why")
    settings.remember("nord", toured=True)
    assert list(folder.iterdir()) == []


def test_it_ends_with_the_command() -> None:
    main(["--read-only", "clean"])
    may("do anything")
