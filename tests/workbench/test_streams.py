"""Standard streams that are closed, full or gone: one line at most, on the right stream, and the documented code."""

from __future__ import annotations

import io
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from engine.programs import environment
from workbench import output
from workbench.exits import Exit

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "tests" / "hosts" / "shop.json.gz"
START = [sys.executable, "-P", "-m", "workbench.start"]
#: Commands that print, and the code with which each ends where it can.
PRINTING = {
    "--version": Exit.DONE,
    "--help": Exit.DONE,
    "why --help": Exit.DONE,
    "config": Exit.DONE,
    f"snapshot {SHOP}": Exit.DONE,
    f"report --snapshot {SHOP}": Exit.DONE,
    f"why web:80 --snapshot {SHOP} --from db": Exit.NOT_REACHABLE,
    f"why web:80 --snapshot {SHOP} --from db --json": Exit.NOT_REACHABLE,
    f"why web:80 --snapshot {SHOP} --from everywhere": Exit.NOT_REACHABLE,
    f"diff {SHOP} {SHOP}": Exit.DONE,
}


def shell(words: str, rest: str = "") -> subprocess.CompletedProcess[str]:
    """Runs the program by a shell that treats its streams as `rest` says."""
    line = f"{shlex.join(START)} {words} {rest}"
    settled = environment() | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False, env=settled)


@pytest.mark.parametrize("words", PRINTING)
def test_a_closed_stdout_is_one_line_on_stderr(words: str) -> None:
    done = shell(words, ">&-")
    assert (done.returncode, done.stdout) == (Exit.REFUSED, "")
    assert done.stderr == (
        "portscope: cannot write to stdout: it is closed; open it, or name a file where the command takes one\n"
    )


@pytest.mark.parametrize("words", PRINTING)
def test_a_full_disk_is_one_line_on_stderr(words: str) -> None:
    done = shell(words, "> /dev/full")
    assert (done.returncode, done.stderr) == (
        Exit.REFUSED,
        "portscope: cannot write to stdout: No space left on device\n",
    )


@pytest.mark.parametrize("words", PRINTING)
def test_a_reader_that_goes_away_is_no_error(words: str) -> None:
    done = shell(words, "| true; exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stderr) == (PRINTING[words], "")


@pytest.mark.parametrize("words", [*PRINTING, "why nonsense", "snapshot /no/such/file", "--no-such-option"])
def test_with_stderr_closed_stdout_has_what_it_has_otherwise(words: str) -> None:
    usual, closed = shell(words), shell(words, "2>&-")
    assert (closed.returncode, closed.stdout, closed.stderr) == (usual.returncode, usual.stdout, "")


def test_a_file_that_is_opened_never_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    path = tmp_path / "host.json"
    done = shell(f"snapshot {SHOP} -o {path}", "<&- >&- 2>&-")
    assert done.returncode == Exit.DONE
    assert path.read_text().startswith('{\n "schema"')


def test_names_of_strangers_do_not_steer_the_terminal() -> None:
    done = shell(shlex.quote("why") + " " + shlex.quote("a\x1b[31m\u202e\x07\nb:80") + f" --snapshot {SHOP}")
    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.rstrip("\n").isprintable()
    assert "\\x1b[31m\\u202e" in done.stderr


def test_a_line_on_stderr_is_bounded() -> None:
    done = shell(f"why {'a' * 100_000}:80 --snapshot {SHOP}")
    assert done.returncode == Exit.USAGE
    assert len(done.stderr) < 1100
    assert done.stderr.startswith("portscope: ")
    assert done.stderr.endswith("\n")


class Screen(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


def test_what_is_being_done_is_said_on_a_terminal_and_gone_before_anything_else(monkeypatch):
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with output.meanwhile("asking …") as clear:
        assert screen.getvalue() == "\rasking …"
        clear()
        print("a line", file=sys.stderr)
    assert screen.getvalue() == "\rasking …\r\x1b[Ka line\n"


def test_a_log_does_not_say_what_is_being_done(capsys):
    with output.meanwhile("asking …") as clear:
        clear()
    assert capsys.readouterr().err == ""
